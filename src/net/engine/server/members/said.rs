//! What a node says of itself that offers nothing, by its last right answer.

use std::time::Instant;

use super::offered::ONLINE;
use crate::net::wire::{Kind, ProbeReply, State};
use crate::types::{Name, TurnFault};

/// Why a node is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) name: Option<Name>,
    pub(super) state: State,
    pub(super) fault: Option<TurnFault>,
    /// When it is too old to be told: the node is silent.
    pub(super) until: Instant,
}

impl Said {
    /// By an answer that offers nothing.
    pub(super) fn by(reply: &ProbeReply, now: Instant) -> Self {
        let leaf = reply.turn.is_some() || reply.fault.is_some() || reply.state == State::TurnDown;
        let alone = reply.nodes.is_empty() && reply.hosts.is_empty();
        let state = reply.state;
        Self {
            kind: if leaf && alone { Kind::Leaf } else { Kind::Balance },
            name: reply.name.clone(),
            state: if state == State::Offering { State::Nothing } else { state },
            fault: reply.fault,
            until: now + ONLINE,
        }
    }

    /// Whether it tells the same.
    pub(super) fn is_told_as(&self, other: &Self) -> bool {
        let Self { kind, name, state, fault, until: _ } = self;
        (kind, name, state, fault) == (&other.kind, &other.name, &other.state, &other.fault)
    }
}
