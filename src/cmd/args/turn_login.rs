use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueHint;
use turn_balance::{Error, SecretKind, TurnCredentials, TurnSecret, secret_from, secret_line};

use crate::cmd::output::CommandError;
use crate::cmd::report::{LoginKind, Problem};

/// What minted credentials are called where nobody is named, as a server's are.
const NAME: &str = "tb";

/// The longest user: with the time before it it is no more than STUN's 508 bytes (RFC 8489, section 14.3).
const MAX_USER: usize = 400;

/// Who a TURN server is to believe that it is asked by.
#[derive(Debug, clap::Args)]
pub(crate) struct TurnLoginArgs {
    /// User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out
    #[arg(long, value_name = "USER", env = "TB_TURN_USER", hide_env_values = true, value_hint = ValueHint::Other)]
    turn_user: Option<String>,

    /// File that has the user's password; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_TURN_PASSWORD_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    turn_password_file: Option<SecretFile>,

    /// File that has the secret shared with the TURN server, which credentials are minted from; `-` is
    /// standard input
    #[arg(
        long,
        value_name = "FILE",
        env = "TB_TURN_SECRET_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    turn_secret_file: Option<SecretFile>,
}

/// What [`TurnLoginArgs`] come to.
#[derive(Debug, Clone)]
pub(crate) enum GivenLogin {
    /// These.
    Credentials(TurnCredentials),
    /// Minted for this name.
    Secret(TurnSecret, String),
}

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SecretFile {
    Stdin,
    File(PathBuf),
}

impl TurnLoginArgs {
    /// Whether any of the flags was given.
    pub(crate) fn is_given(&self) -> bool {
        self.turn_user.is_some() || self.turn_password_file.is_some() || self.is_minted()
    }

    /// Whether credentials are to be minted from a secret.
    pub(crate) fn is_minted(&self) -> bool {
        self.turn_secret_file.is_some()
    }

    /// Who one is by it.
    pub(crate) fn kind(&self) -> LoginKind {
        match (&self.turn_secret_file, &self.turn_password_file) {
            (Some(_), _) => LoginKind::Minted,
            (None, Some(_)) => LoginKind::Password,
            (None, None) => LoginKind::Nobody,
        }
    }

    /// Reads the password or the secret; `None`: neither was given.
    ///
    /// # Errors
    /// Where the flags contradict one another, or a file cannot be used.
    pub(crate) fn read(&self) -> Result<Option<GivenLogin>, CommandError> {
        let wrong = |message: &str| Err(Problem::usage(message).into());
        let fits =
            |user: &str| (1..=MAX_USER).contains(&user.len()) && !user.contains(char::is_control);
        let user = self.turn_user.as_deref();
        match (user, &self.turn_password_file, &self.turn_secret_file) {
            (None, None, None) => Ok(None),
            (_, Some(_), Some(_)) => wrong(
                "`--turn-password-file` and `--turn-secret-file` are two ways to one password: give one",
            ),
            (None, Some(_), None) => {
                wrong("a password is somebody's: `--turn-password-file` needs `--turn-user`")
            }
            (Some(_), None, None) => wrong(
                "a user has a password: `--turn-user` needs `--turn-password-file` or `--turn-secret-file`",
            ),
            (Some(user), ..) if !fits(user) => {
                wrong("a user of a TURN server is 1 to 400 bytes of text, in one line")
            }
            (Some(user), Some(file), None) => {
                let password = file.read(SecretKind::TurnPassword)?;
                Ok(Some(GivenLogin::Credentials(TurnCredentials::new(user, password))))
            }
            (name, None, Some(file)) => {
                let secret = TurnSecret::new(file.read(SecretKind::TurnSecret)?);
                Ok(Some(GivenLogin::Secret(secret, name.unwrap_or(NAME).to_owned())))
            }
        }
    }
}

impl GivenLogin {
    /// The credentials; minted ones end then (seconds since 1970).
    pub(crate) fn credentials(&self, expiry_unix: u64) -> TurnCredentials {
        match self {
            Self::Credentials(credentials) => credentials.clone(),
            Self::Secret(secret, name) => secret.mint(expiry_unix, name),
        }
    }
}

impl SecretFile {
    fn read(&self, what: SecretKind) -> Result<String, CommandError> {
        let secret = match self {
            Self::File(file) => secret_line(file, what),
            Self::Stdin => secret_from(io::stdin().lock(), Path::new("standard input"), what),
        };
        Ok(secret.map_err(Error::from)?)
    }
}

impl FromStr for SecretFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl fmt::Display for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::File(file) => file.display().fmt(f),
        }
    }
}
