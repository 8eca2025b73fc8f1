//! Servers that answer wrongly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{CandidateState, Failure, Options, Verify};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World, node};

/// A server that lists 60 addresses of one host and 500 of others, and itself.
fn liar(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let leaf = |addr: SocketAddr| Node { kind: Kind::Leaf, ..node(addr, None) };
    let one_host = (1..=60).map(|n| SocketAddr::from(([203, 0, 113, 200], 3000 + n)));
    let others = (0..500).map(|n| SocketAddr::from(([0x2001, 0xdb8, n, 0, 0, 0, 0, 1], 3001)));
    let private = SocketAddr::from(([127, 0, 0, 1], 3001));
    let nodes = one_host.chain([private, server(ROOT)]).chain(others);
    let reply = ProbeReply {
        nodes: nodes.map(leaf).collect(),
        total: 100_000,
        nonce: probe.nonce,
        ..ProbeReply::default()
    };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(server(ROOT), answer.encode())]
}

#[test]
fn a_liars_list_makes_no_cannon_of_the_client() {
    let mut world = World::new(13, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(liar));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let outcome = descent.selection().unwrap();
    assert!(matches!(outcome, Err(Failure::NoAnswer { level: 1, .. })), "{outcome:?}");
    let sent = || world.log.iter().filter(|sent| sent.from == client());
    let below = || sent().filter(|sent| sent.to != server(ROOT));
    assert!(below().count() <= 240, "{} datagrams", below().count());
    assert!(below().map(|sent| sent.len).sum::<usize>() <= 65_536);
    let mut hosts = BTreeMap::new();
    for sent in below() {
        *hosts.entry(sent.to.ip()).or_insert(0) += 1;
    }
    assert!(hosts.values().all(|&count| count <= 8), "{hosts:?}");
    assert!(!hosts.contains_key(&"127.0.0.1".parse().unwrap()));
    let refused = trace(&descent).candidates.into_iter();
    let refused: Vec<_> = refused.filter(|c| c.state == CandidateState::Refused).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
}

/// A server that passes the client on to another address, one level after the other, for ever.
fn bottomless(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    // The nonce is random, so the next address is new.
    let [.., high, low] = [probe.nonce >> 16, probe.nonce].map(|bits| bits as u16);
    let next = SocketAddr::from(([0x2001, 0xdb8, high, low, 0, 0, 0, 1], 3001));
    let reply =
        ProbeReply { nodes: vec![node(next, None)], nonce: probe.nonce, ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(server(ROOT), answer.clone().encode()), (next, answer.encode())]
}

#[test]
fn the_timeout_bounds_every_descent() {
    let mut world = World::new(14, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(bottomless));
    let start = world.now;
    let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert!(descent.selection().unwrap().is_err());
    assert_eq!(world.now - start, Duration::from_secs(3));
    let candidates = trace(&descent).candidates;
    assert!(candidates.iter().all(|c| c.level <= 8));
}

/// A server that lists one more below it, as everybody there does.
fn ladder(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let nodes = vec![node(SocketAddr::new(to.ip(), to.port() + 10), None)];
    let reply = ProbeReply { nodes, nonce: probe.nonce, ..ProbeReply::default() };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn a_ladder_of_servers_is_left_at_the_eighth_level() {
    let mut world = World::new(17, |_, _| Path::of(10));
    world.unknown = Box::new(|_| Some(Host::Peer(ladder)));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert!(descent.selection().unwrap().is_err());
    assert_eq!(trace(&descent).candidates.iter().map(|c| c.level).max(), Some(8));
}

/// Answers with a wrong id, a wrong nonce, from the wrong address, twice, and malformed.
fn mumbler(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let answer = |id, nonce| {
        let turn = Some(turn("203.0.113.66"));
        let body = ProbeReply { turn, nonce, state: State::Offering, ..ProbeReply::default() };
        Response { id, body: ResponseBody::Probe(body) }.encode()
    };
    let wrong = vec![
        (server(ROOT), answer(id ^ 1, probe.nonce)),
        (server(ROOT), answer(id, probe.nonce ^ 1)),
        (server("198.51.100.2"), answer(id, probe.nonce)),
        (server(ROOT), b"\xff".to_vec()),
    ];
    wrong
}

#[test]
fn what_was_not_asked_is_ignored_and_counted() {
    let mut world = World::new(15, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(mumbler));
    let options = Options { timeout: Duration::from_millis(90), ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let trace = trace(&descent);
    assert!(trace.outcome.is_err());
    assert_eq!(trace.candidates[0].state, CandidateState::Misplaced);
    let cost = trace.cost;
    assert_eq!((cost.misplaced, cost.mismatched, cost.malformed), (2, 4, 2), "{cost:?}");
}

/// Answers the first request as `honest` does. In its name somebody who has seen only the ids answers
/// the others, as a server of the first implementation would.
fn usurped(honest: ProbeReply, usurper: ProbeReply) -> Host {
    let mut asked = 0;
    Host::Actor(Box::new(move |to, _, request| {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
            return Vec::new();
        };
        asked += 1;
        let reply = match asked {
            1 => ProbeReply { nonce: probe.nonce, version: 1, ..honest.clone() },
            _ => usurper.clone(),
        };
        vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
    }))
}

#[test]
fn who_has_returned_a_nonce_is_believed_nothing_without_one() {
    let (leaf, silent, lie) = (leaf(11), leaf(12), server("203.0.113.66"));
    let names = |turn| ProbeReply { turn: Some(turn), ..ProbeReply::default() };
    // It waits for the silent one, and hears meanwhile what is said in the other's name.
    let nodes = vec![node(leaf, None), node(silent, None)];
    let lists = ProbeReply { nodes, ..ProbeReply::default() };
    let sends_on = ProbeReply { hosts: vec![lie], ..ProbeReply::default() };
    for verify in [Verify::On, Verify::Off] {
        let mut world = World::new(16, |_, _| Path::of(10));
        world.hosts.insert(server(ROOT), usurped(lists.clone(), sends_on.clone()));
        world.hosts.insert(leaf, usurped(names(leaf_turn(11)), names(turn("203.0.113.66"))));
        world.hosts.insert(lie, usurped(names(turn("203.0.113.66")), ProbeReply::default()));
        for turn in [leaf_turn(11), turn("203.0.113.66")] {
            world.hosts.insert(turn, Host::Turn);
        }
        let options = Options { verify, ..Options::default() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let trace = trace(&descent);
        assert_eq!(selection(&descent).turn, leaf_turn(11), "{trace:?}");
        assert!(trace.cost.mismatched >= 2, "{:?}", trace.cost);
        assert!(!trace.candidates.iter().any(|candidate| candidate.addr.ip() == lie.ip()));
    }
}

/// As [`usurped`], but its first answer comes late: somebody has given it sooner, without a nonce.
fn outrun(honest: ProbeReply, usurper: ProbeReply) -> Host {
    let mut usurped = usurped(honest.clone(), usurper);
    let mut first = true;
    Host::Actor(Box::new(move |to, from, request| {
        let Host::Actor(usurped) = &mut usurped else { unreachable!() };
        let mut answers = usurped(to, from, request);
        if let Ok(Request { id, .. }) = Request::decode(request)
            && std::mem::take(&mut first)
        {
            let sooner = Response { id, body: ResponseBody::Probe(honest.clone()) };
            answers.insert(0, (to, sooner.encode()));
        }
        answers
    }))
}

#[test]
fn who_was_outrun_is_believed_nothing_without_a_nonce_either() {
    let names = |turn| ProbeReply { turn: Some(turn), ..ProbeReply::default() };
    let mut world = World::new(17, |_, _| Path::of(10));
    let nodes = vec![node(leaf(11), None), node(leaf(12), None)];
    let lists = ProbeReply { nodes, ..ProbeReply::default() };
    world.hosts.insert(server(ROOT), usurped(lists.clone(), lists));
    world.hosts.insert(leaf(11), outrun(names(leaf_turn(11)), names(turn("203.0.113.66"))));
    let options = Options { verify: Verify::Off, ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11), "{:?}", trace(&descent));
    assert_eq!(trace(&descent).cost.repeated, 1);
}

/// A root whose list is old: what it calls a leaf has nodes of its own by now.
fn old_list(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let node = node(region(1), Some(leaf_turn(1)));
    let reply = ProbeReply { nodes: vec![node], nonce: probe.nonce, ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(server(ROOT), answer.encode())]
}

#[test]
fn what_a_server_says_itself_outweighs_what_a_list_says_of_it() {
    let mut world = cascade(31, Path::of(0));
    // Nearer than what stands below it: taken for a leaf, it would lead.
    world.path = Box::new(|from, to| {
        Path::of(if [from, to].contains(&region(1)) && [from, to].contains(&client()) {
            1
        } else {
            20
        })
    });
    world.hosts.remove(&server(ROOT));
    world.hosts.insert(server(ROOT), Host::Peer(old_list));
    world.run_for(Duration::from_secs(1));
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    let turn = selection(&descent).turn;
    assert!(leaves(1).map(leaf_turn).contains(&turn));
    let asked = trace(&descent).candidates.into_iter().find(|c| c.addr == turn).unwrap();
    assert!(asked.rtt.is_some(), "the last round went by what leads: {asked:?}");
}

/// A server that has whoever asks come back, for ever.
fn evasive(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let reply = ProbeReply {
        retry: true,
        cookie: vec![7; 21],
        nonce: probe.nonce,
        ..ProbeReply::default()
    };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn who_asks_to_come_back_without_end_is_said_to_do_that() {
    let mut world = World::new(17, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(evasive));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let failure = descent.selection().unwrap().unwrap_err();
    let state = CandidateState::Silent;
    assert!(matches!(&failure, Failure::DeadEnd { level: 0, state: it, .. } if *it == state));
    assert!(failure.to_string().ends_with("it asks to come back, and never says anything else"));
}
