//! What a server offers, as it goes on the wire.

use std::net::SocketAddr;
use std::time::Instant;

use rand::seq::SliceRandom;

use crate::net::engine::Rng;
use crate::net::wire::{MAX_ANSWER, Name, Node, ProbeReply, State, View};

/// What stands before a tail at most: the id (6 bytes), the body's tag and length (3), the nonce
/// (9).
const FRAME: usize = 18;

/// What a server has to offer at a moment.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The nodes that are online.
    pub nodes: Vec<Node>,
    /// When the first of them is online no more.
    pub expires: Option<Instant>,
    /// The TURN server beside it.
    pub turn: Option<SocketAddr>,
    /// What the server is called.
    pub name: Option<Name>,
    /// Changes whenever what is offered changes, and at every start.
    pub version: u64,
    /// The configured addresses of its nodes.
    pub node_addrs: Vec<SocketAddr>,
    /// Its superiors.
    pub superiors: Vec<SocketAddr>,
}

/// A [`Listing`], encoded: for each kind of request the tails of its answer, of which there are
/// several where the list is longer than an answer may be.
#[derive(Debug, Default)]
pub struct Offer {
    expires: Option<Instant>,
    nodes: Box<[SocketAddr]>,
    superiors: Box<[SocketAddr]>,
    bare: [Tails; 2],
    /// By family, then by whether names are welcome.
    full: [[Tails; 2]; 2],
}

type Tails = Box<[Box<[u8]>]>;

impl Offer {
    /// Encodes a listing. A list longer than an answer is cut into samples, in an order that
    /// `rng` gives.
    pub fn new(listing: &Listing, rng: &mut Rng) -> Self {
        let sorted = |addrs: &[SocketAddr]| {
            let mut addrs = Box::<[_]>::from(addrs);
            addrs.sort_unstable();
            addrs
        };
        let families = [false, true];
        Self {
            expires: listing.expires,
            nodes: sorted(&listing.node_addrs),
            superiors: sorted(&listing.superiors),
            bare: families.map(|v4| bare(listing, v4, rng)),
            full: families.map(|v4| [false, true].map(|names| full(listing, v4, names, rng))),
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

    pub(super) fn bare(&self, v4: bool) -> &[Box<[u8]>] {
        &self.bare[usize::from(v4)]
    }

    /// Both views are the same while no list is flat.
    pub(super) fn full(&self, v4: bool, _view: View, names: bool) -> &[Box<[u8]>] {
        &self.full[usize::from(v4)][usize::from(names)]
    }
}

/// Hosts of the asker's family, or the TURN server when there are none, or nothing at all: an old
/// client takes an empty answer for the end.
fn bare(listing: &Listing, v4: bool, rng: &mut Rng) -> Tails {
    let hosts = listing.nodes.iter().map(|node| node.addr).filter(|host| host.is_ipv4() == v4);
    let hosts: Vec<_> =
        hosts.map(|host| encode(&ProbeReply { hosts: vec![host], ..Default::default() })).collect();
    match (hosts.is_empty(), listing.turn) {
        (true, None) => Tails::default(),
        (true, turn) => [encode(&ProbeReply { turn, ..Default::default() })].into(),
        (false, _) => samples(Box::default(), hosts, rng),
    }
}

/// All nodes, the asker's family first, with names if they are welcome and fit; the state.
fn full(listing: &Listing, v4: bool, names: bool, rng: &mut Rng) -> Tails {
    let turn = listing.turn.filter(|_| listing.nodes.is_empty());
    let nothing = listing.nodes.is_empty() && turn.is_none();
    let base = encode(&ProbeReply {
        turn,
        total: u32::try_from(listing.nodes.len()).unwrap_or(u32::MAX),
        name: listing.name.clone(),
        state: if nothing { State::Nothing } else { State::Offering },
        version: listing.version,
        ..Default::default()
    });
    let entries = |own: bool, names: bool| -> Vec<Box<[u8]>> {
        let nodes = listing.nodes.iter().filter(|node| (node.addr.is_ipv4() == v4) == own);
        let plain =
            |node: &Node| Node { name: node.name.clone().filter(|_| names), ..node.clone() };
        nodes
            .map(|node| encode(&ProbeReply { nodes: vec![plain(node)], ..Default::default() }))
            .collect()
    };
    let join = |base: &[u8], entries: &[Box<[u8]>]| -> Box<[u8]> {
        [base, &entries.concat()].concat().into()
    };
    if names {
        let whole = join(&join(&base, &entries(true, true)), &entries(false, true));
        if fits(whole.len()) {
            return [whole].into();
        }
    }
    let own = entries(true, false);
    let with_own = join(&base, &own);
    if fits(with_own.len()) {
        samples(with_own, entries(false, false), rng)
    } else {
        samples(base, own, rng)
    }
}

fn encode(reply: &ProbeReply) -> Box<[u8]> {
    let mut tail = Vec::new();
    reply.encode_tail(&mut tail);
    tail.into()
}

fn fits(len: usize) -> bool {
    len <= MAX_ANSWER - FRAME
}

/// Tails that all begin with `base` and together hold all of `pool`: one where that fits, else as
/// many as it takes.
fn samples(base: Box<[u8]>, mut pool: Vec<Box<[u8]>>, rng: &mut Rng) -> Tails {
    let len = |entries: &[Box<[u8]>]| entries.iter().map(|entry| entry.len()).sum::<usize>();
    let whole = fits(base.len() + len(&pool));
    if !whole {
        pool.shuffle(rng);
    }
    let mut tails = Vec::new();
    let mut taken = 0;
    while taken < pool.len() {
        let mut tail = base.to_vec();
        let first = taken;
        // The last sample is filled up from the front of the pool, so that none is short.
        for entry in pool[first..].iter().chain(&pool[..first]) {
            if !fits(tail.len() + entry.len()) {
                break;
            }
            tail.extend_from_slice(entry);
            taken += 1;
        }
        tails.push(tail.into());
        if taken == first {
            break; // not even one beside the base
        }
    }
    if tails.is_empty() {
        tails.push(base);
    }
    tails.into()
}
