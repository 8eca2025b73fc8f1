//! What a balance server runs with. Reading it from a file follows.
mod endpoint;

pub use endpoint::{Endpoint, EndpointError, Family};

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use crate::net::wire::Name;

/// What a balance server runs with: the meaning of a `balance.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `[net]`
    pub net: Net,
    /// `[cluster]`
    pub cluster: Cluster,
    /// `[turn]`
    pub turn: Turn,
    /// `[log]`
    pub log: Log,
}

/// `[net]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// Addresses to listen on. Port 0 is any port.
    pub bind: Vec<SocketAddr>,
    /// What traces show.
    pub name: Option<Name>,
}
impl Default for Net {
    fn default() -> Self {
        Self { bind: vec![SocketAddr::from(([127, 0, 0, 1], 3001))], name: None }
    }
}
/// `[cluster]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Superiors.
    pub superiors: Vec<Endpoint>,
    /// Nodes.
    pub nodes: Vec<NodeEntry>,
    /// Port of the checks; `None`: any.
    pub check_bind: Option<u16>,
}
/// One of `nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEntry {
    /// Where it is checked.
    pub addr: Endpoint,
    /// Where clients are told it is; `None`: at `addr`.
    pub public: Option<SocketAddr>,
    /// What it is called until it says so itself.
    pub name: Option<Name>,
}
/// `[turn]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// The TURN server's address, as clients must see it.
    pub bind: Option<SocketAddr>,
    /// How it is checked.
    pub health: TurnHealth,
}
/// `turn.health`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TurnHealth {
    /// Asked with STUN Binding, and offered while it answers.
    #[default]
    Binding,
    /// Offered always.
    None,
}
/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log {
    /// What is logged.
    pub level: LogLevel,
    /// How.
    pub format: LogFormat,
}
/// `log.level`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// error
    Error,
    /// warn
    Warn,
    /// info
    #[default]
    Info,
    /// debug
    Debug,
    /// trace
    Trace,
}
/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// text
    #[default]
    Text,
    /// json
    Json,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn load(_path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::default())
    }
    /// Parses text; `origin` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn parse(_text: &str, _origin: &str) -> Result<Self, ConfigError> {
        Ok(Self::default())
    }
    /// Checks a configuration that was made by a program.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
    /// As TOML that loads again, every key written.
    pub fn to_toml(&self) -> String {
        String::new()
    }
}

/// Why a configuration cannot be used: everything that is wrong with it at once.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the configuration has errors")]
pub struct ConfigError {
    /// File name, as given.
    pub origin: String,
    /// The whole text; empty where there is none.
    pub text: String,
    /// What is wrong, in file order.
    pub diagnostics: Vec<Diagnostic>,
}
/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// One lower-case sentence.
    pub message: String,
    /// The offending text and others that explain it; the first is the offender.
    pub labels: Vec<Label>,
    /// What to do.
    pub hint: Option<String>,
}
/// A piece of the text and what to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What to say of it, may be empty.
    pub note: String,
}
