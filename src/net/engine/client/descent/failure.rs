//! Why a descent ends with nothing.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::left_out::LeftOut;
use super::report::{CandidateState, Obstacle, Parent};
#[cfg(feature = "https")]
use crate::net::engine::client::streams::HttpsFailure;
use crate::types::{TurnFault, UnresolvedRoot};

/// A descent that ended without a TURN server.
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The deepest level that was reached stayed silent.
    #[non_exhaustive]
    NoAnswer {
        /// The silent level.
        level: u8,
        /// How many candidates were asked there.
        asked: usize,
        /// The server that listed them; `None`: the roots are silent.
        below: Option<Parent>,
        /// How long the descent waited.
        waited: Duration,
        /// From where an answer to one of them came all the same. It counts for nothing there.
        answered_from: Option<Box<SocketAddr>>,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// Nobody can be reached on the deepest level.
    #[non_exhaustive]
    Unreachable {
        /// That level.
        level: u8,
        /// How many candidates were asked there.
        asked: usize,
        /// The server that listed them; `None`: they are roots.
        below: Option<Parent>,
        /// The first of them.
        addr: SocketAddr,
        /// What stands before that one.
        obstacle: Obstacle,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// Whatever answered had nothing to offer.
    #[non_exhaustive]
    DeadEnd {
        /// The deepest level that answered.
        level: u8,
        /// What a server said there.
        state: CandidateState,
        /// Why, as far as the TURN server beside it is to blame.
        fault: Option<TurnFault>,
        /// What all its nodes are that it does not offer; `None`: they differ, or nobody has asked.
        nodes: Option<CandidateState>,
        /// That server.
        at: Parent,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// No TURN server has answered itself, and [`Verify::Require`](super::options::Verify::Require) is
    /// asked for.
    #[non_exhaustive]
    Unverified {
        /// The level of the server that names the best one.
        level: u8,
        /// The best TURN server, which would be chosen without it.
        turn: SocketAddr,
        /// The server that names it.
        at: Parent,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// The caller's policy, by [`Builder::require`](crate::Builder::require) and
    /// [`exclude`](crate::Builder::exclude), leaves out whoever there is.
    #[non_exhaustive]
    RuledOut {
        /// By each of its rules those that it leaves out.
        left_out: Vec<LeftOut>,
        /// Why none of the others was chosen; `None`: there are none.
        others: Option<Box<Failure>>,
        /// How many others there are: TURN servers that it allows, and balance servers that lead nowhere.
        allowed: usize,
        /// How many of these have not answered.
        silent: usize,
        /// How many nodes servers list beside these and do not offer, where they were asked for that: nobody
        /// tells what they are known by.
        unoffered: usize,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// By HTTPS and TCP none was found, and by UDP neither where that was tried.
    #[cfg(feature = "https")]
    #[non_exhaustive]
    Https {
        /// Why not.
        why: HttpsFailure,
        /// Why not by UDP; `None`: it was not tried, or could not be.
        udp: Option<Box<Failure>>,
        /// The roots that could not be asked by UDP.
        unresolved: Vec<UnresolvedRoot>,
    },
    /// The caller's own [`Limits`](super::limits::Limits) let nobody be asked whom a server lists.
    #[non_exhaustive]
    Limited {
        /// The level of that server, the deepest that answered.
        level: u8,
        /// That server.
        at: Parent,
        /// The roots that could not be asked besides.
        unresolved: Vec<UnresolvedRoot>,
    },
}

impl Failure {
    /// One word for it, for programs: `no_answer`, `unreachable`, `dead_end`, `unverified`, `limited`,
    /// `ruled_out` or `https`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoAnswer { .. } => "no_answer",
            Self::Unreachable { .. } => "unreachable",
            Self::DeadEnd { .. } => "dead_end",
            Self::Unverified { .. } => "unverified",
            Self::Limited { .. } => "limited",
            Self::RuledOut { .. } => "ruled_out",
            #[cfg(feature = "https")]
            Self::Https { .. } => "https",
        }
    }

    /// The roots that could not be asked besides: no address of them was known in time.
    pub fn unresolved(&self) -> &[UnresolvedRoot] {
        match self {
            Self::NoAnswer { unresolved, .. }
            | Self::Unreachable { unresolved, .. }
            | Self::DeadEnd { unresolved, .. }
            | Self::Unverified { unresolved, .. }
            | Self::Limited { unresolved, .. }
            | Self::RuledOut { unresolved, .. } => unresolved,
            #[cfg(feature = "https")]
            Self::Https { unresolved, .. } => unresolved,
        }
    }

    /// By HTTPS none was found.
    #[cfg(feature = "https")]
    pub(crate) fn https(why: HttpsFailure) -> Self {
        Self::Https { why, udp: None, unresolved: Vec::new() }
    }

    /// By UDP neither; of another failure nothing changes, as below.
    #[cfg(feature = "https")]
    pub(crate) fn set_udp(&mut self, failure: Self) {
        if let Self::Https { udp, .. } = self {
            *udp = Some(Box::new(failure));
        }
    }

    /// These could not be asked by it.
    #[cfg(feature = "https")]
    pub(crate) fn set_unresolved(&mut self, roots: Vec<UnresolvedRoot>) {
        if let Self::Https { unresolved, .. } = self {
            *unresolved = roots;
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)?;
        match self {
            Self::NoAnswer { answered_from: Some(from), .. } => {
                write!(f, ", but an answer came from `{from}`")
            }
            _ => Ok(()),
        }
    }
}

impl Failure {
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer { asked, below: None, waited, .. } => {
                let roots =
                    if *asked == 1 { "the root did not answer" } else { "no root answered" };
                write!(f, "level 0: {roots} within {}", time(*waited))
            }
            Self::NoAnswer { level, asked: 1, below: Some(parent), waited, .. } => {
                write!(
                    f,
                    "level {level}: the one candidate below {parent} did not answer within {}",
                    time(*waited)
                )
            }
            Self::NoAnswer { level, asked, below: Some(parent), waited, .. } => {
                write!(
                    f,
                    "level {level}: none of {asked} candidates below {parent} answered within {}",
                    time(*waited)
                )
            }
            Self::Unreachable { level, asked: 1, addr, obstacle, .. } => {
                write!(f, "level {level}: {obstacle} `{addr}`")
            }
            Self::Unreachable { asked, below: None, .. } => {
                write!(f, "level 0: none of {asked} roots can be reached")
            }
            Self::Unreachable { level, asked, below: Some(parent), .. } => {
                write!(f, "level {level}: none of {asked} candidates below {parent} can be reached")
            }
            Self::DeadEnd { level, fault: Some(fault), at, .. } => {
                write!(f, "level {level}: {at} is a dead end, the TURN server beside it {fault}")
            }
            Self::DeadEnd { level, state, nodes, at, .. } => {
                let what = match state {
                    CandidateState::Nothing => match nodes {
                        Some(CandidateState::Draining) => "all its nodes are draining",
                        Some(CandidateState::Full) => "all its nodes are full",
                        Some(CandidateState::Silent) => "none of its nodes answers",
                        _ => "it has nothing to offer",
                    },
                    CandidateState::TurnDown => "the TURN server beside it is down",
                    CandidateState::Full if *nodes == Some(CandidateState::Full) => {
                        "all its nodes are full"
                    }
                    CandidateState::Full => "it is full",
                    CandidateState::Draining => "it is draining",
                    CandidateState::Silent => "it asks to come back, and never says anything else",
                    CandidateState::Refused => "it lists no address that may be asked",
                    _ => "it has nothing to offer",
                };
                write!(f, "level {level}: {at} is a dead end, {what}")
            }
            Self::Unverified { level, turn, at, .. } => {
                write!(
                    f,
                    "level {level}: no TURN server answered itself, nor did `{turn}` beside {at}"
                )
            }
            #[cfg(feature = "https")]
            Self::Https { why, udp, unresolved, .. } => {
                write!(f, "by HTTPS: {why}")?;
                match (udp, unresolved.first()) {
                    (Some(udp), _) => write!(f, "; by UDP: {udp}"),
                    (None, Some(root)) => write!(f, "; by UDP: {root}"),
                    (None, None) => Ok(()),
                }
            }
            Self::RuledOut { left_out, others, allowed, silent, unoffered, .. } => {
                LeftOut::tell(left_out, f)?;
                match unoffered {
                    0 => {}
                    1 => f.write_str("; 1 node more is not offered")?,
                    n => write!(f, "; {n} nodes more are not offered")?,
                }
                let Some(others) = others else { return Ok(()) };
                match (allowed, silent) {
                    (1, 1) => f.write_str("; the one other is silent: ")?,
                    (all, silent) if all == silent => {
                        write!(f, "; all {all} others are silent: ")?;
                    }
                    (_, 0) => f.write_str("; of the others: ")?,
                    (all, silent) => write!(f, "; of {all} others {silent} are silent: ")?,
                }
                write!(f, "{others}")
            }
            Self::Limited { level, at, .. } => {
                write!(f, "level {level}: the limits let nobody be asked that {at} lists")
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
