use std::net::SocketAddr;
use std::time::Duration;

use super::Strategy;
use crate::types::Name;

/// The result of a descent: a TURN server, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The TURN server's address.
    pub turn: SocketAddr,
    /// What the leaf beside it, or the list that named it, calls it.
    pub name: Option<Name>,
    /// The least round-trip time measured to the TURN server or, where it was not asked itself,
    /// to the leaf that names it.
    pub rtt: Duration,
    /// From the first request to the decision.
    pub elapsed: Duration,
    /// The strategy that chose.
    pub strategy: Strategy,
    /// The balance servers on the way, root first.
    pub path: Vec<Hop>,
    /// The other TURN servers that could have been chosen, best first.
    pub runners_up: Vec<RunnerUp>,
    /// What the descent cost.
    pub cost: Cost,
}

/// A balance server on the way down.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hop {
    /// Its step of the cascade; the root is level 0.
    pub level: u8,
    /// Its address.
    pub addr: SocketAddr,
    /// Its name.
    pub name: Option<Name>,
    /// Its least round-trip time; none where a list that it stands in sufficed.
    pub rtt: Option<Duration>,
}

/// A TURN server that was measured and not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunnerUp {
    /// The TURN server's address.
    pub turn: SocketAddr,
    /// What the leaf beside it calls it.
    pub name: Option<Name>,
    /// Its least round-trip time, measured as [`Selection::rtt`] is.
    pub rtt: Duration,
    /// Why another was chosen.
    pub why: Why,
}

/// Why a [`RunnerUp`] was not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// It is slower than the one that was.
    Slower,
    /// Its leaf answered; the TURN server itself, asked in the last round, did not.
    Silent,
    /// The strategy was [`Strategy::First`], and another answered first.
    Later,
}

/// What a descent cost and met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cost {
    /// Nodes that stood in the lists or were roots.
    pub candidates: u32,
    /// Candidates that were asked and never answered.
    pub silent: u32,
    /// Datagrams sent.
    pub datagrams: u32,
    /// Bytes of UDP payload sent.
    pub bytes: u64,
    /// Datagrams received and ignored: from an address that was not asked.
    pub misplaced: u32,
    /// The same, with an id, nonce or transaction that was not sent there.
    pub mismatched: u32,
    /// The same, a second answer to one request.
    pub repeated: u32,
    /// The same, no message of the protocol.
    pub malformed: u32,
}

/// Everything a descent has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// All candidates: by level, then with the best first and the silent last.
    pub candidates: Vec<Candidate>,
    /// What it came to.
    pub outcome: Result<Selection, Failure>,
    /// From the first request to the end.
    pub elapsed: Duration,
    /// What the descent cost.
    pub cost: Cost,
}

/// One line of a [`Trace`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Its step of the cascade; the root is level 0.
    pub level: u8,
    /// Its address.
    pub addr: SocketAddr,
    /// Its name.
    pub name: Option<Name>,
    /// The candidate that listed it: an index into [`Trace::candidates`]; none for a root.
    pub via: Option<usize>,
    /// The TURN server beside it, for a leaf.
    pub turn: Option<SocketAddr>,
    /// Its least round-trip time.
    pub rtt: Option<Duration>,
    /// The round-trip times from the root down to it, added up: the least time in which a descent
    /// gets there. None for what the descent did not go through.
    pub total: Option<Duration>,
    /// Datagrams sent to it.
    pub sent: u32,
    /// What became of it.
    pub state: CandidateState,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CandidateState {
    /// On the way to the selection.
    Path,
    /// The TURN server that was chosen.
    Selected,
    /// The descent went down into it, and chose another.
    Explored,
    /// It answered, later than those that were chosen.
    Lost,
    /// It never answered.
    Silent,
    /// The network, or this host, says that there is no way to it, or that nothing listens there.
    Unreachable,
    /// It said that it has nothing to offer.
    Nothing,
    /// It said that the TURN server beside it is down.
    TurnDown,
    /// It said that it is full.
    Full,
    /// It said that it asks not to be chosen any more.
    Draining,
    /// An address that this client does not send to.
    Refused,
    /// Its answer came from another address.
    Misplaced,
}

impl CandidateState {
    /// The word for it in tables and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Selected => "selected",
            Self::Explored => "explored",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
            Self::Nothing => "nothing",
            Self::TurnDown => "turn-down",
            Self::Full => "full",
            Self::Draining => "draining",
            Self::Refused => "refused",
            Self::Misplaced => "misplaced",
        }
    }
}

/// A descent that ended without a TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The deepest level that was reached stayed silent.
    NoAnswer {
        /// The silent level.
        level: u8,
        /// How many candidates were asked there.
        asked: usize,
        /// The server that listed them; none where the roots are silent.
        below: Option<Parent>,
        /// How long the descent waited.
        waited: Duration,
    },
    /// Nobody can be reached on the deepest level.
    Unreachable {
        /// That level.
        level: u8,
        /// How many candidates were asked there.
        asked: usize,
        /// The server that listed them; none for the roots.
        below: Option<Parent>,
        /// The first of them.
        addr: SocketAddr,
        /// What stands before that one.
        obstacle: Obstacle,
    },
    /// Whatever answered had nothing to offer.
    DeadEnd {
        /// The deepest level that answered.
        level: u8,
        /// What a server said there.
        state: CandidateState,
        /// That server.
        at: Parent,
    },
}

/// What stands before a candidate, as the network or this host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing listens at its port.
    Port,
    /// There is no way to its host.
    Path,
}

/// The server a [`Failure`] speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent {
    /// Its address.
    pub addr: SocketAddr,
    /// Its name.
    pub name: Option<Name>,
}

impl std::fmt::Display for Parent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{name}` ({})", self.addr),
            None => write!(f, "`{}`", self.addr),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAnswer { asked, below: None, waited, .. } => {
                let roots =
                    if *asked == 1 { "the root did not answer" } else { "no root answered" };
                write!(f, "level 0: {roots} within {}", time(*waited))
            }
            Self::NoAnswer { level, asked: 1, below: Some(parent), waited } => {
                write!(
                    f,
                    "level {level}: the one candidate below {parent} did not answer within {}",
                    time(*waited)
                )
            }
            Self::NoAnswer { level, asked, below: Some(parent), waited } => {
                write!(
                    f,
                    "level {level}: none of {asked} candidates below {parent} answered within {}",
                    time(*waited)
                )
            }
            Self::Unreachable { level, asked: 1, addr, obstacle, .. } => match obstacle {
                Obstacle::Port => write!(f, "level {level}: nothing listens at `{addr}`"),
                Obstacle::Path => write!(f, "level {level}: there is no way to `{addr}`"),
            },
            Self::Unreachable { asked, below: None, .. } => {
                write!(f, "level 0: none of {asked} roots can be reached")
            }
            Self::Unreachable { level, asked, below: Some(parent), .. } => {
                write!(f, "level {level}: none of {asked} candidates below {parent} can be reached")
            }
            Self::DeadEnd { level, state, at } => {
                let what = match state {
                    CandidateState::TurnDown => "the TURN server beside it is down",
                    CandidateState::Full => "it is full",
                    CandidateState::Draining => "it is draining",
                    CandidateState::Refused => "it lists no address that may be asked",
                    _ => "it has nothing to offer",
                };
                write!(f, "level {level}: {at} is a dead end, {what}")
            }
        }
    }
}

impl std::error::Error for Failure {}

/// `10 s`, or `500 ms`.
fn time(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}
