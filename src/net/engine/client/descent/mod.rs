//! The client's race down the cascade: one descent, from the roots to a TURN server.
//!
//! `race` is the descent as its user sees it, `down` the way down and `finish` its end, which read
//! top to bottom; `copies` says how often a
//! candidate is asked, `answer` what its answer changes, `entry` what is known of it; `budget` and
//! [`reach`](super::reach) are the limits that no list can make it pass; `outcome` and `report` are
//! what comes out.

mod answer;
mod budget;
mod copies;
mod down;
mod entry;
mod finish;
mod outcome;
mod race;
mod report;

use std::time::Duration;

pub use crate::net::wire::View;
use crate::types::Prefix;
pub use budget::Limits;
pub use race::Descent;
#[cfg(feature = "internals")]
pub use race::DescentEvent;
pub use report::{
    Candidate, CandidateState, Cost, Failure, Hop, Obstacle, Parent, RunnerUp, Selection, Trace,
    Why,
};

/// How a descent chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Candidates met.
    pub candidates: usize,
    /// Candidates that answered.
    pub answered: usize,
    /// The best TURN server so far.
    pub provisional: Option<std::net::SocketAddr>,
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
    /// Where lists may lead it, such as into all of IPv4 and nowhere else; none: anywhere.
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
