use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::kind::SecretKind;
use crate::types::{escaped, shell_quoted};

/// Why the file of a key, or of another secret, cannot be used.
///
/// [How it is matched](crate#a-server).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none.
    #[error("there is no {what} `{}`", ShownPath(.file))]
    #[non_exhaustive]
    Missing {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
        /// What the system said.
        source: io::Error,
    },
    /// This process may not read it, or not go where it stands.
    #[error("user {user} may not read {what} `{}`", ShownPath(.file))]
    #[non_exhaustive]
    Forbidden {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
        /// The number of the user that this process runs as.
        user: u32,
        /// What the system said.
        source: io::Error,
    },
    /// The system fails to read it.
    #[error("cannot read {what} `{}`", ShownPath(.file))]
    #[non_exhaustive]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a pipe, a device or a socket.
    #[error("{what} `{}` is not a regular file", ShownPath(.file))]
    #[non_exhaustive]
    NotRegular {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
    },
    /// Its owner, who can change it, is neither root nor the user that this process runs as.
    #[error("{what} `{}` belongs to user {owner}, expected {}", ShownPath(.file), Owners(*.user))]
    #[non_exhaustive]
    Owner {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
        /// The number of its owner.
        owner: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// Others than its owner and its group may read or write it.
    #[error("{what} `{}` is open to everybody", ShownPath(.file))]
    #[non_exhaustive]
    Open {
        /// Which file.
        file: PathBuf,
        /// What is in it.
        what: SecretKind,
    },
    /// It is neither as long as a key nor as one in digits.
    #[error(
        "key file `{}` holds {}, expected 32 or 64 hexadecimal digits",
        ShownPath(.file),
        Bytes(*.bytes)
    )]
    #[non_exhaustive]
    Length {
        /// Which file.
        file: PathBuf,
        /// How long it is; `None`: longer than is read.
        bytes: Option<usize>,
    },
    /// A key stands there, and then blanks or ends of lines that do not belong to it.
    #[error("key file `{}` has blanks after its key", ShownPath(.file))]
    #[non_exhaustive]
    Blanks {
        /// Which file.
        file: PathBuf,
        /// How long the key is.
        key: usize,
    },
    /// It holds 32 bytes in base64.
    #[error("key file `{}` holds base64, expected 32 bytes or 64 hexadecimal digits", ShownPath(.file))]
    #[non_exhaustive]
    Base64 {
        /// Which file.
        file: PathBuf,
    },
    /// It is as long as a key in digits, and has other characters.
    #[error("key file `{}` holds neither 32 bytes nor 64 hex digits", ShownPath(.file))]
    #[non_exhaustive]
    NoKey {
        /// Which file.
        file: PathBuf,
    },
    /// Each of its bytes is 0.
    #[error("key file `{}` is all zeros", ShownPath(.file))]
    #[non_exhaustive]
    Zero {
        /// Which file.
        file: PathBuf,
    },
    /// Another key has the same secret: what is signed with one would count as the other.
    #[error("key file `{}` has the secret of key `{other}`", ShownPath(.file))]
    #[non_exhaustive]
    Twice {
        /// Which file.
        file: PathBuf,
        /// The number of the other key.
        other: u32,
    },
    /// There is nothing in it but the end of a line.
    #[error("{what} `{}` is empty", ShownPath(.file))]
    #[non_exhaustive]
    Empty {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
    },
    /// It is longer than what TURN servers take.
    #[error("{what} `{}` holds more than {most} bytes", ShownPath(.file))]
    #[non_exhaustive]
    TooLong {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
        /// The most that it may hold.
        most: usize,
    },
    /// It is not one line of text.
    #[error("{what} `{}` does not hold one line of plain text", ShownPath(.file))]
    #[non_exhaustive]
    NotOneLine {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
    },
    /// It is shorter than what nobody guesses.
    #[error("{what} `{}` holds less than {least} bytes", ShownPath(.file))]
    #[non_exhaustive]
    TooShort {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
        /// The least that it must hold.
        least: usize,
    },
    /// One of its lines is not what it should be.
    #[error("line {line} of {what} `{}` {fault}", ShownPath(.file))]
    #[non_exhaustive]
    Line {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// It has no private key in the form that is called PEM.
    #[error("{what} `{}` holds no private key, expected PEM", ShownPath(.file))]
    #[non_exhaustive]
    NoPrivateKey {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
    },
    /// It has no certificate in the form that is called PEM, or something there that is none.
    #[error("{what} `{}` holds no certificate, expected PEM", ShownPath(.file))]
    #[non_exhaustive]
    NoCertificate {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        what: SecretKind,
    },
}

impl KeyError {
    /// Certificates that cannot be read, and why.
    pub(crate) fn certificates(file: &Path, source: io::Error) -> Self {
        let what = SecretKind::Certificates;
        Self::Unreadable { file: file.to_owned(), what, source }
    }

    /// What to do. Nothing of it writes over a file.
    pub fn hint(&self) -> Option<String> {
        let into_new = |command: &str, file: &Path| {
            let (file, new) = (shell_quoted(file), shell_quoted(&file.with_extension("new")));
            format!("write it to another: `(set -C; umask 077; {command} < {file} > {new})`")
        };
        Some(match self {
            Self::Missing { file, what: SecretKind::TokenSecret, .. } => {
                let file = shell_quoted(file);
                format!("make one: `(set -C; umask 077; openssl rand -hex 32 > {file})`")
            }
            Self::Missing { what, .. } if *what != SecretKind::Key => return None,
            Self::Missing { file, .. } => {
                let file = shell_quoted(file);
                format!("make one: `(set -C; umask 077; head -c 32 /dev/urandom > {file})`")
            }
            Self::Forbidden { file, .. } => {
                format!("`namei -l {}` shows who may", shell_quoted(file))
            }
            Self::Owner { file, user, .. } => {
                format!("`chown {user} {}` gives it to the user that reads it", shell_quoted(file))
            }
            Self::Open { file, .. } => format!("close it: `chmod o= {}`", shell_quoted(file)),
            Self::Blanks { file, key } => into_new(&format!("head -c {key}"), file),
            Self::Base64 { file } => into_new("base64 -d", file),
            Self::Unreadable { .. }
            | Self::NotRegular { .. }
            | Self::Length { .. }
            | Self::NoKey { .. }
            | Self::Zero { .. }
            | Self::Twice { .. }
            | Self::Empty { .. }
            | Self::TooLong { .. }
            | Self::NotOneLine { .. }
            | Self::TooShort { .. }
            | Self::Line { .. }
            | Self::NoPrivateKey { .. }
            | Self::NoCertificate { .. } => return None,
        })
    }
}

/// A path, fit for a terminal.
struct ShownPath<'a>(&'a Path);

impl fmt::Display for ShownPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.0.to_string_lossy()))
    }
}

/// Whose a key file may be that this user reads.
struct Owners(u32);

impl fmt::Display for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("root"),
            user => write!(f, "root or user {user}"),
        }
    }
}

/// How many bytes there are; `None`: more than any key has.
struct Bytes(Option<usize>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(1) => f.write_str("1 byte"),
            Some(bytes) => write!(f, "{bytes} bytes"),
            None => f.write_str("more than 128 bytes"),
        }
    }
}
