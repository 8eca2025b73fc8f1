use std::fmt;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueHint;
use turn_balance::{Error, SecretKind, TurnCredentials, TurnSecret, secret_line};

use crate::cmd::output::CommandError;
use crate::cmd::report::Problem;

/// The longest secret that is read from standard input.
const MAX_SECRET: u64 = 4096;

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
        requires = "turn_user",
        conflicts_with = "turn_secret_file",
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
    /// Reads the password or the secret.
    pub(crate) fn read(&self) -> Result<Option<GivenLogin>, CommandError> {
        let user = self.turn_user.clone();
        Ok(match (&self.turn_secret_file, &self.turn_password_file, user) {
            (Some(file), _, user) => {
                let name = user.unwrap_or_else(|| "tb".to_owned());
                Some(GivenLogin::Secret(TurnSecret::new(file.read(SecretKind::TurnSecret)?), name))
            }
            (None, Some(file), Some(user)) => Some(GivenLogin::Credentials(TurnCredentials::new(
                user,
                file.read(SecretKind::TurnPassword)?,
            ))),
            _ => None,
        })
    }
}

impl SecretFile {
    fn read(&self, what: SecretKind) -> Result<String, CommandError> {
        match self {
            Self::File(file) => Ok(secret_line(file, what).map_err(Error::from)?),
            Self::Stdin => {
                let mut text = String::new();
                let read = io::stdin().take(MAX_SECRET).read_to_string(&mut text);
                read.map_err(|error| Problem::system("cannot read a secret from stdin", &error))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let line = line.strip_suffix('\r').unwrap_or(line);
                if line.is_empty() {
                    return Err(Problem::usage("stdin has no secret").into());
                }
                Ok(line.to_owned())
            }
        }
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
