use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::types::{EndpointError, ListenAddr, Prefix};

/// `[admin]`: where an operator and his monitoring ask what the server is doing. It runs where `bind` says.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Admin {
    /// Where it listens; `None`: there is none.
    pub bind: Option<AdminAddr>,
    /// Who may ask, beyond this host: prefixes of addresses.
    pub allow: Vec<Prefix>,
    /// A file with the token that whoever asks has to show.
    pub token_file: Option<PathBuf>,
}

/// Where the admin interface listens: an address (TCP), or a socket in the file system.
///
/// ```
/// use turn_balance::AdminAddr;
///
/// let bind: AdminAddr = "unix:/run/tb.sock".parse()?;
/// assert_eq!(bind, AdminAddr::Unix("/run/tb.sock".into()));
/// # Ok::<(), turn_balance::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminAddr {
    /// An address and a port, of which 0 is any.
    Tcp(ListenAddr),
    /// A path.
    Unix(PathBuf),
}

impl AdminAddr {
    /// What stands before a path.
    pub(crate) const UNIX: &str = "unix:";

    /// Whether only who is on this host comes there.
    pub(crate) fn is_of_this_host(&self) -> bool {
        match self {
            Self::Tcp(bind) => bind.addr().ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for AdminAddr {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.strip_prefix(Self::UNIX) {
            Some(path) => Ok(Self::Unix(path.into())),
            None => Ok(Self::Tcp(text.parse()?)),
        }
    }
}

impl fmt::Display for AdminAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(bind) => bind.fmt(f),
            Self::Unix(path) => write!(f, "{}{}", Self::UNIX, path.display()),
        }
    }
}
