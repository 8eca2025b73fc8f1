//! A superior and one node that always answers: checks alone, without hosts and a queue, so that
//! years pass in minutes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::members::{MemberEvent, Members, NodeSpec};
use turn_balance::internals::wire::{
    Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::path::{Path, ms};

/// What came of it.
#[derive(Debug, Default)]
pub struct Watched {
    pub checks: u64,
    /// How often the node, which lived all the time, was taken to be silent.
    pub drops: u32,
}

/// Checks a node for so long over this path.
pub fn watch(seed: u64, path: Path, time: Duration) -> Watched {
    let addr = SocketAddr::from(([203, 0, 113, 11], 3001));
    let (start, mut rng) = (Instant::now(), Rng::seed_from_u64(seed));
    let mut members = Members::new(Rng::from_rng(&mut rng));
    members.set_nodes(start, [NodeSpec { addr, public: addr, name: None }]);
    let (mut now, mut watched) = (start, Watched::default());
    let mut answers: Vec<(Instant, Vec<u8>)> = Vec::new();
    while now < start + time {
        while let Some(check) = members.poll_transmit(now) {
            watched.checks += 1;
            let way = path.one_way(&mut rng).zip(path.one_way(&mut rng));
            answers.extend(way.map(|(to, back)| (now + ms(to + back), answer(&check.payload))));
        }
        members.handle_timeout(now);
        while let Some(event) = members.poll_event() {
            watched.drops += u32::from(matches!(event, MemberEvent::Offline { .. }));
        }
        let first = answers.iter().enumerate().min_by_key(|(_, (at, _))| *at);
        let first = first.map(|(index, (at, _))| (*at, index));
        let next = members.poll_timeout().unwrap_or(now).max(now);
        now = match first {
            Some((at, index)) if at <= next => {
                let (_, answer) = answers.swap_remove(index);
                members.handle_datagram(at, addr, &answer);
                at
            }
            _ => next,
        };
    }
    watched
}

/// A leaf's answer.
fn answer(check: &[u8]) -> Vec<u8> {
    let Ok(Request { id, body: RequestBody::Probe(Probe { nonce, .. }) }) = Request::decode(check)
    else {
        panic!("it is no check");
    };
    let turn = Some(SocketAddr::from(([203, 0, 113, 11], 3478)));
    let reply = ProbeReply { nonce, turn, version: 1, ..ProbeReply::default() };
    Response { id, body: ResponseBody::Probe(reply) }.encode()
}
