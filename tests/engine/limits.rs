//! What no server can make a descent do, whatever it answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    CandidateState, Failure, Limits, Options, Strategy, Unasked,
};
use turn_balance::internals::wire::{
    Kind, Node, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, State, stun,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, Sent, World, node};

/// Answers anything that a bad mind or a bad day could: nothing, rubbish, an answer to something
/// else, or a list of whatever addresses.
fn stranger(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    if stun::is_stun(request) {
        return Vec::new();
    }
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        panic!("the client sends probes");
    };
    let mut rng = Rng::seed_from_u64(probe.nonce);
    let addr = |rng: &mut Rng| {
        let any: u16 = rng.random();
        let port = if rng.random_bool(0.9) { 3001 } else { rng.random() };
        let [high, low] = any.to_be_bytes();
        match rng.random_range(0..8) {
            0 => SocketAddr::from(([127, 0, high, low], port)),
            1 => SocketAddr::from(([10, 0, high, low], port)),
            2 => SocketAddr::from(([224, 0, high, low], port)),
            3 => SocketAddr::from(([203, 0, 113, low], port)),
            4 => SocketAddr::from(([198, 51, 100, low % 4], port)),
            5 => SocketAddr::from(([0, 0, 0, 0, 0, 0xffff, 0x7f00, any], port)),
            _ => SocketAddr::from(([0x2001, 0xdb8, any, 0, 0, 0, 0, 1], port)),
        }
    };
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    let entry = |rng: &mut Rng| {
        let kind = kinds[rng.random_range(0..3)];
        let turn = rng.random_bool(0.5).then(|| addr(rng));
        Node { kind, hops: rng.random_range(0..20), ..node(addr(rng), turn) }
    };
    let states = [State::Offering, State::Offering, State::Nothing, State::Full, State::Draining];
    let reply = ProbeReply {
        hosts: (0..rng.random_range(0..4)).map(|_| addr(&mut rng)).collect(),
        turn: rng.random_bool(0.2).then(|| addr(&mut rng)),
        nonce: if rng.random_bool(0.9) { probe.nonce } else { rng.random_range(0..2) },
        cookie: vec![1; rng.random_range(0..100)],
        retry: rng.random_bool(0.05),
        nodes: (0..rng.random_range(0..40)).map(|_| entry(&mut rng)).collect(),
        total: rng.random_range(0..1000),
        name: None,
        state: states[rng.random_range(0..states.len())],
        version: rng.random(),
        ..ProbeReply::default()
    };
    let mut answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
    match rng.random_range(0..10) {
        0 => return Vec::new(),
        1 => answer.truncate(rng.random_range(0..answer.len())),
        2 => {
            let at = rng.random_range(0..answer.len());
            answer[at] = rng.random();
        }
        _ => {}
    }
    let source = if rng.random_bool(0.95) { to } else { addr(&mut rng) };
    vec![(source, answer); rng.random_range(1..3)]
}

#[test]
fn whatever_servers_answer_a_descent_keeps_its_limits_and_ends() {
    let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
    for seed in 0..500 {
        let mut world = World::new(seed, |_, _| Path { loss: 0.05, ..Path::of(15) });
        world.unknown = Box::new(|_| Some(Host::Peer(stranger)));
        let start = world.now;
        let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
        assert!(world.now - start <= options.timeout, "seed {seed}");
        let sent = world.log.iter().filter(|sent| sent.from == client());
        let below: Vec<_> = sent.filter(|sent| sent.to != server(ROOT)).copied().collect();
        assert!(below.len() <= 256, "seed {seed}: {} datagrams", below.len());
        let bytes: usize = below.iter().map(|sent| sent.len).sum();
        assert!(bytes <= 65_536, "seed {seed}: {bytes} bytes");
        for sent in &below {
            assert!(may_be_asked(sent.to.ip()), "seed {seed}: sent to {}", sent.to);
        }
        let pressed = most_unanswered(&below, &world.heard);
        assert!(pressed <= 8, "seed {seed}: {pressed} to a host that has not answered");
        let trace = trace(&descent);
        let deepest = trace.candidates.iter().filter(|c| c.sent > 0).map(|c| c.level).max();
        // The last round asks the TURN server beside a leaf, which counts as a level below it.
        assert!(deepest <= Some(9), "seed {seed}: {deepest:?}");
        if let Ok(selection) = trace.outcome {
            assert!(may_be_asked(selection.turn.ip()), "seed {seed}: {}", selection.turn);
        }
    }
}

/// Whether a root on the internet may name it.
fn may_be_asked(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let own = ip.is_loopback() || ip.is_private() || ip.is_link_local();
            !own && !ip.is_multicast() && !ip.is_unspecified() && !ip.is_broadcast()
        }
        IpAddr::V6(ip) => {
            let own = ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
            !own && !ip.is_multicast() && !ip.is_unspecified()
        }
    }
}

/// The most datagrams that any host (IPv6: /64) was sent before it was first heard of.
fn most_unanswered(sent: &[Sent], heard: &[(Duration, SocketAddr)]) -> usize {
    let network = |addr: SocketAddr| match addr.ip() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        ip => ip,
    };
    let mut first = BTreeMap::new();
    for &(at, from) in heard {
        first.entry(network(from)).or_insert(at);
    }
    let mut counts = BTreeMap::new();
    for sent in sent {
        let host = network(sent.to);
        if first.get(&host).is_none_or(|first| sent.at < *first) {
            *counts.entry(host).or_insert(0) += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

#[test]
fn every_descent_ends_by_its_timeout() {
    for seed in 0..200 {
        let mut rng = Rng::seed_from_u64(seed);
        let loss = rng.random_range(0.0..=1.0);
        let faults = Path { loss, twice: 0.2, late: 0.2, corrupt: 0.2, ..Path::of(0) };
        let mut world = cascade(seed, faults);
        world.run_for(Duration::from_millis(rng.random_range(0..3000)));
        let timeout = Duration::from_millis(rng.random_range(0..3000));
        let start = world.now;
        let descent = world.descend(client(), Options { timeout, ..levels() }, &[server(ROOT)]);
        assert!(world.now - start <= timeout, "seed {seed}");
        assert!(trace(&descent).elapsed <= timeout, "seed {seed}");
    }
}

#[test]
fn limits_that_let_nobody_be_asked_are_to_blame_and_no_server() {
    let none = Limits::default;
    let limits = [
        none().datagrams(0),
        none().datagrams(16), // those that are kept for the last round
        none().bytes(0),
        none().bytes(20),
        none().unanswered(0),
        none().depth(0),
    ];
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(20));
    for limits in limits {
        for strategy in [Strategy::Best, Strategy::First] {
            let options = Options { strategy, limits: limits.clone(), ..levels() };
            let start = world.now;
            let descent = world.descend(client(), options, &[server(ROOT)]);
            let failure = trace(&descent).outcome.unwrap_err();
            let Failure::Limited { level: 0, at, .. } = &failure else {
                panic!("{strategy:?}, {limits:?}: {failure}")
            };
            assert_eq!(at.addr, server(ROOT));
            assert_eq!(failure.kind(), "limited");
            assert!(world.now - start < Duration::from_secs(1), "at once");
        }
    }
}

#[test]
fn who_was_never_asked_is_told_and_why() {
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(20));
    let mut whys = |limits| {
        let options = Options { limits, ..levels() };
        let trace = trace(&world.descend(client(), options, &[server(ROOT)]));
        for row in &trace.candidates {
            assert_eq!(row.unasked.is_some(), row.state == CandidateState::Unasked, "{row:?}");
            assert!(row.unasked.is_none() || row.sent == 0, "{row:?}");
        }
        let whys: Vec<_> = trace.candidates.iter().filter_map(|row| row.unasked).collect();
        assert_eq!(trace.cost.unasked as usize, whys.len());
        whys
    };
    assert_eq!(whys(Limits::default()), []);
    let few = whys(Limits::default().datagrams(3 + 16));
    assert!(!few.is_empty() && few.iter().all(|why| *why == Unasked::Budget), "{few:?}");
}

#[test]
fn a_caller_may_be_as_patient_as_can_be_said() {
    let options = Options { timeout: Duration::MAX, linger: Duration::MAX, ..levels() };
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(20));
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
}

#[test]
fn a_leaf_that_is_asked_too_often_from_there_is_found_with_its_cookie() {
    for seed in 0..20 {
        let mut world = cascade(seed, Path::of(0));
        world.run_for(Duration::from_secs(20));
        for id in 0..60 {
            let probe = Probe { nonce: 7, ..Probe::default() };
            let request = Request { id, body: RequestBody::Probe(probe) }.encode(0);
            world.send(SocketAddr::new(client().ip(), 5000), leaf(11), request);
        }
        let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
        assert_eq!(selection(&descent).turn, leaf_turn(11), "seed {seed}");
    }
}
