//! Somebody who has a key and would mute nodes: a second superior of all of them, which tells them
//! numbers that leave no room, and gives answers that others were asked for.

use std::net::SocketAddr;

use rand::RngExt;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    Ping, Pong, Request, RequestBody, Response, ResponseBody, SEQ_END,
};

use super::foes::Forged;
use super::plan::{Part, Plan};
use crate::{Answer, Datagram};

/// Where it stands, in a third of the worlds with keys.
pub(crate) fn draw(plan: &Plan, rng: &mut Rng) -> Option<SocketAddr> {
    let there = !plan.keys.is_empty() && rng.random_ratio(1, 3);
    let v4 = plan.places.first()?.addr.is_ipv4();
    there.then(|| plan.addr_of(Part::Stranger, 150, 3001, v4))
}

/// It answers each heartbeat, as itself and in the names of others, to whom it guesses the number.
pub(crate) fn server(
    plan: &Plan,
) -> impl FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Answer> + use<> {
    let key = plan.keys.first().cloned();
    let others: Vec<_> = plan.places.iter().map(|place| place.addr).collect();
    let mut told = 0;
    move |to, _, payload| {
        let (Some(key), Some(Ping { seq, .. })) = (&key, ping(payload)) else { return Vec::new() };
        told += 1;
        let other = others[told as usize % others.len()];
        let guessed = [seq.wrapping_sub(1), seq, seq.wrapping_add(1)]
            .map(|seq| (other, pong(key, seq, told)));
        [(to, pong(key, seq, told))].into_iter().chain(guessed).collect()
    }
}

/// It has seen a heartbeat to somebody else, and answers it from elsewhere.
pub(crate) fn pong_for(sent: &Datagram, plan: &Plan, from: SocketAddr) -> Option<Forged> {
    let Ping { seq, .. } = ping(&sent.payload)?;
    Some((from, sent.from, pong(plan.keys.first()?, seq, seq)))
}

/// Numbers at the end of their range, and some that are not.
pub(crate) fn high(n: u64) -> u64 {
    match n % 5 {
        0 => u64::MAX - n,
        1 => SEQ_END,
        2 => SEQ_END - 1,
        3 => SEQ_END - (1 << 50),
        _ => n,
    }
}

fn ping(payload: &[u8]) -> Option<Ping> {
    match Request::decode(payload) {
        Ok(Request { body: RequestBody::Ping(ping), .. }) => Some(ping),
        _ => None,
    }
}

fn pong(key: &Key, seq: u64, n: u64) -> Vec<u8> {
    let pong = Pong { seq, challenge: n | 1, status: 1, last_seq: high(n) };
    let mut payload = Response { id: 0, body: ResponseBody::Pong(pong) }.encode();
    key.sign(Purpose::Pong, &mut payload, 0);
    payload
}
