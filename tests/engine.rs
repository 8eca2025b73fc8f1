//! The engines on simulated time: a cascade with loss, duplication, reordering, dead ends, liars.

mod sim;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use sim::{Path, Site, World};
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::descent::{
    CandidateState, Descent, Failure, Options, Selection, Strategy, Trace, Why,
};
use turn_balance::net::wire::{
    Kind, Node, Ping, ProbeReply, Request, RequestBody, Response, ResponseBody, State, View, stun,
};

const ROOT: &str = "198.51.100.1";
const CLIENT: &str = "192.0.2.99";

/// The balance server at an IP address.
fn server(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 3001)
}

/// The TURN server at an IP address.
fn turn(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 3478)
}

fn client() -> SocketAddr {
    SocketAddr::new(CLIENT.parse().unwrap(), 40_000)
}

/// Regions 1 and 2, with leaves 11, 12, 13 and 21, 22, 23.
const REGIONS: [u8; 2] = [1, 2];

fn region(n: u8) -> SocketAddr {
    server(&format!("203.0.113.{n}"))
}

fn leaf(n: u8) -> SocketAddr {
    server(&format!("203.0.113.{n}"))
}

fn leaf_turn(n: u8) -> SocketAddr {
    turn(&format!("203.0.113.{n}"))
}

fn leaves(region: u8) -> [u8; 3] {
    [1, 2, 3].map(|n| region * 10 + n)
}

fn root_site() -> Site {
    Site { name: "root", nodes: REGIONS.map(region).into(), ..Site::default() }
}

fn leaf_site(n: u8) -> Site {
    let superiors = vec![region(n / 10)];
    Site { name: "leaf", superiors, turn: Some(leaf_turn(n)), ..Site::default() }
}

/// Starts the whole cascade, on paths where leaf `n` is `n` ms away from everyone, the root 5 ms
/// and a region 10 times its number.
fn cascade(seed: u64, faults: Path) -> World {
    let mut world = World::new(seed, move |from, to| {
        let far = |addr: SocketAddr| match addr.ip().to_string().rsplit_once('.') {
            Some(("203.0.113", n)) => n.parse().map(|n: u64| if n < 10 { n * 10 } else { n }),
            Some(("198.51.100", _)) => Ok(5),
            _ => Ok(0),
        };
        let delay = far(from).unwrap().max(far(to).unwrap());
        Path { delay: faults.delay + Duration::from_millis(delay), ..faults }
    });
    world.start(server(ROOT), &root_site());
    for n in REGIONS {
        let nodes = leaves(n).map(leaf).into();
        let superiors = vec![server(ROOT)];
        world.start(region(n), &Site { name: "region", superiors, nodes, turn: None });
        for n in leaves(n) {
            world.start(leaf(n), &leaf_site(n));
        }
    }
    world
}

/// A descent through every level.
fn levels() -> Options {
    Options { view: View::Subordinates, ..Options::default() }
}

fn selection(descent: &Descent) -> Selection {
    descent.selection().expect("it is finished").expect("it found a TURN server")
}

fn trace(descent: &Descent) -> Trace {
    descent.trace().expect("it is finished")
}

#[test]
fn the_nearest_leaf_is_chosen() {
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    let selection = selection(&descent);
    assert_eq!(selection.turn, leaf_turn(11));
    assert_eq!(selection.rtt, Duration::from_millis(22));
    let path: Vec<_> = selection.path.iter().map(|hop| hop.addr).collect();
    assert_eq!(path, [server(ROOT), region(1), leaf(11)]);
    let states: Vec<_> = trace(&descent).candidates.iter().map(|c| c.state).collect();
    assert_eq!(states[..3], [CandidateState::Path, CandidateState::Path, CandidateState::Explored]);
}

#[test]
fn the_plain_race_asks_each_candidate_once() {
    let mut world = cascade(2, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.log.clear();
    let options = Options { strategy: Strategy::First, ..levels() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
    let mut asked = BTreeMap::new();
    for (_, from, to, _) in &world.log {
        *asked.entry(*to).or_insert(0) += u32::from(*from == client());
    }
    asked.retain(|_, count| *count > 0);
    let expected = [ROOT, "203.0.113.1", "203.0.113.2", "203.0.113.11", "203.0.113.12"];
    let expected = expected.iter().chain(&["203.0.113.13"]).map(|ip| (server(ip), 1)).collect();
    assert_eq!(asked, expected);
}

#[test]
fn loss_duplication_and_reordering_keep_no_descent_from_its_end() {
    let jitter = Duration::from_millis(30);
    let faults = Path { delay: Duration::ZERO, jitter, loss: 0.2, twice: 0.2 };
    for seed in 0..100 {
        let mut world = cascade(seed, faults);
        world.run_for(Duration::from_secs(6));
        let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
        let selection = selection(&descent);
        assert!(selection.rtt < Duration::from_millis(120), "seed {seed}: {selection:?}");
    }
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let jitter = Duration::from_millis(30);
        let faults = Path { delay: Duration::ZERO, jitter, loss: 0.1, twice: 0.1 };
        let mut world = cascade(seed, faults);
        let start = world.now;
        world.run_for(Duration::from_secs(3));
        world.descend(client(), Options::default(), &[server(ROOT)]);
        world.log.into_iter().map(|(at, f, t, n)| (at - start, f, t, n)).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_silent_leaf_is_passed_over() {
    let mut world = cascade(3, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.servers.remove(&leaf(11));
    world.turns.remove(&leaf_turn(11));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(12));
    let silent = trace(&descent).candidates.into_iter().filter(|c| c.addr == leaf(11));
    assert_eq!(silent.map(|c| c.state).collect::<Vec<_>>(), [CandidateState::Silent]);
}

#[test]
fn a_dead_turn_server_is_passed_over_but_better_than_none() {
    let mut world = cascade(4, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.turns.remove(&leaf_turn(11));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let selected = selection(&descent);
    assert_eq!(selected.turn, leaf_turn(12));
    let why = |turn| selected.runners_up.iter().find(|r| r.turn == turn).map(|r| r.why);
    assert_eq!([why(leaf_turn(11)), why(leaf_turn(21))], [Some(Why::Silent), Some(Why::Slower)]);
    world.turns.clear();
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
}

#[test]
fn a_silent_region_sends_the_descent_into_the_next() {
    let mut world = cascade(5, Path::of(0));
    world.run_for(Duration::from_secs(1));
    for n in leaves(1) {
        world.servers.remove(&leaf(n));
    }
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(21));
}

#[test]
fn a_region_outside_the_window_is_gone_into_when_the_first_is_a_dead_end() {
    // Region 2 is 20 times as far: outside the window of region 1.
    let mut world = cascade(6, Path::of(0));
    let near = std::mem::replace(&mut world.path, Box::new(|_, _| Path::of(0)));
    world.path = Box::new(move |from, to| {
        let far = [from, to].contains(&region(2));
        if far { Path::of(200) } else { near(from, to) }
    });
    world.run_for(Duration::from_secs(3));
    for n in leaves(1) {
        world.servers.remove(&leaf(n));
    }
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(21));
}

#[test]
fn a_restarted_superior_has_its_tree_in_a_second() {
    let mut world = cascade(7, Path::of(0));
    world.run_for(Duration::from_secs(60));
    world.start(server(ROOT), &root_site());
    world.run_for(Duration::from_secs(1));
    let now = world.now;
    assert_eq!(world.servers[&server(ROOT)].cluster.count(now), (2, 2));
}

#[test]
fn a_leaf_is_online_twelve_seconds_after_its_last_answer_and_again_within_one_of_its_start() {
    let mut world = cascade(8, Path::of(0));
    world.run_for(Duration::from_secs(60));
    let online = |world: &World| world.servers[&region(1)].cluster.count(world.now).0;
    assert_eq!(online(&world), 3);
    world.servers.remove(&leaf(11));
    world.run_for(Duration::from_secs(8));
    assert_eq!(online(&world), 3, "its last answer is no more than 3.3 s older");
    world.run_for(Duration::from_millis(4100));
    assert_eq!(online(&world), 2);
    world.run_for(Duration::from_secs(30));
    world.start(leaf(11), &leaf_site(11));
    world.run_for(Duration::from_secs(1));
    assert_eq!(online(&world), 3);
}

#[test]
fn a_forged_heartbeat_puts_nobody_online() {
    let mut world = cascade(9, Path::of(0));
    world.servers.remove(&leaf(11));
    world.run_for(Duration::from_secs(5));
    let start = world.log.len();
    for _ in 0..1000 {
        let ping = Ping { version: 99, ..Ping::default() };
        let knock = Request { id: 0, body: RequestBody::Ping(ping) }.encode(0);
        world.send(leaf(11), region(1), knock);
        world.run_for(Duration::from_millis(10));
    }
    assert_eq!(world.servers[&region(1)].cluster.count(world.now).0, 2);
    let checks = world.log[start..].iter().filter(|(_, _, to, _)| *to == leaf(11)).count();
    assert!(checks <= 41, "{checks} checks in 10 s: never two in 250 ms");
}

/// An old server beside a TURN server: it answers bare, whatever it is asked.
fn old_leaf(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(_) }) = Request::decode(request) else {
        return Vec::new();
    };
    let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(leaf(11), answer.encode())]
}

#[test]
fn an_old_server_is_a_node_like_any_other() {
    let mut world = cascade(10, Path::of(0));
    world.servers.remove(&leaf(11));
    world.peers.insert(leaf(11), old_leaf);
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.servers[&region(1)].cluster.count(world.now).0, 3);
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
}

/// A server that is asked through the simulated network, as an old client asks it.
fn ask_bare(world: &mut World, to: SocketAddr) -> usize {
    let from = SocketAddr::new(CLIENT.parse().unwrap(), 5000);
    let start = world.log.len();
    world.send(from, to, vec![0x08, 0x01, 0x12, 0x00]);
    world.run_for(Duration::from_millis(200));
    world.log[start..].iter().filter(|(_, source, sink, _)| (*source, *sink) == (to, from)).count()
}

#[test]
fn a_bare_request_never_gets_an_empty_answer() {
    let mut world = World::new(11, |_, _| Path::of(1));
    world.start(server(ROOT), &root_site());
    world.run_for(Duration::from_secs(1));
    assert_eq!(ask_bare(&mut world, server(ROOT)), 0);
    let start = world.now;
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let outcome = descent.selection().unwrap();
    assert!(
        matches!(outcome, Err(Failure::DeadEnd { level: 0, state: CandidateState::Nothing, .. })),
        "{outcome:?}"
    );
    assert!(world.now - start < Duration::from_millis(10), "it waits for nothing");
    let mut world = cascade(12, Path::of(0));
    world.run_for(Duration::from_secs(1));
    assert_eq!(ask_bare(&mut world, server(ROOT)), 1);
}

/// A server that lists 60 addresses of one host and 500 of others, and itself.
fn liar(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let node = |addr: SocketAddr| Node {
        addr,
        kind: Kind::Leaf,
        turn: None,
        name: None,
        hops: 0,
        rtt: None,
    };
    let one_host = (1..=60).map(|port| SocketAddr::from(([203, 0, 113, 200], port)));
    let others = (0..500).map(|n| SocketAddr::from(([0x2001, 0xdb8, n, 0, 0, 0, 0, 1], 3001)));
    let private = SocketAddr::from(([127, 0, 0, 1], 3001));
    let nodes = one_host.chain([private, server(ROOT)]).chain(others);
    let reply = ProbeReply {
        nodes: nodes.map(node).collect(),
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
    world.peers.insert(server(ROOT), liar);
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let outcome = descent.selection().unwrap();
    assert!(matches!(outcome, Err(Failure::NoAnswer { level: 1, .. })), "{outcome:?}");
    let sent = || world.log.iter().filter(|(_, from, ..)| *from == client());
    let below = || sent().filter(|(_, _, to, _)| *to != server(ROOT));
    assert!(below().count() <= 240, "{} datagrams", below().count());
    assert!(below().map(|(.., len)| len).sum::<usize>() <= 65_536);
    let mut hosts = BTreeMap::new();
    for (_, _, to, _) in below() {
        *hosts.entry(to.ip()).or_insert(0) += 1;
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
    let node = Node { addr: next, kind: Kind::Balance, turn: None, name: None, hops: 0, rtt: None };
    let reply = ProbeReply { nodes: vec![node], nonce: probe.nonce, ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(server(ROOT), answer.clone().encode()), (next, answer.encode())]
}

#[test]
fn the_timeout_bounds_every_descent() {
    let mut world = World::new(14, |_, _| Path::of(10));
    world.peers.insert(server(ROOT), bottomless);
    let start = world.now;
    let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert!(descent.selection().unwrap().is_err());
    assert_eq!(world.now - start, Duration::from_secs(3));
    let candidates = trace(&descent).candidates;
    assert!(candidates.iter().all(|c| c.level <= 8));
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
    world.peers.insert(server(ROOT), mumbler);
    let options = Options { timeout: Duration::from_millis(90), ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let trace = trace(&descent);
    assert!(trace.outcome.is_err());
    assert_eq!(trace.candidates[0].state, CandidateState::Misplaced);
    let cost = trace.cost;
    assert_eq!((cost.misplaced, cost.mismatched, cost.malformed), (2, 4, 2), "{cost:?}");
}

#[test]
fn several_roots_are_asked_at_once_and_one_is_enough() {
    let mut world = cascade(16, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let dead = server("198.51.100.9");
    let descent = world.descend(client(), Options::default(), &[dead, server(ROOT)]);
    let selection = selection(&descent);
    assert_eq!(selection.turn, leaf_turn(11));
    assert!(selection.elapsed < Duration::from_millis(300), "{:?}", selection.elapsed);
}

/// Everything a server lists, flat, as a client hears it.
fn flat_list(world: &mut World, root: SocketAddr) -> Vec<SocketAddr> {
    let descent = world.descend(client(), Options::default(), &[root]);
    let trace = trace(&descent).candidates;
    let below = trace.iter().filter(|c| c.level == 1 && c.state != CandidateState::Selected);
    below.map(|c| c.addr).collect()
}

#[test]
fn a_flat_list_saves_a_level_while_it_fits() {
    let mut world = cascade(20, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let mut listed = flat_list(&mut world, server(ROOT));
    listed.sort_unstable();
    let leaves: Vec<_> = REGIONS.iter().flat_map(|&n| leaves(n)).map(leaf).collect();
    assert_eq!(listed, leaves);
}

#[test]
fn what_has_died_leaves_the_roots_flat_list_within_sixteen_seconds() {
    let mut world = cascade(21, Path::of(0));
    world.run_for(Duration::from_secs(30));
    world.servers.remove(&leaf(11));
    world.run_for(Duration::from_secs(16));
    assert!(!flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
}

#[test]
fn a_loop_of_servers_forgets_what_has_died() {
    // The regions list one another; region 2 learns of leaf 11 by way of region 1.
    let mut world = cascade(22, Path::of(0));
    for (n, other) in [(1, 2), (2, 1)] {
        let nodes = leaves(n).map(leaf).into_iter().chain([region(other)]).collect();
        let superiors = vec![server(ROOT), region(other)];
        world.start(region(n), &Site { name: "region", superiors, nodes, turn: None });
    }
    world.run_for(Duration::from_secs(10));
    assert!(flat_list(&mut world, region(2)).contains(&leaf(11)));
    world.servers.remove(&leaf(11));
    world.run_for(Duration::from_secs(50));
    for root in [region(1), region(2), server(ROOT)] {
        assert!(!flat_list(&mut world, root).contains(&leaf(11)), "{root}");
    }
}

#[test]
fn a_server_that_is_its_own_node_is_never_online() {
    let mut world = World::new(23, |_, _| Path::of(1));
    // It does not know itself by this address, as behind a NAT.
    let turn = Some(turn(ROOT));
    world.start(
        server(ROOT),
        &Site { name: "me", nodes: vec![server(ROOT)], turn, ..Site::default() },
    );
    world.run_for(Duration::from_secs(20));
    assert_eq!(world.servers[&server(ROOT)].cluster.count(world.now), (0, 1));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(Some(selection(&descent).turn), turn);
}

#[test]
fn a_long_list_is_a_sample_of_which_a_client_hears_more() {
    let mut world = World::new(24, |_, _| Path::of(5));
    let nodes: Vec<_> = (1..=250).map(leaf).collect();
    for &node in &nodes {
        let turn = Some(SocketAddr::new(node.ip(), 3478));
        let superiors = vec![server(ROOT)];
        world.start(node, &Site { name: "leaf", superiors, turn, ..Site::default() });
    }
    world.start(server(ROOT), &Site { name: "root", nodes, ..Site::default() });
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.servers[&server(ROOT)].cluster.count(world.now).0, 250);
    world.log.clear();
    let listed = flat_list(&mut world, server(ROOT)).len();
    assert!((200..=250).contains(&listed), "{listed} of 250");
    assert!(world.log.iter().all(|(.., len)| *len <= 1232));
}

#[test]
fn a_leaf_whose_turn_server_dies_is_out_within_eleven_seconds_and_back_within_seven() {
    let mut world = cascade(30, Path::of(0));
    world.run_for(Duration::from_secs(30));
    world.turns.remove(&leaf_turn(11));
    world.run_for(Duration::from_secs(11));
    assert_eq!(world.servers[&region(1)].cluster.count(world.now).0, 2);
    assert!(!flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
    assert_eq!(ask_bare(&mut world, leaf(11)), 0, "it falls silent to old clients");
    let descent = world.descend(client(), levels(), &[leaf(11)]);
    assert_eq!(trace(&descent).candidates[0].state, CandidateState::TurnDown);
    world.turns.insert(leaf_turn(11));
    world.run_for(Duration::from_secs(7));
    assert_eq!(world.servers[&region(1)].cluster.count(world.now).0, 3);
    assert!(flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
}

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
    let node = |rng: &mut Rng| {
        let kind = kinds[rng.random_range(0..3)];
        let turn = rng.random_bool(0.5).then(|| addr(rng));
        Node { addr: addr(rng), kind, turn, name: None, hops: rng.random_range(0..20), rtt: None }
    };
    let states = [State::Offering, State::Offering, State::Nothing, State::Full, State::Draining];
    let reply = ProbeReply {
        hosts: (0..rng.random_range(0..4)).map(|_| addr(&mut rng)).collect(),
        turn: rng.random_bool(0.2).then(|| addr(&mut rng)),
        nonce: if rng.random_bool(0.9) { probe.nonce } else { rng.random_range(0..2) },
        cookie: vec![1; rng.random_range(0..100)],
        retry: rng.random_bool(0.05),
        nodes: (0..rng.random_range(0..40)).map(|_| node(&mut rng)).collect(),
        total: rng.random_range(0..1000),
        name: None,
        state: states[rng.random_range(0..states.len())],
        version: rng.random(),
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
        world.stranger = Some(stranger);
        let start = world.now;
        let descent = world.descend(client(), options, &[server(ROOT)]);
        assert!(world.now - start <= options.timeout, "seed {seed}");
        let sent = world.log.iter().filter(|(_, from, ..)| *from == client());
        let below: Vec<_> = sent.filter(|(_, _, to, _)| *to != server(ROOT)).collect();
        assert!(below.len() <= 256, "seed {seed}: {} datagrams", below.len());
        let bytes: usize = below.iter().map(|(.., len)| len).sum();
        assert!(bytes <= 65_536, "seed {seed}: {bytes} bytes");
        for (_, _, to, _) in below {
            let own_network = match to.ip().to_canonical() {
                std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
                std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
            };
            let nobody = to.ip().is_multicast() || to.ip().is_unspecified();
            assert!(!own_network && !nobody, "seed {seed}: sent to {to}");
        }
        let trace = trace(&descent);
        assert!(trace.candidates.iter().all(|c| c.level <= 9), "seed {seed}");
        if let Ok(selection) = trace.outcome {
            assert!(!selection.turn.ip().is_loopback(), "seed {seed}: {}", selection.turn);
        }
    }
}

/// A root whose list is old: what it calls a leaf has nodes of its own by now.
fn old_list(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let turn = Some(leaf_turn(1));
    let node = Node { addr: region(1), kind: Kind::Leaf, turn, name: None, hops: 0, rtt: None };
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
    world.servers.remove(&server(ROOT));
    world.peers.insert(server(ROOT), old_list);
    world.run_for(Duration::from_secs(1));
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    let turn = selection(&descent).turn;
    assert!(leaves(1).map(leaf_turn).contains(&turn));
    let asked = trace(&descent).candidates.into_iter().find(|c| c.addr == turn).unwrap();
    assert!(asked.rtt.is_some(), "the last round went by what leads: {asked:?}");
}
