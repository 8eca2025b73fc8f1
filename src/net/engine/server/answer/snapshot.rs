//! What a server offers, as it goes on the wire.

use std::net::SocketAddr;
use std::time::Instant;

use super::list::List;
use crate::net::engine::Rng;
use crate::net::engine::server::auth::Trust;
use crate::net::engine::server::seal::Seal;
use crate::net::fault::{Fault, planted};
use crate::net::wire::{Node, ProbeReply, State, View};
use crate::types::Name;

/// What a server has to offer at a moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The nodes that are online.
    pub nodes: Vec<Node>,
    /// The same, with some replaced by what they list.
    pub flat: Vec<Node>,
    /// When the first of them is online no more.
    pub expires: Option<Instant>,
    /// The TURN server beside it, if it lives.
    pub turn: Option<SocketAddr>,
    /// Whether there is one that does not.
    pub turn_down: bool,
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

/// A [`Listing`], encoded.
#[derive(Debug, Default)]
pub struct Snapshot {
    expires: Option<Instant>,
    nodes: Box<[SocketAddr]>,
    superiors: Box<[SocketAddr]>,
    pub(super) seal: Seal,
    pub(super) trust: Trust,
    /// For bare requests, by family.
    bare: [Option<List>; 2],
    direct: List,
    /// None where it is the direct one.
    flat: Option<List>,
}

impl Snapshot {
    /// Encodes a listing. Of a list longer than an answer each asker gets a part, in an order that
    /// `rng` gives.
    pub fn new(listing: &Listing, rng: &mut Rng) -> Self {
        let sorted = |addrs: &[SocketAddr]| {
            let mut addrs = Box::<[_]>::from(addrs);
            addrs.sort_unstable();
            addrs
        };
        let flat = (listing.flat != listing.nodes).then(|| full(listing, &listing.flat, rng));
        Self {
            expires: listing.expires,
            nodes: sorted(&listing.node_addrs),
            superiors: sorted(&listing.superiors),
            seal: listing.seal,
            trust: listing.trust.clone(),
            bare: [false, true].map(|v4| bare(listing, v4, rng)),
            direct: full(listing, &listing.nodes, rng),
            flat,
        }
    }

    /// Whether it still holds: no node in it has expired.
    pub fn holds(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    pub(super) fn is_node(&self, addr: SocketAddr) -> bool {
        self.nodes.binary_search(&addr).is_ok()
    }

    pub(super) fn is_peer(&self, addr: SocketAddr) -> bool {
        self.is_node(addr) || self.superiors.binary_search(&addr).is_ok()
    }

    pub(super) fn bare(&self, v4: bool) -> Option<&List> {
        self.bare[usize::from(v4)].as_ref()
    }

    /// The list that is asked for, and the direct one.
    pub(super) fn full(&self, view: View) -> (&List, &List) {
        match view {
            View::Flat => (self.flat.as_ref().unwrap_or(&self.direct), &self.direct),
            View::Subordinates => (&self.direct, &self.direct),
        }
    }
}

/// Hosts of the asker's family, or the TURN server when there are none, or nothing at all: an old
/// client takes an empty answer for the end.
fn bare(listing: &Listing, v4: bool, rng: &mut Rng) -> Option<List> {
    let hosts = listing.nodes.iter().map(|node| node.addr).filter(|host| host.is_ipv4() == v4);
    let hosts: Vec<_> = hosts.collect();
    let turn = listing.turn.filter(|_| hosts.is_empty());
    let base = ProbeReply { turn, ..Default::default() };
    (turn.is_some() || !hosts.is_empty() || planted(Fault::EmptyAnswer))
        .then(|| List::bare(&base, &hosts, rng))
}

fn full(listing: &Listing, nodes: &[Node], rng: &mut Rng) -> List {
    let turn = listing.turn.filter(|_| listing.nodes.is_empty());
    let state = match (listing.nodes.is_empty() && turn.is_none(), listing.turn_down) {
        (false, _) => State::Offering,
        (true, false) => State::Nothing,
        (true, true) => State::TurnDown,
    };
    let base = ProbeReply {
        turn,
        total: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
        name: listing.name.clone(),
        state,
        version: listing.version,
        ..Default::default()
    };
    List::new(&base, nodes, rng)
}
