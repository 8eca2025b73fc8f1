//! Who may have credentials from the broker, and who may ask the admin interface.

use std::fmt;
use std::path::Path;

use super::error::KeyError;
use super::kind::SecretKind;
use super::open::open;
use super::turn::secret_line;

/// Room for a thousand keys.
const MAX_FILE: usize = 256 << 10;

/// The shortest secret: what 16 bytes can hold nobody guesses, and 8 of them in digits a patient one may.
const MIN_SECRET: usize = 16;

/// The longest: an `Authorization` header must have room for it.
const MAX_SECRET: usize = 512;

/// The longest name: as that of a server.
const MAX_NAME: usize = 32;

/// One line of a file of API keys. Its secret is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    /// Who has it.
    pub(crate) name: String,
    /// What he shows.
    pub(crate) secret: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads a file of API keys: `NAME SECRET` a line; what begins with `#` and empty lines are passed over.
///
/// # Errors
/// It is not one that secrets may be in, or a line is something else.
pub(crate) fn read_api_keys(file: &Path) -> Result<Vec<ApiKey>, KeyError> {
    let what = SecretKind::ApiKeys;
    let (content, _) = open(file, what, MAX_FILE)?;
    if content.len() > MAX_FILE {
        return Err(KeyError::TooLong { file: file.to_owned(), what, most: MAX_FILE });
    }
    let keys = parse_api_keys(&content);
    let keys = keys.map_err(|(line, fault)| {
        let file = file.to_owned();
        KeyError::Line { file, what, line, fault }
    })?;
    if keys.is_empty() {
        return Err(KeyError::Empty { file: file.to_owned(), what });
    }
    Ok(keys)
}

/// The keys in a text, or which line is wrong and how.
///
/// # Errors
/// The first line that is no key, from 1, and what it is.
pub(crate) fn parse_api_keys(content: &[u8]) -> Result<Vec<ApiKey>, (usize, &'static str)> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for (i, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let wrong = |fault| (i + 1, fault);
        let line = str::from_utf8(line).map_err(|_| wrong("is not UTF-8"))?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(secret), None) = (words.next(), words.next(), words.next()) else {
            return Err(wrong("is not `NAME SECRET`"));
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(wrong("has no name of 1 to 32 of `A-Z a-z 0-9 . _ -`"));
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("has a secret with other than visible ASCII characters"));
        }
        if !(MIN_SECRET..=MAX_SECRET).contains(&secret.len()) {
            return Err(wrong("has a secret that is not 16 to 512 characters long"));
        }
        if keys.iter().any(|key| key.name == name) {
            return Err(wrong("has a name that stands there already"));
        }
        if keys.iter().any(|key| key.secret == secret) {
            return Err(wrong("has a secret that stands there already"));
        }
        keys.push(ApiKey { name: name.to_owned(), secret: secret.to_owned() });
    }
    Ok(keys)
}

/// Reads the secret that tokens are made with.
///
/// # Errors
/// The file is not one that a secret may be in, or is no line of at least 16 bytes.
pub(crate) fn read_token_secret(file: &Path) -> Result<String, KeyError> {
    long_secret(file, SecretKind::TokenSecret)
}

/// Reads the token that whoever asks the admin interface has to show.
///
/// # Errors
/// As [`read_token_secret`].
pub(crate) fn read_admin_token(file: &Path) -> Result<String, KeyError> {
    long_secret(file, SecretKind::AdminToken)
}

fn long_secret(file: &Path, what: SecretKind) -> Result<String, KeyError> {
    let secret = secret_line(file, what)?;
    if secret.len() < MIN_SECRET {
        return Err(KeyError::TooShort { file: file.to_owned(), what, least: MIN_SECRET });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_keys() {
        let text = "# who may\n\nshop 0123456789abcdef\n  app\tfedcba9876543210\r\n";
        let keys = parse_api_keys(text.as_bytes()).unwrap();
        let names: Vec<_> = keys.iter().map(|key| (key.name.as_str(), key.secret.len())).collect();
        assert_eq!(names, [("shop", 16), ("app", 16)]);
        assert!(!format!("{keys:?}").contains("0123"));
        for (text, line, fault) in [
            ("a", 1, "is not `NAME SECRET`"),
            ("#\na b c", 2, "is not `NAME SECRET`"),
            ("ä 0123456789abcdef", 1, "has no name of 1 to 32 of `A-Z a-z 0-9 . _ -`"),
            ("a 0123456789abcde", 1, "has a secret that is not 16 to 512 characters long"),
            ("a 0123456789abcdeä", 1, "has a secret with other than visible ASCII characters"),
            ("a 0123456789abcdef\na 0123456789abcdeg", 2, "has a name that stands there already"),
            ("a 0123456789abcdef\nb 0123456789abcdef", 2, "has a secret that stands there already"),
        ] {
            assert_eq!(parse_api_keys(text.as_bytes()), Err((line, fault)), "{text}");
        }
        assert_eq!(parse_api_keys(b"\xff"), Err((1, "is not UTF-8")));
    }
}
