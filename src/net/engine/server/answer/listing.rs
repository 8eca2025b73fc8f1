//! What a server has to offer, and to whom it listens.

use std::net::SocketAddr;
use std::time::Instant;

use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::seal::Seal;
use crate::net::wire::{Node, State};
use crate::types::Name;

/// What a server has to offer at a moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The nodes that are online.
    pub nodes: Vec<Node>,
    /// These, with some replaced by what they list.
    pub flat: Vec<Node>,
    /// When the first of them is online no more.
    pub expires: Option<Instant>,
    /// The TURN server beside it, if it lives.
    pub turn: Option<SocketAddr>,
    /// Whether there is one that does not.
    pub turn_down: bool,
    /// Whether the server asks not to be chosen any more.
    pub draining: bool,
    /// What the server is called.
    pub name: Option<Name>,
    /// Changes whenever what is offered changes, and at every start.
    pub version: u64,
    /// The configured addresses of its nodes.
    pub node_addrs: Vec<SocketAddr>,
    /// Its superiors.
    pub superiors: Vec<SocketAddr>,
    /// What the nonces of its own checks are known by.
    pub seal: Seal,
    /// Its keys, and what they open.
    pub trust: Trust,
}

/// What there is to offer now.
#[derive(Debug)]
pub(in crate::net::engine::server) struct Offer {
    pub(in crate::net::engine::server) nodes: Vec<Node>,
    pub(in crate::net::engine::server) flat: Vec<Node>,
    pub(in crate::net::engine::server) turn: Option<SocketAddr>,
    pub(in crate::net::engine::server) turn_down: bool,
    pub(in crate::net::engine::server) draining: bool,
}

impl Listing {
    /// Whether there is anything, be it for those alone who find nobody else.
    fn has_any(&self) -> bool {
        !self.nodes.is_empty() || self.turn.is_some()
    }

    /// Takes in what is online, and the TURN server where it lives: another version, if that is news.
    pub(in crate::net::engine::server) fn update(&mut self, offer: Offer) {
        let Offer { nodes, flat, turn, turn_down, draining } = offer;
        let before = (&self.nodes, &self.flat, self.turn_down, self.draining);
        if before != (&nodes, &flat, turn_down, draining) {
            (self.nodes, self.flat, self.turn, self.turn_down) = (nodes, flat, turn, turn_down);
            self.draining = draining;
            self.version += 1;
        }
    }

    /// What the server says of itself.
    pub(in crate::net::engine::server) fn state(&self) -> State {
        match (self.has_any(), self.turn_down) {
            _ if self.draining => State::Draining,
            (true, _) => State::Offering,
            (false, false) => State::Nothing,
            (false, true) => State::TurnDown,
        }
    }
}
