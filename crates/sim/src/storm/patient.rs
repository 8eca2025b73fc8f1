//! Foes with patience: who sends little in somebody's name, again and again.

use std::net::SocketAddr;

use rand::RngExt;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Pong, Probe, Request, RequestBody, Response, ResponseBody,
};

use super::foes::{Foes, Forged};
use super::plan::{Part, Plan, Who};

/// More than the budget of one node, in two seconds.
const TRICKLE: usize = 120;

/// How many ports of one address ask at once.
const PORTS: u16 = 24;

/// How many of them have asked long before the others.
const ELDERS: u16 = 12;

/// A server of ours, drawn.
fn ours(plan: &Plan, rng: &mut Rng) -> Option<usize> {
    let is_ours = |n: &usize| plan.places[*n].who == Who::Ours;
    let ours: Vec<_> = (0..plan.places.len()).filter(is_ours).collect();
    ours.get(rng.random_range(0..ours.len().max(1))).copied()
}

/// Messages in the name of a node to its superior, or of the superior to it, with tags of no key.
pub(super) fn trickle(plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
    let Some(n) = ours(plan, rng) else { return Vec::new() };
    let Some(superior) = plan.places[n].superior else { return Vec::new() };
    let (node, superior) = (plan.places[n].public, plan.places[superior].addr);
    let up = rng.random();
    let key = Key::new(rng.random_range(1..=2), &[0xee; 32]);
    let forge = |_| {
        let (seq, challenge) = (rng.random(), rng.random());
        let (mut payload, purpose) = match up {
            true => {
                let ping = Ping { seq, challenge, ..Ping::default() };
                let request = Request { id: 0, body: RequestBody::Ping(ping) };
                (request.encode(38), Purpose::Ping)
            }
            false => {
                let pong = Pong { seq: seq % 9, challenge, status: 1, last_seq: 0 };
                let response = Response { id: 0, body: ResponseBody::Pong(pong) };
                (response.encode(), Purpose::Pong)
            }
        };
        key.sign(purpose, &mut payload, 0);
        match up {
            true => (node, superior, payload),
            false => (superior, node, payload),
        }
    };
    (0..TRICKLE).map(forge).collect()
}

/// Where an old server stands that has nothing to offer, and belongs to nobody.
pub(super) fn idle(plan: &Plan, v4: bool) -> SocketAddr {
    plan.addr_of(Part::Stranger, 180, 3001, v4)
}

/// Bare requests in the name of an old server that answers with what reads as one, and how many ms
/// apart.
pub(super) fn loops(plan: &Plan, rng: &mut Rng) -> (Vec<Forged>, u64) {
    let Some(n) = ours(plan, rng) else { return (Vec::new(), 0) };
    let to = plan.places[n].public;
    let ids = [1, 1, 2, 3, 12][rng.random_range(0..5)];
    let forge = |id| {
        let payload = Request { id, body: RequestBody::Probe(Probe::default()) }.encode(0);
        (idle(plan, to.is_ipv4()), to, payload)
    };
    ((0..ids).map(forge).collect(), rng.random_range(1..400))
}

/// Many clients behind one address, so far without cookies.
pub(super) fn crowd(plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
    let Some(n) = ours(plan, rng) else { return Vec::new() };
    let to = plan.places[n].public;
    // The first use up what there is without a cookie.
    let ports = (0..60).map(|_| 0).chain((0..PORTS).flat_map(|port| [port; 8]));
    let ask = |port| (member(plan, to, port), to, probe(&[], rng));
    ports.map(ask).collect()
}

impl Foes {
    /// The same crowd, those that have cookies: the elders as often as they can, then the others
    /// three times each.
    pub(super) fn crowd_returns(&self, to: SocketAddr, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        let rate = plan.rates.v4_32 as usize;
        let asks = |port| if port < ELDERS { 2 * rate + 3 } else { 3 };
        let mut forged = Vec::new();
        for port in 0..PORTS {
            let from = member(plan, to, port);
            let Some(cookie) = self.cookie_of(to, from) else { continue };
            forged.extend((0..asks(port)).map(|_| (from, to, probe(cookie, rng))));
        }
        forged
    }
}

fn member(plan: &Plan, to: SocketAddr, port: u16) -> SocketAddr {
    plan.addr_of(Part::Stranger, 170, 6000 + port, to.is_ipv4())
}

fn probe(cookie: &[u8], rng: &mut Rng) -> Vec<u8> {
    let probe = Probe { nonce: rng.random::<u64>() | 1, cookie, ..Probe::default() };
    Request { id: rng.random(), body: RequestBody::Probe(probe) }.encode(PADDED_REQUEST)
}
