use super::members::MemberEvent;
use super::roll_call::Absentees;
use super::trouble::TroubleEvent;
use super::turn::TurnNews;

/// How many nodes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeCount {
    /// Those online.
    pub online: usize,
    /// All that are checked.
    pub all: usize,
}

/// What has become known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// Of a node.
    Node(MemberEvent),
    /// Of a TURN server.
    Turn(TurnNews),
    /// Some nodes of the configuration are not online some time after the start, or still are not.
    Missing(Absentees),
    /// All are, after some were missing.
    Complete,
    /// Something is wrong, or no more.
    Trouble(TroubleEvent),
    /// The server asks not to be chosen any more.
    Draining,
    /// It does no longer.
    Undrained,
}
