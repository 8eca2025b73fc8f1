//! Why a node is not online, as who runs its superior is told.

use std::fmt;

use super::refusal::TagFault;
use crate::net::wire::{Down, State};
use crate::types::TurnFault;

/// A node of the configuration that is not online.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absentee {
    /// What anybody who asks is told of it.
    pub down: Down,
    /// Why.
    pub reason: NodeReason,
}

/// Why a node is not online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeReason {
    /// It does not answer.
    Silent,
    /// It answers, and its answers are not rightly signed.
    Tag(TagFault),
    /// It says that it offers nothing, or is about to end, or is full.
    Says(State),
    /// The TURN server has this, the node itself or the one beside it.
    Turn(TurnFault),
}

impl Absentee {
    /// One that is down, and with whose answers this is wrong.
    pub(super) fn new(down: Down, refused: Option<TagFault>) -> Self {
        let reason = match (refused, down.fault) {
            (Some(fault), Some(TurnFault::Silent)) => NodeReason::Tag(fault),
            (_, Some(TurnFault::Silent)) => NodeReason::Silent,
            (_, Some(fault)) => NodeReason::Turn(fault),
            (_, None) => NodeReason::Says(down.state),
        };
        Self { down, reason }
    }
}

impl NodeReason {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => TurnFault::Silent.as_str(),
            Self::Tag(fault) => fault.as_str(),
            Self::Says(state) => word(state),
            Self::Turn(fault) => fault.as_str(),
        }
    }
}

/// A sentence about the node, without its beginning.
impl fmt::Display for NodeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("does not answer"),
            Self::Tag(fault) => write!(f, "answers, but its tag {fault}"),
            Self::Says(state) => write!(f, "says that it is {}", word(*state)),
            Self::Turn(fault) => write!(f, "its TURN server {fault}"),
        }
    }
}

/// What a node says of itself that is not offered.
pub fn word(state: State) -> &'static str {
    match state {
        State::Offering | State::Nothing => "nothing",
        State::TurnDown => "turn-down",
        State::Full => "full",
        State::Draining => "draining",
    }
}
