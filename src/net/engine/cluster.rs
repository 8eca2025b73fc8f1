//! A server's whole state: its nodes, its heartbeats, and what it offers because of them.

use std::net::SocketAddr;
use std::time::Instant;

use rand::{RngExt, SeedableRng};

use super::balancer::{Listing, Offer};
use super::heartbeat::Heartbeats;
use super::members::{Event, Members, NodeSpec, Verdict};
use super::{Rng, Transmit};
use crate::net::wire::{Name, Node, Ping};

/// A balance server without its sockets, but for the answers that
/// [`Balancer`](super::balancer::Balancer) gives from an [`Offer`].
#[derive(Debug)]
pub struct Cluster {
    members: Members,
    heartbeats: Heartbeats,
    listing: Listing,
    /// The revision of the members that `listing` shows; none before the first offer.
    shown: Option<u64>,
    rng: Rng,
}

impl Cluster {
    /// A server that is called `name`, beside the TURN server `turn` if there is one.
    pub fn new(name: Option<Name>, turn: Option<SocketAddr>, mut rng: Rng) -> Self {
        Self {
            members: Members::new(Rng::from_rng(&mut rng)),
            heartbeats: Heartbeats::new(name.clone(), Rng::from_rng(&mut rng)),
            // Half the range is left for changes: a version is never 0, a bare peer's.
            listing: Listing {
                name,
                turn,
                version: rng.random::<u64>() >> 1 | 1,
                ..Default::default()
            },
            shown: None,
            rng,
        }
    }

    /// Replaces the nodes.
    pub fn set_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = NodeSpec>) {
        self.members.set_nodes(now, nodes);
        self.listing.node_addrs = self.members.addrs().collect();
        self.shown = None;
    }

    /// Replaces the superiors.
    pub fn set_superiors(&mut self, now: Instant, addrs: Vec<SocketAddr>) {
        self.heartbeats.set_superiors(now, addrs.iter().copied());
        self.listing.superiors = addrs;
        self.shown = None;
    }

    /// A heartbeat came to a listening socket. Returns whether it came from a node.
    pub fn handle_heartbeat(&mut self, now: Instant, from: SocketAddr, ping: &Ping) -> bool {
        self.members.handle_heartbeat(now, from, ping)
    }

    /// A datagram came to the socket that checks are sent from.
    pub fn handle_answer(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Verdict {
        self.members.handle_datagram(now, from, datagram)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.members.handle_timeout(now);
    }

    /// What is offered, if that has changed since the last call or the last offer has expired.
    /// Its change is what the superiors are told next, so call this before
    /// [`Cluster::poll_heartbeat`].
    pub fn poll_offer(&mut self, now: Instant) -> Option<Offer> {
        let expired = self.listing.expires.is_some_and(|expires| expires <= now);
        if self.shown == Some(self.members.revision()) && !expired {
            return None;
        }
        let nodes = self.members.online(now).map(|online| Node {
            addr: online.addr,
            kind: online.kind,
            turn: online.turn,
            name: online.name.cloned(),
            hops: 0,
        });
        let nodes: Vec<_> = nodes.collect();
        if nodes != self.listing.nodes {
            self.listing.nodes = nodes;
            self.listing.version += 1;
        }
        self.listing.expires = self.members.online(now).map(|online| online.until).min();
        self.shown = Some(self.members.revision());
        let offering = !self.listing.nodes.is_empty() || self.listing.turn.is_some();
        self.heartbeats.set_offer(now, offering, self.listing.version);
        Some(Offer::new(&self.listing, &mut self.rng))
    }

    /// The next check to send, from a socket of its own.
    pub fn poll_check(&mut self, now: Instant) -> Option<Transmit> {
        self.members.poll_transmit(now)
    }

    /// The next heartbeat to send, from every listening socket of the superior's family.
    pub fn poll_heartbeat(&mut self, now: Instant) -> Option<Transmit> {
        self.heartbeats.poll_transmit(now)
    }

    /// What has become known of the nodes since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.members.poll_event()
    }

    /// When to call [`Cluster::handle_timeout`] and the `poll_*` functions next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.members.poll_timeout(), self.heartbeats.poll_timeout()].into_iter().flatten().min()
    }

    /// How many nodes are online, and how many there are.
    pub fn count(&self, now: Instant) -> (usize, usize) {
        (self.members.online(now).count(), self.members.len())
    }
}
