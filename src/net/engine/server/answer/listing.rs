//! What a server has to offer, and to whom it listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::url_book::UrlBook;

use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::load::OwnLoad;
use crate::net::engine::server::seal::Seal;
use crate::net::wire::{Down, Kind, Node, State};
use crate::types::{Family, Labels, Name, TurnFault};

/// What a server has to offer at a moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The nodes that are online.
    pub nodes: Arc<[Node]>,
    /// These, with some replaced by what they list; `None`: none is.
    pub flat: Option<Vec<Node>>,
    /// When the first of them is online no more.
    pub expires: Option<Instant>,
    /// The TURN servers beside it that live, of each address family one at most; where none does, those
    /// that serve for want of anything else.
    pub turn: Vec<SocketAddr>,
    /// Whether there is one, and none lives.
    pub turn_down: bool,
    /// Why none of them does.
    pub fault: Option<TurnFault>,
    /// Configured nodes that are not offered.
    pub down: Vec<Down>,
    /// Whether the server asks not to be chosen any more.
    pub draining: bool,
    /// How full the TURN server beside it is, where that is named.
    pub load: OwnLoad,
    /// Whether none of the nodes is online, and all that answer are full.
    pub all_full: bool,
    /// The URLs of TURN servers, told to who asks for them; others are no other version.
    pub urls: Arc<UrlBook>,
    /// What the server is called.
    pub name: Option<Name>,
    /// What it is labelled with, and so are its nodes.
    pub labels: Labels,
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
    pub(in crate::net::engine::server) flat: Option<Vec<Node>>,
    pub(in crate::net::engine::server) turn: Vec<SocketAddr>,
    pub(in crate::net::engine::server) turn_down: bool,
    pub(in crate::net::engine::server) fault: Option<TurnFault>,
    pub(in crate::net::engine::server) down: Vec<Down>,
    pub(in crate::net::engine::server) draining: bool,
    pub(in crate::net::engine::server) load: OwnLoad,
    pub(in crate::net::engine::server) all_full: bool,
    pub(in crate::net::engine::server) labels: Labels,
}

impl Listing {
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
        let own = self.turn_for(family).filter(|_| !self.turn_down);
        own.or_else(|| nodes.min_by_key(far).map(|node| node.addr))
    }

    /// Takes in what is online, and the TURN servers that live: another version, if that is news.
    pub(in crate::net::engine::server) fn update(&mut self, offer: Offer) {
        let Offer { nodes, flat, turn, turn_down, fault, down, draining, load, all_full, labels } =
            offer;
        let why = (turn_down, fault, draining, all_full);
        let before = (&self.nodes[..], &self.flat, &self.turn, &self.labels);
        let is_news = before != (&nodes[..], &flat, &turn, &labels) || !self.load.is_told_as(&load);
        if is_news || (self.turn_down, self.fault, self.draining, self.all_full) != why {
            (self.nodes, self.flat, self.turn) = (nodes.into(), flat, turn);
            self.labels = labels;
            (self.turn_down, self.fault, self.draining, self.all_full) = why;
            self.version += 1;
        }
        // Superiors do not ask for the one, and need no more of the other than its steps.
        (self.down, self.load) = (down, load);
    }

    /// Whether there are labels to tell.
    pub(super) fn has_labels(&self) -> bool {
        let all = self.nodes.iter().chain(self.flat.iter().flatten());
        !self.labels.is_empty() || all.into_iter().any(|node| !node.labels.is_empty())
    }

    /// What the server says of itself.
    pub(in crate::net::engine::server) fn state(&self) -> State {
        match self.fault {
            _ if self.draining => State::Draining,
            _ if !self.nodes.is_empty() => State::Offering,
            Some(fault) if self.turn_down => fault.into(),
            None if self.turn_down => State::TurnDown,
            _ if self.turn.is_empty() && self.all_full => State::Full,
            _ if self.turn.is_empty() => State::Nothing,
            _ if self.load.is_full() => State::Full,
            _ => State::Offering,
        }
    }

    /// Whether it is the TURN server beside it that makes its state.
    pub(super) fn tells_fault(&self) -> bool {
        self.turn_down && self.nodes.is_empty()
    }
}

/// Whether a node is one for bare askers, who take all of them for balance servers.
fn is_host(node: &Node) -> bool {
    planted!(TurnIsHost => true);
    node.kind != Kind::Turn
}
