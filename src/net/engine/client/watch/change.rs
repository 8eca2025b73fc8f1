use std::fmt;
use std::time::Duration;

use crate::net::engine::client::descent::{CandidateState, Selection};

/// What whoever stays is told: that another TURN server is to be used from now on, or none; and where
/// runners-up are wanted, that others of these are.
///
/// [How it is used](crate#staying).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchChange {
    /// The TURN server to use from now on. Its `rtt` is that of the last measurement, its `runners_up` are
    /// those that stand by and live. `None`: nobody is known to live, and all is looked at again.
    pub selection: Option<Selection>,
    /// The one that was used until now; or, where that is so still, a runner-up that is not to be used any
    /// more. `None`: there was none.
    pub left: Option<Selection>,
    /// Why.
    pub reason: WatchReason,
}

/// Why there is a [`WatchChange`].
///
/// [How it is used](crate#staying).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchReason {
    /// A descent has selected it: the first one, or one after all were lost.
    Selected,
    /// The one that was left has not answered for so long.
    Silent {
        /// Since it was asked in vain for the first time.
        lasted: Duration,
    },
    /// The leaf of the one that was left says this of itself: that it is draining, full, or has nothing to
    /// offer.
    Says(CandidateState),
    /// Others stand by, and the same is used. Told only where
    /// [`runners_up`](crate::Builder::runners_up) are wanted.
    Standbys,
    /// The leaf of the one that was left names another TURN server.
    Renamed,
    /// The caller's policy leaves out the one that was left, by what servers say of it now.
    RuledOut,
    /// The other one had more of what is preferred, for three measurements.
    Preferred,
    /// The other one was nearer by 10 ms and a third, for three measurements.
    Slower {
        /// The time of the one that was left, by the last of them.
        rtt: Duration,
    },
}

impl WatchReason {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Selected => "selected",
            Self::Silent { .. } => "silent",
            Self::Says(state) => state.as_str(),
            Self::Standbys => "standbys",
            Self::Renamed => "renamed",
            Self::RuledOut => "ruled-out",
            Self::Preferred => "preferred",
            Self::Slower { .. } => "slower",
        }
    }
}

/// What is said of the one that was left, behind its name; "selected" where there was none.
impl fmt::Display for WatchReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selected => f.write_str("selected"),
            Self::Silent { lasted } => write!(f, "silent for {:.0} s", lasted.as_secs_f64()),
            Self::Says(CandidateState::Draining) => f.write_str("is draining"),
            Self::Says(CandidateState::Full) => f.write_str("is full"),
            Self::Says(CandidateState::TurnDown) => {
                f.write_str("says that its TURN server is down")
            }
            Self::Says(_) => f.write_str("has nothing to offer"),
            Self::Standbys => f.write_str("others stand by"),
            Self::Renamed => f.write_str("names another TURN server"),
            Self::RuledOut => f.write_str("is ruled out"),
            Self::Preferred => f.write_str("is less preferred"),
            Self::Slower { rtt } => {
                write!(f, "took {:.2} ms, three times in a row", rtt.as_secs_f64() * 1e3)
            }
        }
    }
}
