//! `balance.toml`: what it says, what it means, and where it is wrong.
//!
//! `model` is the meaning, as data. `file` takes it out of a text and remembers where each value
//! stands, `check` judges it as a whole, `render` writes it down again.

mod check;
mod diagnostic;
mod error;
mod file;
mod key_file;
mod load;
mod model;
mod reload;
mod render;

pub use diagnostic::{Diagnostic, Label};
pub use error::ConfigError;
#[cfg(feature = "internals")]
pub(crate) use key_file::parse_api_keys;
pub use key_file::{KeyError, KeyFile, SecretKind, secret_from, secret_line};
pub(crate) use key_file::{KeyReader, read_login};
#[cfg(feature = "http")]
pub(crate) use key_file::{read_admin_token, read_api_keys, read_token_secret};
pub use model::{
    Admin, AdminAddr, BareAnswers, Cluster, Config, Http, LoadSource, Log, LogFormat, LogLevel,
    Net, NodeEntry, NodeSecret, RequestLimits, Turn, TurnServer,
};
pub use reload::{Difference, Reloaded};
