use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::types::{ListenAddr, Prefix};

/// `[http]`: the broker, for web pages and the back ends of applications. It runs where `bind` names an
/// address.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// Addresses to listen on (TCP); empty: there is no broker. Port 0 is any port.
    pub bind: Vec<ListenAddr>,
    /// The certificate and those above it, PEM; read again when it changes.
    pub cert: Option<PathBuf>,
    /// The private key of `cert`, PEM.
    pub key: Option<PathBuf>,
    /// Whether it may speak without TLS beyond this host, as behind a proxy.
    pub plain: bool,
    /// A file of API keys, `NAME SECRET` a line: who may have credentials; read again when it changes, as those
    /// of the secrets are.
    pub api_keys: Option<PathBuf>,
    /// The secret that short-lived tokens are made with.
    pub token_secret: Option<PathBuf>,
    /// The secret that the TURN servers make passwords from.
    pub turn_secret: Option<PathBuf>,
    /// Those of TURN servers that have another.
    pub turn_secrets: Vec<NodeSecret>,
    /// How long credentials are good for.
    pub ttl: Duration,
    /// The pages that may ask with a token, as browsers write them: `https://app.example`.
    pub origins: Vec<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Prefix>,
    /// Whether there is a page that shows every server with its measured time.
    pub demo: bool,
}

/// One of `http.turn-secrets`: a TURN server that makes passwords from a secret of its own.
///
/// ```
/// use turn_balance::NodeSecret;
///
/// let nyc = NodeSecret::new("203.0.113.9:3478".parse()?, "/etc/turn-balance/nyc.secret");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSecret {
    /// The TURN server, or the leaf beside it, as clients are told of it.
    pub node: SocketAddr,
    /// Where the secret stands.
    pub file: PathBuf,
}

impl NodeSecret {
    /// The secret of the TURN server there, in this file.
    pub fn new(node: SocketAddr, file: impl Into<PathBuf>) -> Self {
        Self { node, file: file.into() }
    }
}

impl Http {
    /// The shortest [`Http::ttl`]: a call that begins at its end must still be set up.
    pub(crate) const MIN_TTL: Duration = Duration::from_secs(60);

    /// The longest: who loses some has lost them for no more than a week.
    pub(crate) const MAX_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
}

impl Default for Http {
    /// No broker.
    fn default() -> Self {
        Self {
            bind: Vec::new(),
            cert: None,
            key: None,
            plain: false,
            api_keys: None,
            token_secret: None,
            turn_secret: None,
            turn_secrets: Vec::new(),
            ttl: Duration::from_secs(60 * 60),
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            demo: false,
        }
    }
}
