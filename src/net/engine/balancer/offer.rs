//! What a server offers, as it goes on the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::seq::SliceRandom;

use crate::net::engine::{Rng, Seal};
use crate::net::wire::{MAX_ANSWER, Name, Node, ProbeReply, State, View};

/// What stands before a tail at most: the id (6 bytes), the body's tag and length (3), the nonce
/// (9).
const FRAME: usize = 18;

/// The longest tail that still makes an answer.
pub(super) const LONGEST_TAIL: usize = MAX_ANSWER - FRAME;

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
}

/// A [`Listing`], encoded: for each kind of request the tails of its answer, of which there are
/// several where the list is longer than an answer may be.
#[derive(Debug, Default)]
pub struct Offer {
    expires: Option<Instant>,
    nodes: Box<[SocketAddr]>,
    superiors: Box<[SocketAddr]>,
    pub(super) seal: Seal,
    bare: [Tails; 2],
    /// By family, then by whether names are welcome.
    flat: [[Tails; 2]; 2],
    direct: [[Tails; 2]; 2],
}

type Tails = Arc<[Box<[u8]>]>;

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
        let direct = families
            .map(|v4| [false, true].map(|names| full(listing, &listing.nodes, v4, names, rng)));
        let flat = if listing.flat == listing.nodes {
            direct.clone()
        } else {
            families
                .map(|v4| [false, true].map(|names| full(listing, &listing.flat, v4, names, rng)))
        };
        Self {
            expires: listing.expires,
            nodes: sorted(&listing.node_addrs),
            superiors: sorted(&listing.superiors),
            seal: listing.seal,
            bare: families.map(|v4| bare(listing, v4, rng)),
            flat,
            direct,
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

    pub(super) fn full(&self, v4: bool, view: View, names: bool) -> &[Box<[u8]>] {
        let lists = match view {
            View::Flat => &self.flat,
            View::Subordinates => &self.direct,
        };
        &lists[usize::from(v4)][usize::from(names)]
    }
}

/// Hosts of the asker's family, or the TURN server when there are none, or nothing at all: an old
/// client takes an empty answer for the end.
fn bare(listing: &Listing, v4: bool, rng: &mut Rng) -> Tails {
    let hosts = listing.nodes.iter().map(|node| node.addr).filter(|host| host.is_ipv4() == v4);
    let mut hosts: Vec<_> = hosts.collect();
    let tail = |hosts| encode(&ProbeReply { hosts, ..Default::default() });
    match (hosts.is_empty(), listing.turn) {
        (true, None) => Arc::default(),
        (true, turn) => [encode(&ProbeReply { turn, ..Default::default() })].into(),
        (false, _) if fits(tail(hosts.clone()).len()) => [tail(hosts)].into(),
        (false, _) => {
            hosts.shuffle(rng);
            let size = |host: &SocketAddr| tail(vec![*host]).len();
            samples(&hosts, LONGEST_TAIL, size).into_iter().map(tail).collect()
        }
    }
}

/// All nodes, the asker's family first, with times if they fit, and with names too if they are
/// welcome and fit; the state.
fn full(listing: &Listing, nodes: &[Node], v4: bool, names: bool, rng: &mut Rng) -> Tails {
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
    let tail = |nodes: &[&Node], names: bool, rtts: bool| {
        let shown = |node: &&Node| Node {
            name: node.name.clone().filter(|_| names),
            rtt: node.rtt.filter(|_| rtts),
            ..(*node).clone()
        };
        encode(&ProbeReply { nodes: nodes.iter().map(shown).collect(), ..base.clone() })
    };
    let (own, other): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.addr.is_ipv4() == v4);
    let all = [&own[..], &other].concat();
    let details = [(names, true), (false, true), (false, false)];
    let wholes = details.iter().map(|&(names, rtts)| tail(&all, names, rtts));
    if let Some(whole) = wholes.into_iter().find(|whole| fits(whole.len())) {
        return Arc::new([whole]);
    }
    // Both lists with all that may stand beside them: a sample must fit with its share of times.
    let size = |node: &&Node| 1 + encoded_len(node);
    let whole =
        |nodes: &[&Node]| tail(&[], false, false).len() + 8 + nodes.iter().map(size).sum::<usize>();
    let (always, mut pool) = if fits(whole(&own)) { (own, other) } else { (Vec::new(), own) };
    pool.shuffle(rng);
    let room = LONGEST_TAIL - whole(&always);
    let join = |sample: Vec<&Node>| tail(&[&always[..], &sample].concat(), false, true);
    samples(&pool, room, size).into_iter().map(join).collect()
}

pub(super) fn encode(reply: &ProbeReply) -> Box<[u8]> {
    let mut tail = Vec::new();
    reply.encode_tail(&mut tail);
    tail.into()
}

/// Bytes that a node takes in an answer, without its name and time: those go in only where they
/// fit.
pub(super) fn encoded_len(node: &Node) -> usize {
    let plain = Node { name: None, rtt: None, ..node.clone() };
    encode(&ProbeReply { nodes: vec![plain], ..Default::default() }).len()
}

fn fits(len: usize) -> bool {
    len <= LONGEST_TAIL
}

/// Parts of a pool that together hold all of it, as few as it takes with `room` bytes each; one,
/// empty, if not even one item fits.
fn samples<T: Copy>(pool: &[T], room: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut samples = Vec::new();
    let mut taken = 0;
    while taken < pool.len() || samples.is_empty() {
        let mut left = room;
        // The last sample is filled up from the front of the pool, so that none is short.
        let next = pool[taken..].iter().chain(&pool[..taken]);
        let fitting = next.take_while(|item| {
            let fits = size(item) <= left;
            left = left.saturating_sub(size(item));
            fits
        });
        let sample: Vec<_> = fitting.copied().collect();
        taken += sample.len().max(1);
        samples.push(sample);
    }
    samples
}
