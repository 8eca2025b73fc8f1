//! What a server has to offer, and to whom it listens.

use std::net::SocketAddr;
use std::time::Instant;

use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::seal::Seal;
use crate::net::wire::{Kind, Node, State};
use crate::types::{Family, Name};

/// What a server has to offer at a moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The nodes that are online.
    pub nodes: Vec<Node>,
    /// These, with some replaced by what they list.
    pub flat: Vec<Node>,
    /// When the first of them is online no more.
    pub expires: Option<Instant>,
    /// The TURN servers beside it that live, of each address family one at most.
    pub turn: Vec<SocketAddr>,
    /// Whether there is one, and none lives.
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
    pub(in crate::net::engine::server) turn: Vec<SocketAddr>,
    pub(in crate::net::engine::server) turn_down: bool,
    pub(in crate::net::engine::server) draining: bool,
}

impl Listing {
    /// Whether there is anything, be it for those alone who find nobody else.
    fn has_any(&self) -> bool {
        !self.nodes.is_empty() || !self.turn.is_empty()
    }

    /// The TURN server beside it for askers of a family: theirs, if there is one.
    pub(super) fn turn_for(&self, family: Family) -> Option<SocketAddr> {
        let own = self.turn.iter().find(|turn| Family::of(**turn) == family);
        own.or(self.turn.first()).copied()
    }

    /// The nodes that bare askers of a family are told of: balance servers, for they would ask TURN
    /// servers as such.
    pub(super) fn hosts(&self, family: Family) -> Vec<SocketAddr> {
        let hosts = self.nodes.iter().filter(|node| is_host(node)).map(|node| node.addr);
        hosts.filter(|host| Family::of(*host) == family).collect()
    }

    /// The TURN server that they are told of where there are none of these: the one beside it, else the
    /// nearest node of their family, else of the other.
    pub(super) fn turn_for_bare(&self, family: Family) -> Option<SocketAddr> {
        let nodes = self.nodes.iter().filter(|node| node.kind == Kind::Turn);
        let far = |node: &&Node| (Family::of(node.addr) != family, node.rtt.is_none(), node.rtt);
        self.turn_for(family).or_else(|| nodes.min_by_key(far).map(|node| node.addr))
    }

    /// Takes in what is online, and the TURN servers that live: another version, if that is news.
    pub(in crate::net::engine::server) fn update(&mut self, offer: Offer) {
        let Offer { nodes, flat, turn, turn_down, draining } = offer;
        let before = (&self.nodes, &self.flat, &self.turn, self.turn_down, self.draining);
        if before != (&nodes, &flat, &turn, turn_down, draining) {
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

/// Whether a node is one for bare askers, who take all of them for balance servers.
fn is_host(node: &Node) -> bool {
    planted!(TurnIsHost => true);
    node.kind != Kind::Turn
}
