//! Key files: what is read, and by whom it may be.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::types::quoted;

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
    /// Where it stands: 32 bytes, or 64 hexadecimal digits and perhaps the end of the line.
    pub file: PathBuf,
}

/// Why a key file cannot be used.
///
/// [How errors are matched](crate#with-options-and-how-it-was-found).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read key file {}", quoted(&.file.to_string_lossy()))]
    #[non_exhaustive]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("key file {} is open to others than its owner", quoted(&.file.to_string_lossy()))]
    #[non_exhaustive]
    Open {
        /// Which file.
        file: PathBuf,
    },
    /// It holds something else.
    #[error(
        "key file {} holds neither 32 bytes nor 64 hex digits",
        quoted(&.file.to_string_lossy())
    )]
    #[non_exhaustive]
    NoKey {
        /// Which file.
        file: PathBuf,
    },
}

impl KeyFile {
    /// A key with this number, in this file.
    pub fn new(id: u32, file: impl Into<PathBuf>) -> Self {
        Self { id, file: file.into() }
    }

    /// Reads the secret.
    pub(crate) fn read(&self) -> Result<[u8; 32], KeyError> {
        let file = || self.file.clone();
        let unreadable = |error| KeyError::Unreadable { file: file(), source: error };
        let mut open = File::open(&self.file).map_err(unreadable)?;
        // Of the open file, so that it is the one that is read.
        if is_open_to_others(&open).map_err(unreadable)? {
            return Err(KeyError::Open { file: file() });
        }
        let mut bytes = Vec::new();
        open.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        secret(&bytes).ok_or_else(|| KeyError::NoKey { file: file() })
    }
}

impl KeyError {
    /// What to do.
    pub(super) fn hint(&self) -> String {
        let quoted =
            |file: &Path| format!("'{}'", file.display().to_string().replace('\'', r"'\''"));
        match self {
            Self::Open { file } => format!("close it: `chmod 600 {}`", quoted(file)),
            Self::Unreadable { file, .. } | Self::NoKey { file } => {
                format!("make one: `(umask 077; head -c 32 /dev/urandom > {})`", quoted(file))
            }
        }
    }
}

/// 64 digits and a line's end.
const MAX_BYTES: u64 = 66;

fn secret(bytes: &[u8]) -> Option<[u8; 32]> {
    if let Ok(raw) = bytes.try_into() {
        return Some(raw);
    }
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    let (pairs, rest) = digits.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    let bytes: Option<Vec<_>> = pairs.iter().map(byte).collect();
    bytes?.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_digits_are_keys() {
        let key: [u8; 32] = std::array::from_fn(|index| 0xf0 ^ index as u8);
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(secret(&key), Some(key));
        for end in ["", "\n", "\r\n"] {
            assert_eq!(secret(format!("{digits}{end}").as_bytes()), Some(key));
            assert_eq!(secret(format!("{}{end}", digits.to_uppercase()).as_bytes()), Some(key));
        }
        let wrong = ["", "\n\n", " ", "0", "00", "zz"].map(|end| format!("{digits}{end}"));
        for text in wrong[1..].iter().chain([&digits[1..].to_owned(), &"g".repeat(64)]) {
            assert_eq!(secret(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(secret(&key[1..]), None);
        assert_eq!(secret(&[0; 33]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = std::env::temp_dir().join(format!("tb-{}.key", std::process::id()));
        std::fs::write(&file, [7; 32]).unwrap();
        let key = KeyFile::new(1, &file);
        for (mode, fine) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
            (0o610, false),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = key.read();
            assert_eq!(read.is_ok(), fine, "{mode:o}");
            if let Err(error) = read {
                assert!(error.hint().contains("chmod 600"), "{error}");
            }
        }
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(key.read(), Err(KeyError::Unreadable { .. })));
    }
}
