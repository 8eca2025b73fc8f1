use std::net::SocketAddr;
use std::time::Duration;

use super::limits::Limits;
use crate::net::wire::View;
use crate::types::{Prefix, Scope};

/// How a descent chooses.
///
/// [How options are given](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Measures, waits for what can still win, and ranks by least round-trip time.
    #[default]
    Best,
    /// The plain race: one query a candidate, the first answer wins its level.
    First,
}

impl Strategy {
    /// The word for it on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::First => "first",
        }
    }
}

/// How far a descent is.
///
/// Told to the closure of [`Balance::select_with`](crate::Balance::select_with), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Candidates met.
    pub candidates: usize,
    /// Candidates that answered.
    pub answered: usize,
    /// The best TURN server so far.
    pub provisional: Option<SocketAddr>,
}

/// What a descent is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How to choose.
    pub strategy: Strategy,
    /// Which lists to ask for.
    pub view: View,
    /// Whether to ask for the names of candidates that may stay silent.
    pub names: bool,
    /// Whether to ask the TURN servers themselves at the end.
    pub verify: bool,
    /// When to give up.
    pub timeout: Duration,
    /// How long to go on listening after the choice, for answers that only a trace wants.
    pub linger: Duration,
    /// Where lists may lead it, such as into all of IPv4 and nowhere else; `None`: anywhere.
    pub within: Option<Prefix>,
    /// What it may send.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strategy: Strategy::Best,
            view: View::Flat,
            names: false,
            verify: true,
            timeout: Duration::from_secs(10),
            linger: Duration::ZERO,
            within: None,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// Whether a list may lead to an address, below a root of this scope.
    pub(super) fn allow(&self, root: Scope, addr: SocketAddr) -> bool {
        planted!(RefusedAsked => true);
        let floor = if self.limits.allow_private { root.min(Scope::Private) } else { root };
        let within = self.within.is_none_or(|prefix| prefix.contains(addr.ip()));
        within && floor.allows_also(addr.ip(), &self.limits.allow)
    }
}
