//! Key files and those of other secrets: what is read, and by whom it may be.

mod api_keys;
mod error;
mod kind;
mod open;
mod pem;
mod secret;
mod turn;

use std::path::PathBuf;

use self::open::open;
use self::secret::{MAX_BYTES, secret};

#[cfg(feature = "internals")]
pub(crate) use self::api_keys::parse_api_keys;
pub(crate) use self::api_keys::{read_admin_token, read_api_keys, read_token_secret};
pub use self::error::KeyError;
pub use self::kind::SecretKind;
pub(crate) use self::pem::check_pem;
pub(crate) use self::turn::{check_certificates, read_login};
pub use self::turn::{secret_from, secret_line};

/// One of `cluster.keys`: a key that servers share.
///
/// ```
/// use turn_balance::KeyFile;
///
/// let key = KeyFile::new(1, "/etc/turn-balance/balance.key");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFile {
    /// Its number, the same on all servers. Never 0.
    pub id: u32,
    /// Where it stands: 32 bytes, or 64 hexadecimal digits and perhaps the end of the line, in a
    /// regular file of root or of the user of the process, closed to all but its owner and group.
    pub file: PathBuf,
}

impl KeyFile {
    /// A key with this number, in this file.
    pub fn new(id: u32, file: impl Into<PathBuf>) -> Self {
        Self { id, file: file.into() }
    }
}

/// Reads the keys of one server, no two of which may have one secret.
#[derive(Default)]
pub(crate) struct KeyReader {
    before: Vec<(u32, [u8; 32])>,
}

/// What a key file holds. It is never shown.
pub(crate) struct Secret {
    pub(crate) bytes: [u8; 32],
    /// Whether others than the file's owner may replace it.
    pub(crate) group_may_write: bool,
}

impl KeyReader {
    /// Reads one more.
    pub(crate) fn read(&mut self, key: &KeyFile) -> Result<Secret, KeyError> {
        let file = &key.file;
        let (content, group_may_write) = open(file, SecretKind::Key, MAX_BYTES)?;
        let bytes = secret(file, &content)?;
        let twin = self.before.iter().find(|(id, before)| *before == bytes && *id != key.id);
        if let Some((other, _)) = twin {
            return Err(KeyError::Twice { file: file.clone(), other: *other });
        }
        self.before.push((key.id, bytes));
        Ok(Secret { bytes, group_may_write })
    }
}
