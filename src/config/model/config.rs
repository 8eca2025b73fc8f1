//! `balance.toml`: what it says, what it means, and where it is wrong.
//!
//! `file` takes the values out of the text and remembers where they stand, `check` judges what
//! they mean together, `render` writes them down again.

mod check;
mod error;
mod file;
mod keys;
mod load;
mod nearest;
mod render;
mod syntax;
mod value;

pub use error::{ConfigError, Diagnostic, Label};
pub use keys::{KeyError, KeyFile};

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use crate::types::{DEFAULT_PORT, Endpoint, Name, Prefix, Rates};

/// What a balance server runs with: the meaning of a `balance.toml`.
///
/// ```
/// use turn_balance::Config;
///
/// let config = Config::parse("net.bind = '127.0.0.1:0'", "balance.toml")?;
/// assert_eq!(config.net.bind, ["127.0.0.1:0".parse().unwrap()]);
/// # Ok::<(), turn_balance::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// `[net]`: where the server listens.
    pub net: Net,
    /// `[cluster]`: who stands above and below.
    pub cluster: Cluster,
    /// `[turn]`: the TURN server beside a leaf.
    pub turn: Turn,
    /// `[limits]`: what strangers are allowed.
    pub limits: RequestLimits,
    /// `[log]`: what is logged.
    pub log: Log,
}

/// `[net]`: where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// Addresses to listen on. Port 0 is any port.
    pub bind: Vec<SocketAddr>,
    /// What traces show.
    pub name: Option<Name>,
    /// How many threads answer at each address, each with a socket of its own.
    pub workers: u16,
}

/// `[cluster]`: who stands above and below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Servers that are told of this one.
    pub superiors: Vec<Endpoint>,
    /// Servers that this one checks and lists.
    pub nodes: Vec<NodeEntry>,
    /// Port that checks are sent from; `None`: any.
    pub check_bind: Option<u16>,
    /// Where it asks superiors to be reached that do not list it; `None`: where it sends from.
    pub advertise: Option<SocketAddr>,
    /// Keys that it shares with others, three at most: the first one signs, all are accepted.
    pub keys: Vec<KeyFile>,
    /// Whether heartbeats and answers to checks must be signed.
    pub require_auth: bool,
    /// Whether nodes with a key may join without being listed.
    pub join: bool,
    /// How many nodes there may be, with those that are listed.
    pub max_nodes: usize,
    /// Where nodes that join may be; empty: anywhere.
    pub join_prefixes: Vec<Prefix>,
}

/// One of `cluster.nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEntry {
    /// Where it is checked.
    pub addr: Endpoint,
    /// Where clients are told it is; `None`: at `addr`.
    pub public: Option<SocketAddr>,
    /// What it is called until it says so itself.
    pub name: Option<Name>,
}

/// `[turn]`: the TURN server beside a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// The TURN server's address, as clients must see it; `None`: there is none.
    pub bind: Option<SocketAddr>,
    /// How it is checked.
    pub health: TurnHealth,
}

/// `[limits]`: what strangers are allowed, who do not show that they are at their address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLimits {
    /// Who is neither limited nor suspected.
    pub exempt: Vec<Prefix>,
    /// What a request of the first implementation gets.
    pub bare_answers: BareAnswers,
    /// With [`BareAnswers::Full`]: bytes a second that all answers together may take that are more
    /// than three times their requests. 1,232 or more: one answer.
    pub bare_bytes: u32,
    /// Requests a second.
    pub rates: Rates,
}

/// `limits.bare-answers`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BareAnswers {
    /// Some of the nodes: as many as fit into three times the request.
    #[default]
    Sample,
    /// All of them, within a budget.
    Full,
}

/// `turn.health`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TurnHealth {
    /// Asked with STUN Binding (RFC 8489) every 3 s, and offered while it answers.
    #[default]
    Binding,
    /// Not at all: it is always offered.
    None,
}

/// `[log]`: what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log {
    /// The least level that is logged.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// `log.level`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// What made it stop.
    Error,
    /// What somebody should look at.
    Warn,
    /// What it does.
    #[default]
    Info,
    /// Why it does so.
    Debug,
    /// Every datagram.
    Trace,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for RequestLimits {
    fn default() -> Self {
        let (bare_answers, bare_bytes) = (BareAnswers::default(), 1_000_000);
        Self { exempt: Prefix::LOOPBACK.into(), bare_answers, bare_bytes, rates: Rates::default() }
    }
}

impl BareAnswers {
    const ALL: [Self; 2] = [Self::Sample, Self::Full];

    /// The word for it in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for BareAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Config {
    /// Reads and checks a file, and the key files that it names. Where these are relative, they are
    /// so to its folder.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read ([`ConfigError::source`]), or has errors.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        load::load(path)
    }

    /// Reads and checks a text, but no key files; `origin` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigError`], with every error of the text.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        Self::parse_in(text, origin, None)
    }

    /// The same; with a folder, key files are looked for there, and read.
    fn parse_in(text: &str, origin: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        file::read(text, folder).map_err(|diagnostics| ConfigError {
            origin: origin.to_owned(),
            text: text.to_owned(),
            diagnostics,
            source: None,
        })
    }

    /// Checks a configuration that was made by a program.
    ///
    /// # Errors
    /// [`ConfigError`], whose diagnostics have no labels: there is no text to point at.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let diagnostics: Vec<_> = check::check(self).into_iter().map(Into::into).collect();
        if diagnostics.is_empty() {
            return Ok(());
        }
        Err(ConfigError { origin: String::new(), text: String::new(), diagnostics, source: None })
    }

    /// The whole configuration as TOML that loads again: defaults are written out, and what has
    /// no value is a comment.
    pub fn to_toml(&self) -> String {
        render::to_toml(self)
    }
}

impl From<Endpoint> for NodeEntry {
    fn from(addr: Endpoint) -> Self {
        Self { addr, public: None, name: None }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            superiors: Vec::new(),
            nodes: Vec::new(),
            check_bind: None,
            advertise: None,
            keys: Vec::new(),
            require_auth: false,
            join: false,
            max_nodes: 10_000,
            join_prefixes: Vec::new(),
        }
    }
}

impl Default for Net {
    fn default() -> Self {
        Self { bind: vec![(Ipv4Addr::LOCALHOST, DEFAULT_PORT).into()], name: None, workers: 1 }
    }
}

impl LogLevel {
    /// Every level, the gravest first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// As the file has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl LogFormat {
    /// Every format.
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// As the file has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl TurnHealth {
    /// Every way.
    pub(crate) const ALL: [Self; 2] = [Self::Binding, Self::None];

    /// As the file has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::None => "none",
        }
    }
}

impl fmt::Display for TurnHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
