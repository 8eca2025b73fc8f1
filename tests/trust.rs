//! Keys on simulated time: forgers, replayers, rotation, restarts, and nodes that join.

mod sim;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use sim::{Host, Jitter, Live, Path, Site, World};
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::Reason;
use turn_balance::net::engine::heartbeat::{Heartbeats, Outgoing};
use turn_balance::net::engine::members::{Members, NodeSpec, Verdict};
use turn_balance::net::engine::trust::{Join, Trust};
use turn_balance::net::wire::auth::{Key, Keys, Purpose, TRAILER, Tag};
use turn_balance::net::wire::{
    MAX_ANSWER, PADDED_REQUEST, Ping, Pong, Probe, ProbeReply, Request, RequestBody, Response,
    ResponseBody, SIGNED_HEARTBEAT,
};

const SECOND: Duration = Duration::from_secs(1);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn superior() -> SocketAddr {
    addr("198.51.100.1:3001")
}

/// Node `n`.
fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3001))
}

fn key(id: u8) -> Key {
    Key::new(id.into(), &[id; 32])
}

/// A server that has these keys, and lets nobody join.
fn keys(ids: &[u8]) -> Trust {
    Trust { keys: Keys::new(ids.iter().map(|&id| key(id))), ..Trust::default() }
}

/// One with key 1 that lets `max_nodes` join from these prefixes.
fn open(max_nodes: usize, prefixes: &[&str]) -> Trust {
    let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
    Trust { join: Some(Join { max_nodes, prefixes }), ..keys(&[1]) }
}

fn required(trust: Trust) -> Trust {
    Trust { require: true, ..trust }
}

fn superior_site(nodes: &[SocketAddr], trust: Trust) -> Site {
    Site { name: "superior", nodes: nodes.into(), trust, ..Site::default() }
}

fn leaf_site(n: u8, trust: Trust) -> Site {
    let turn = Some(SocketAddr::new(node(n).ip(), 3478));
    Site { name: "leaf", superiors: vec![superior()], turn, trust, ..Site::default() }
}

/// One where everything is seen that is no check.
fn world(seed: u64, path: impl Fn(SocketAddr, SocketAddr) -> Path + 'static) -> World<'static> {
    let mut world = World::new(seed, path);
    world.tap = Some(Vec::new());
    world
}

/// A superior, and leaf 11 with key 1.
fn pair(seed: u64, nodes: &[SocketAddr], trust: Trust) -> World<'static> {
    let mut world = world(seed, |_, _| Path::of(5));
    world.start(superior(), &superior_site(nodes, trust));
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world
}

/// How many nodes are online, and how many there are.
fn count(world: &World) -> (usize, usize) {
    world.count(superior())
}

fn server<'a>(world: &'a mut World, addr: SocketAddr) -> &'a mut Live {
    world.hosts.get_mut(&addr).unwrap().server_mut()
}

/// Why the superior dropped what it did since the last call.
fn dropped(world: &mut World) -> Vec<Reason> {
    std::mem::take(&mut server(world, superior()).dropped)
}

/// Everything that went from one to the other and was no check.
fn seen(world: &World, from: SocketAddr, to: SocketAddr) -> Vec<Vec<u8>> {
    let way = world.tap.iter().flatten().filter(|(f, t, _)| (*f, *t) == (from, to));
    way.map(|(.., payload)| payload.clone()).collect()
}

fn checks(world: &World, to: SocketAddr) -> usize {
    world.log.iter().filter(|sent| sent.from.port() == 3002 && sent.to == to).count()
}

fn heartbeat(key: &Key, purpose: Purpose, ping: Ping) -> Vec<u8> {
    let mut payload =
        Request { id: 0, body: RequestBody::Ping(ping) }.encode(SIGNED_HEARTBEAT - TRAILER);
    key.sign(purpose, &mut payload, 0);
    payload
}

fn pong(payload: &[u8]) -> Option<Pong> {
    match Response::decode(payload) {
        Ok(Response { body: ResponseBody::Pong(pong), .. }) => Some(pong),
        _ => None,
    }
}

fn ping(payload: &[u8]) -> Ping {
    match Request::decode(payload) {
        Ok(Request { body: RequestBody::Ping(ping), .. }) => ping,
        other => panic!("no heartbeat: {other:?}"),
    }
}

#[test]
fn a_stale_heartbeat_is_answered_and_the_next_one_accepted_at_once() {
    let mut world = pair(1, &[], open(10, &[]));
    world.run_for(Duration::from_millis(100));
    assert_eq!(count(&world), (1, 1), "without being listed");
    let up = seen(&world, node(11), superior());
    let down = seen(&world, superior(), node(11));
    let [first, second, ..] = &up[..] else { panic!("{} heartbeats", up.len()) };
    assert_eq!(ping(first).challenge, 0);
    let answer = pong(&down[0]).unwrap();
    assert_eq!((answer.seq, answer.last_seq, answer.status), (ping(first).seq, 0, 1));
    assert_eq!(ping(second).challenge, answer.challenge);
    assert!(down[0].len() <= first.len(), "{} bytes to {}", down[0].len(), first.len());
    assert!(matches!(keys(&[1]).keys.judge(Purpose::Pong, &down[0]), Tag::Right(_)));
    // One that was answered is not answered again, from wherever it comes.
    for from in [superior(), addr("198.51.100.2:3001")] {
        world.send(from, node(11), down[0].clone());
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[&node(11)].server().dropped, [Reason::StrayPong; 2]);
    assert_eq!(seen(&world, node(11), superior()).len(), up.len());
    // Nor one that the superior has not signed.
    let forged = Pong { seq: ping(second).seq, challenge: 7, ..answer };
    let unsigned = Response { id: 0, body: ResponseBody::Pong(forged) }.encode();
    let mut wrong = unsigned.clone();
    Key::new(1, &[9; 32]).sign(Purpose::Pong, &mut wrong, 0);
    for payload in [unsigned, wrong] {
        world.send(superior(), node(11), payload);
    }
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.hosts[&node(11)].server().dropped[2..], [Reason::WrongTag; 2]);
    assert_eq!(seen(&world, node(11), superior()).len(), up.len());
    let pongs = |world: &World| {
        seen(world, superior(), node(11)).iter().filter_map(|payload| pong(payload)).count()
    };
    let before = pongs(&world);
    // A challenge lasts a minute or two, and nobody goes offline when it ends.
    for _ in 0..600 {
        world.run_for(SECOND);
        assert_eq!(count(&world), (1, 1));
    }
    let pongs = pongs(&world) - before;
    assert!((4..=5).contains(&pongs), "{pongs} in ten minutes");
    assert_eq!(dropped(&mut world), []);
}

#[test]
fn a_node_that_restarts_goes_on_with_its_numbers() {
    let mut world = pair(2, &[], open(10, &[]));
    world.run_for(30 * SECOND);
    let before = seen(&world, node(11), superior()).len();
    let last = ping(&seen(&world, node(11), superior())[before - 1]).seq;
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world.run_for(SECOND);
    let after = seen(&world, node(11), superior());
    assert_eq!(ping(&after[before]).seq, 1);
    assert_eq!(ping(&after[before + 1]).seq, last + 1);
    assert_eq!(dropped(&mut world), []);
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn forged_heartbeats_change_nothing_and_get_no_answer() {
    let mut world = pair(3, &[node(11)], open(10, &[]));
    world.hosts.remove(&node(11));
    world.run_for(SECOND);
    dropped(&mut world);
    let other = Key::new(1, &[9; 32]);
    let news = |version| Ping { seq: 1 << 60, version, ..Ping::default() };
    let mut unsigned = heartbeat(&key(1), Purpose::Ping, news(1));
    let last = unsigned.len() - 1;
    unsigned[last] ^= 1;
    let forged = [
        heartbeat(&other, Purpose::Ping, news(2)),
        heartbeat(&key(2), Purpose::Ping, news(3)),
        heartbeat(&key(1), Purpose::Probe, news(4)),
        unsigned,
    ];
    for from in [node(11), node(12)] {
        let start = world.log.len();
        for payload in &forged {
            world.send(from, superior(), payload.clone());
        }
        world.run_for(Duration::from_millis(100));
        assert_eq!(dropped(&mut world), [Reason::WrongTag; 4], "{from}");
        assert!(world.log[start..].iter().all(|sent| sent.to != node(12)), "an answer");
        assert!(seen(&world, superior(), from).iter().all(|payload| pong(payload).is_none()));
    }
    assert_eq!(count(&world), (0, 1));
}

#[test]
fn replayed_heartbeats_change_nothing() {
    let mut world = pair(4, &[node(11)], open(10, &[]));
    world.run_for(10 * SECOND);
    let recorded = seen(&world, node(11), superior());
    let last = recorded.last().unwrap().clone();
    assert_ne!(ping(&last).challenge, 0);
    world.hosts.remove(&node(11));
    world.run_for(15 * SECOND);
    assert_eq!(count(&world), (0, 1));
    dropped(&mut world);
    // From its own address: its number does not rise, so it brings no check forward.
    let before = checks(&world, node(11));
    for _ in 0..40 {
        world.send(node(11), superior(), last.clone());
        world.run_for(Duration::from_millis(250));
    }
    assert_eq!(dropped(&mut world), [Reason::Replayed; 40]);
    assert!(checks(&world, node(11)) - before <= 10, "{}", checks(&world, node(11)) - before);
    // From another: its challenge is not for that one, which gets no node and one answer each.
    for payload in &recorded {
        world.send(node(12), superior(), payload.clone());
    }
    world.run_for(SECOND);
    assert_eq!(count(&world), (0, 1));
    assert_eq!(checks(&world, node(12)), 0);
    let answers = seen(&world, superior(), node(12));
    assert_eq!(answers.len(), recorded.len());
    assert!(answers.iter().all(|answer| answer.len() <= SIGNED_HEARTBEAT));
}

#[test]
fn a_node_that_was_forgotten_is_not_brought_back_by_what_was_recorded() {
    let mut world = pair(5, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    world.hosts.remove(&node(11));
    world.run_for(Duration::from_secs(250));
    assert_eq!(count(&world), (0, 1), "it may only be restarting");
    world.run_for(Duration::from_secs(70));
    assert_eq!(count(&world), (0, 0));
    for payload in seen(&world, node(11), superior()) {
        world.send(node(11), superior(), payload);
        world.run_for(SECOND);
    }
    assert_eq!(count(&world), (0, 0));
    let silent = checks(&world, node(11));
    world.run_for(60 * SECOND);
    assert_eq!(checks(&world, node(11)), silent, "nobody is checked any more");
}

#[test]
fn a_superior_that_restarts_believes_nothing_that_was_recorded_before() {
    let mut world = pair(16, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    world.hosts.remove(&node(11));
    world.start(superior(), &superior_site(&[], open(10, &[])));
    for payload in seen(&world, node(11), superior()) {
        world.send(node(11), superior(), payload);
    }
    world.run_for(SECOND);
    assert_eq!(count(&world), (0, 0));
}

#[test]
fn nodes_that_joined_stay_while_the_list_changes() {
    let mut world = pair(17, &[], open(10, &[]));
    world.start(node(12), &leaf_site(12, keys(&[1])));
    world.run_for(SECOND);
    let list = |world: &mut World, addrs: &[SocketAddr]| {
        let spec = |&addr| NodeSpec { addr, public: addr, name: None };
        let now = world.now;
        let cluster = &mut server(world, superior()).cluster;
        cluster.set_nodes(now, addrs.iter().map(spec));
        count(world)
    };
    assert_eq!(list(&mut world, &[node(1)]), (2, 3));
    assert_eq!(list(&mut world, &[node(12)]), (2, 2));
    // One that is listed goes with the list, and joins again.
    assert_eq!(list(&mut world, &[]), (1, 1));
    world.run_for(4 * SECOND);
    assert_eq!(count(&world), (2, 2));
}

#[test]
fn keys_are_changed_without_a_gap() {
    // Each server gets the new key before any signs with it; or the superior leads, or the node.
    let (above, below) = (superior(), node(11));
    let careful: &[(SocketAddr, &[u8])] = &[
        (below, &[1, 2]),
        (above, &[1, 2]),
        (above, &[2, 1]),
        (below, &[2, 1]),
        (below, &[2]),
        (above, &[2]),
    ];
    let superior_leads: &[(SocketAddr, &[u8])] =
        &[(above, &[2, 1]), (below, &[2, 1]), (below, &[2]), (above, &[2])];
    let node_leads: &[(SocketAddr, &[u8])] = &[(above, &[1, 2]), (below, &[2]), (above, &[2])];
    let orders = [careful, superior_leads, node_leads];
    for (order, listed) in orders.into_iter().flat_map(|order| [(order, true), (order, false)]) {
        let nodes = if listed { vec![below] } else { Vec::new() };
        let mut world = pair(6, &nodes, required(open(10, &[])));
        world.run_for(SECOND);
        for &(who, ids) in order {
            let join = (who == above).then(|| Join { max_nodes: 10, prefixes: [].into() });
            let trust = Trust { join, require: who == above, ..keys(ids) };
            let now = world.now;
            server(&mut world, who).cluster.set_trust(now, trust, None);
            for _ in 0..200 {
                world.run_for(Duration::from_millis(100));
                assert_eq!(count(&world), (1, 1), "{who} {ids:?}");
            }
        }
        assert_eq!(dropped(&mut world), []);
        assert_eq!(world.hosts[&below].server().dropped, []);
    }
}

#[test]
fn a_restarted_superior_has_its_listed_nodes_in_a_second_and_those_that_joined_in_four() {
    let (listed, joined) = (leaf_site(11, keys(&[1])), leaf_site(12, keys(&[1])));
    let site = superior_site(&[node(11)], required(open(10, &[])));
    for seed in 0..20 {
        let mut world = world(seed, |_, _| Path::of(5));
        world.start(superior(), &site);
        world.start(node(11), &listed);
        world.start(node(12), &joined);
        world.run_for(Duration::from_secs(60 + seed));
        assert_eq!(count(&world), (2, 2));
        world.start(superior(), &site);
        world.run_for(SECOND);
        assert!(count(&world).0 >= 1, "seed {seed}");
        world.run_for(3 * SECOND);
        assert_eq!(count(&world), (2, 2), "seed {seed}");
        let reasons = dropped(&mut world);
        assert_eq!(reasons, [], "seed {seed}");
    }
}

#[test]
fn where_tags_are_required_nothing_comes_of_what_has_none() {
    for (superiors, leafs, expected) in [
        (required(keys(&[1])), Trust::default(), 0),
        (required(keys(&[1])), keys(&[2]), 0),
        (required(keys(&[1])), keys(&[1]), 1),
        (keys(&[1]), Trust::default(), 1),
        (keys(&[1]), keys(&[2]), 1),
        (Trust::default(), keys(&[1]), 1),
    ] {
        let mut world = world(7, |_, _| Path::of(5));
        let require = superiors.require;
        world.start(superior(), &superior_site(&[node(11)], superiors));
        world.start(node(11), &leaf_site(11, leafs.clone()));
        // It has something to offer only when it has asked its TURN server.
        world.run_for(20 * SECOND);
        assert_eq!(count(&world), (expected, 1), "{require} {leafs:?}");
        // Whoever can be checked at all would be online by the checks alone: so send a bare one.
        let version = Ping { version: 7, ..Ping::default() };
        let bare = Request { id: 0, body: RequestBody::Ping(version) }.encode(0);
        dropped(&mut world);
        world.send(node(11), superior(), bare);
        world.run_for(Duration::from_millis(50));
        let unsigned = dropped(&mut world).contains(&Reason::Unsigned);
        assert_eq!(unsigned, require, "{leafs:?}");
    }
}

#[test]
fn no_more_nodes_join_than_may_and_those_that_are_listed_keep_their_place() {
    let mut world = world(8, |_, _| Path::of(5));
    let listed = [node(1), node(2)];
    world.start(superior(), &superior_site(&listed, open(4, &[])));
    for n in 11..=20 {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(30 * SECOND);
    assert_eq!(count(&world), (2, 4));
    assert!(dropped(&mut world).contains(&Reason::TooManyNodes));
    for n in [1, 2] {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(2 * SECOND);
    assert_eq!(count(&world), (4, 4));
    // Two leave, and once they are forgotten two others have their place.
    let joined: Vec<_> = (11..=20).filter(|&n| checks(&world, node(n)) > 0).collect();
    assert_eq!(joined.len(), 2);
    for n in joined {
        world.hosts.remove(&node(n));
    }
    world.run_for(Duration::from_secs(320));
    assert_eq!(count(&world), (4, 4));
}

#[test]
fn nodes_join_from_where_they_may() {
    let mut world = world(9, |_, _| Path::of(5));
    let trust = open(10, &["203.0.113.0/28", "2001:db8::/32"]);
    world.start(superior(), &superior_site(&[], trust));
    for n in [11, 12, 200] {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (2, 2));
    assert_eq!(checks(&world, node(200)), 0);
    assert_eq!(seen(&world, superior(), node(200)).len(), 0, "nor an answer");
    assert!(dropped(&mut world).iter().all(|reason| *reason == Reason::Unwanted));
}

#[test]
fn without_join_a_key_opens_nothing() {
    let mut world = pair(10, &[], keys(&[1]));
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (0, 0));
    let reasons = dropped(&mut world);
    assert!(!reasons.is_empty() && reasons.iter().all(|r| *r == Reason::StrangeHeartbeat));
}

/// A leaf behind a NAT: its heartbeats come from `mask`, and `door` leads to it.
fn behind_nat(seed: u64, advertise: SocketAddr) -> World<'static> {
    let (inside, mask, door) = (addr("10.0.0.5:3001"), addr("192.0.2.50:61000"), node(80));
    let mut world = world(seed, move |from, to| {
        // Only what answers comes through the mask: no check.
        let blocked = to == mask && from.port() != 3001;
        Path { loss: f64::from(u8::from(blocked)), ..Path::of(5) }
    });
    world.masks.insert(inside, mask);
    world.doors.extend([(mask, inside), (door, inside)]);
    world.start(superior(), &superior_site(&[], open(10, &[])));
    let site = Site { advertise: Some(advertise), ..leaf_site(80, keys(&[1])) };
    world.start(inside, &site);
    world
}

/// Where the superior says that nodes are.
fn listed(world: &mut World) -> Vec<SocketAddr> {
    let asker = addr("192.0.2.99:40000");
    let probe = Probe { nonce: 5, ..Probe::default() };
    let request = Request { id: 1, body: RequestBody::Probe(probe) }.encode(PADDED_REQUEST);
    world.send(asker, superior(), request);
    world.run_for(Duration::from_millis(100));
    match Response::decode(seen(world, superior(), asker).last().unwrap()) {
        Ok(Response { body: ResponseBody::Probe(reply), .. }) => {
            reply.nodes.iter().map(|node| node.addr).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_behind_a_nat_is_offered_where_it_says_if_it_is_found_there() {
    let mut world = behind_nat(11, node(80));
    world.run_for(SECOND);
    assert_eq!(listed(&mut world), [node(80)]);
    world.run_for(Duration::from_secs(200));
    assert_eq!(listed(&mut world), [node(80)]);
    assert_eq!(count(&world), (1, 1), "it is not looked for elsewhere");
    // Where it says something else, nothing is there; and behind the mask no check gets through.
    let mut world = behind_nat(12, node(81));
    world.run_for(Duration::from_secs(60));
    assert_eq!(listed(&mut world), []);
}

#[test]
fn a_node_is_offered_at_its_source_until_it_is_found_where_it_says() {
    let mut world = world(13, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(10, &[])));
    let site = Site { advertise: Some(node(80)), ..leaf_site(11, keys(&[1])) };
    world.start(node(11), &site);
    world.run_for(Duration::from_secs(9));
    assert_eq!(listed(&mut world), [node(11)]);
    world.doors.insert(node(80), node(11));
    world.run_for(Duration::from_secs(15));
    assert_eq!(listed(&mut world), [node(80)]);
    assert_eq!(count(&world), (1, 1));
}

/// Answers checks without a tag, as whoever has no key but is on the path could.
fn without_key(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let turn = Some(addr("192.0.2.66:3478"));
    let reply = ProbeReply { nonce: probe.nonce, turn, version: 1, ..ProbeReply::default() };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn a_node_that_has_joined_is_online_only_with_signed_answers() {
    let mut world = world(14, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(10, &[])));
    world.hosts.insert(node(12), Host::Peer(without_key));
    world.send(node(12), superior(), heartbeat(&key(1), Purpose::Ping, Ping::default()));
    world.run_for(Duration::from_millis(50));
    let challenge = pong(&seen(&world, superior(), node(12))[0]).unwrap().challenge;
    let ping = Ping { seq: 1, challenge, ..Ping::default() };
    world.send(node(12), superior(), heartbeat(&key(1), Purpose::Ping, ping));
    world.run_for(5 * SECOND);
    assert_eq!(count(&world), (0, 1));
    assert!(checks(&world, node(12)) > 1);
}

#[test]
fn a_server_signs_for_those_only_who_have_signed() {
    let mut world = world(15, |_, _| Path::of(5));
    world.start(node(11), &leaf_site(11, keys(&[1, 3])));
    world.run_for(SECOND);
    let asker = addr("192.0.2.99:40000");
    let mut answered = |signer: Option<(Key, Purpose)>| {
        let probe = Probe { nonce: 77, ..Probe::default() };
        let mut request = Request { id: 1, body: RequestBody::Probe(probe) }.encode(300);
        if let Some((key, purpose)) = signer {
            key.sign(purpose, &mut request, 0);
        }
        world.send(asker, node(11), request);
        world.run_for(Duration::from_millis(50));
        let answer = seen(&world, node(11), asker).pop().unwrap();
        let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(&answer)
        else {
            panic!("no answer");
        };
        assert_eq!(reply.nonce, 77);
        match keys(&[1, 2, 3]).keys.judge(Purpose::Reply, &answer) {
            Tag::Right(key) => Some(key.id()),
            Tag::Absent => None,
            Tag::Wrong => panic!("a wrong tag"),
        }
    };
    assert_eq!(answered(Some((key(1), Purpose::Probe))), Some(1));
    assert_eq!(answered(Some((key(3), Purpose::Probe))), Some(3), "with the asker's key");
    assert_eq!(answered(None), None);
    assert_eq!(answered(Some((key(1), Purpose::Ping))), None);
    assert_eq!(answered(Some((Key::new(1, &[9; 32]), Purpose::Probe))), None);
    assert_eq!(answered(Some((key(2), Purpose::Probe))), None);
}

#[test]
fn no_answer_is_longer_than_its_heartbeat() {
    let mut world = pair(20, &[], open(10, &[]));
    let mut short = vec![0x1a, 0x00];
    key(1).sign(Purpose::Ping, &mut short, 0);
    world.send(node(12), superior(), short);
    world.run_for(Duration::from_millis(20));
    assert_eq!(dropped(&mut world), [Reason::ShortHeartbeat]);
    assert_eq!(seen(&world, superior(), node(12)).len(), 0);
}

#[test]
fn one_node_that_comes_from_everywhere_is_remembered_at_few_places() {
    let mut world = world(21, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(3, &[])));
    for n in 1..=6 {
        let knock = |seq, challenge| {
            let advertise = Some(node(80));
            let ping = Ping { seq, challenge, advertise, ..Ping::default() };
            heartbeat(&key(1), Purpose::Ping, ping)
        };
        world.send(node(n), superior(), knock(1, 0));
        world.run_for(Duration::from_millis(20));
        let challenge = pong(&seen(&world, superior(), node(n))[0]).unwrap().challenge;
        world.send(node(n), superior(), knock(2, challenge));
        world.run_for(Duration::from_millis(20));
    }
    assert_eq!(dropped(&mut world), [Reason::TooManyNodes; 3]);
    assert_eq!(count(&world), (0, 1));
}

#[test]
fn a_signed_answer_has_room_for_its_tag() {
    let asker = addr("192.0.2.99:40000");
    let probe = Probe { nonce: 1, names: true, ..Probe::default() };
    let body = RequestBody::Probe(probe);
    let mut request = Request { id: u32::MAX, body }.encode(PADDED_REQUEST - TRAILER);
    key(1).sign(Purpose::Probe, &mut request, 0);
    // Somewhere among these the names no longer fit, then the nodes.
    let lengths = (44..=84).map(|n| {
        let mut world = world(n.into(), |_, _| Path::of(5));
        let nodes: Vec<_> = (1..=n).map(node).collect();
        world.start(superior(), &superior_site(&nodes, keys(&[1])));
        for n in 1..=n {
            world.start(node(n), &leaf_site(n, keys(&[1])));
        }
        world.run_for(2 * SECOND);
        assert_eq!(count(&world), (n.into(), n.into()));
        world.send(asker, superior(), request.clone());
        world.run_for(Duration::from_millis(50));
        let answer = seen(&world, superior(), asker).remove(0);
        assert!(matches!(keys(&[1]).keys.judge(Purpose::Reply, &answer), Tag::Right(_)));
        answer.len()
    });
    let longest = lengths.max().unwrap_or_default();
    assert!((1200..=MAX_ANSWER).contains(&longest), "{longest} bytes");
}

#[test]
fn no_bit_of_a_heartbeat_can_be_changed() {
    let mut world = world(19, |_, _| Path::of(5));
    let site = superior_site(&[node(11)], required(open(10, &[])));
    world.start(superior(), &Site { patient: true, ..site });
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world.run_for(10 * SECOND);
    let answer = pong(&seen(&world, superior(), node(11))[0]).unwrap();
    world.hosts.remove(&node(11));
    world.run_for(15 * SECOND);
    dropped(&mut world);
    let version = 1 << 40;
    let new = Ping { seq: 100, challenge: answer.challenge, version, ..Ping::default() };
    let new = heartbeat(&key(1), Purpose::Ping, new);
    let (pongs, before) = (seen(&world, superior(), node(11)).len(), checks(&world, node(11)));
    for bit in 0..8 * new.len() {
        let mut changed = new.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        world.send(node(11), superior(), changed);
    }
    world.run_for(Duration::from_millis(20));
    assert_eq!(dropped(&mut world).len(), 8 * new.len());
    assert_eq!(seen(&world, superior(), node(11)).len(), pongs);
    assert_eq!(checks(&world, node(11)), before);
    // As it was, it is taken.
    world.send(node(11), superior(), new);
    world.run_for(Duration::from_millis(20));
    assert_eq!(checks(&world, node(11)), before + 1);
    assert_eq!(dropped(&mut world), []);
}

#[test]
fn a_flood_of_tags_is_not_even_judged() {
    let mut world = pair(22, &[node(11)], required(open(10, &[])));
    world.run_for(10 * SECOND);
    dropped(&mut world);
    let stray = Pong { seq: 1, challenge: 1, ..Pong::default() };
    let mut stray = Response { id: 0, body: ResponseBody::Pong(stray) }.encode();
    Key::new(1, &[9; 32]).sign(Purpose::Pong, &mut stray, 0);
    let forged = heartbeat(&Key::new(1, &[9; 32]), Purpose::Ping, Ping::default());
    for payload in [forged, stray] {
        for _ in 0..100 {
            world.send(addr("192.0.2.66:3001"), superior(), payload.clone());
        }
        world.run_for(3 * SECOND);
        let reasons = dropped(&mut world);
        let judged = reasons.iter().filter(|reason| **reason == Reason::WrongTag).count();
        assert!((1..=41).contains(&judged), "{judged}");
        assert!(reasons.iter().all(|r| matches!(r, Reason::WrongTag | Reason::Limited)));
        assert_eq!(reasons.len(), 100);
    }
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn a_node_from_far_does_not_join_in_a_near_network() {
    for near in ["10.0.0.5:3001", "127.0.0.1:3001", "[fe80::1]:3001", "[64:ff9b::a00:5]:3001"] {
        let near = addr(near);
        for (source, found) in [(node(11), node(11)), (addr("127.0.0.2:3001"), near)] {
            let mut world = world(23, |_, _| Path::of(5));
            world.doors.insert(near, source);
            world.start(superior(), &superior_site(&[], open(10, &[])));
            let site = Site { advertise: Some(near), ..leaf_site(11, keys(&[1])) };
            world.start(source, &site);
            world.run_for(20 * SECOND);
            assert_eq!(listed(&mut world), [found]);
            assert_eq!(checks(&world, near) > 0, found == near);
        }
    }
}

#[test]
fn a_signed_answer_keeps_the_amplification_limit() {
    let mut world = world(24, |_, _| Path::of(5));
    let nodes: Vec<_> = (1..=60).map(node).collect();
    let site = superior_site(&nodes, keys(&[1]));
    world.start(superior(), &Site { patient: true, ..site });
    for n in 1..=60 {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(2 * SECOND);
    let asker = addr("192.0.2.99:40000");
    let mut longest = 0;
    for size in 0..=PADDED_REQUEST - TRAILER {
        let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
        let mut request = Request { id: 1, body }.encode(size);
        key(1).sign(Purpose::Probe, &mut request, 0);
        let len = request.len();
        let before = seen(&world, superior(), asker).len();
        world.send(asker, superior(), request);
        world.run_for(Duration::from_millis(20));
        let answers = seen(&world, superior(), asker);
        for answer in &answers[before..] {
            assert!(matches!(keys(&[1]).keys.judge(Purpose::Reply, answer), Tag::Right(_)));
            assert!(answer.len() + 28 <= 3 * (len + 28), "{} to {len}", answer.len());
            longest = longest.max(answer.len());
        }
    }
    assert!(longest > 600, "{longest}");
}

#[test]
fn a_check_that_is_sent_away_without_a_tag_comes_back_with_the_cookie() {
    let mut now = Instant::now();
    let mut members = Members::new(Rng::seed_from_u64(25));
    members.set_trust(now, required(keys(&[1])));
    members.set_nodes(now, [NodeSpec { addr: node(11), public: node(11), name: None }]);
    let check = |now: Instant, members: &mut Members| {
        let payload = members.poll_transmit(now).unwrap().payload;
        assert_eq!(payload.len(), PADDED_REQUEST);
        assert!(matches!(keys(&[1]).keys.judge(Purpose::Probe, &payload), Tag::Right(_)));
        match Request::decode(&payload) {
            Ok(Request { id, body: RequestBody::Probe(Probe { nonce, cookie, .. }) }) => {
                (id, nonce, cookie.to_vec())
            }
            other => panic!("{other:?}"),
        }
    };
    let (id, nonce, cookie) = check(now, &mut members);
    assert_eq!(cookie, []);
    now += Duration::from_millis(10);
    let mut hear = |nonce, retry| {
        let reply = ProbeReply { nonce, retry, cookie: vec![7; 21], ..ProbeReply::default() };
        let turn = (!retry).then(|| addr("192.0.2.66:3478"));
        let body = ResponseBody::Probe(ProbeReply { turn, version: 1, ..reply });
        members.handle_datagram(now, node(11), &Response { id, body }.encode())
    };
    assert_eq!(hear(nonce, false), Verdict::Unsigned);
    assert_eq!(hear(nonce ^ 1, true), Verdict::Mismatched);
    assert_eq!(hear(nonce, true), Verdict::Right);
    assert_eq!(members.online(now).count(), 0);
    assert_eq!(check(now + Duration::from_millis(250), &mut members).2, [7; 21]);
}

#[test]
fn loss_duplication_and_reordering_keep_no_node_out() {
    for seed in 0..20 {
        let mut world = world(seed, |from, to| {
            let jitter = Jitter::Even(300.0);
            let beside = from.ip() == to.ip();
            let faults = Path { jitter, loss: 0.1, twice: 0.2, ..Path::of(20) };
            if beside { Path::of(0) } else { faults }
        });
        world.start(superior(), &superior_site(&[node(11)], required(open(10, &[]))));
        for n in [11, 12] {
            world.start(node(n), &leaf_site(n, keys(&[1])));
        }
        world.run_for(10 * SECOND);
        for second in 0..300 {
            world.run_for(SECOND);
            assert_eq!(count(&world), (2, 2), "seed {seed}, second {second}");
        }
        let reasons = dropped(&mut world);
        assert!(reasons.iter().all(|reason| *reason == Reason::Replayed), "seed {seed}");
    }
}

/// A server's heartbeats to one superior, which a test answers by hand.
struct Knocker(Heartbeats, Instant);

impl Knocker {
    fn new() -> Self {
        let now = Instant::now();
        let mut heartbeats = Heartbeats::new(None, Rng::seed_from_u64(18));
        heartbeats.set_identity(Some(key(1)), None);
        heartbeats.set_superiors(now, [superior()]);
        heartbeats.set_offer(now, true, 1);
        Self(heartbeats, now)
    }

    /// The next heartbeat: when it leaves, by which socket, and what it says.
    fn next(&mut self) -> (Instant, Option<SocketAddr>, Ping) {
        self.1 = self.1.max(self.0.poll_timeout().unwrap());
        let Outgoing { transmit, via } = self.0.poll_transmit(self.1).unwrap();
        (self.1, via, ping(&transmit.payload))
    }

    fn refuse(&mut self, via: SocketAddr, seq: u64, challenge: u64) -> bool {
        self.0.handle_pong(self.1, via, Pong { seq, challenge, ..Pong::default() })
    }
}

#[test]
fn heartbeats_leave_from_the_socket_that_the_superior_knows_until_it_knows_it_no_more() {
    let mut knocker = Knocker::new();
    let (_, via, first) = knocker.next();
    assert_eq!((via, first.challenge), (None, 0), "from every socket");
    assert!(knocker.refuse(node(11), first.seq, 5));
    assert!(!knocker.refuse(node(12), first.seq, 6), "each heartbeat has one answer");
    let start = knocker.1;
    loop {
        let (at, via, ping) = knocker.next();
        if at >= start + Duration::from_secs(180) {
            assert_eq!((via, ping.challenge), (None, 0), "nobody asks for a new one");
            break;
        }
        assert_eq!((via, ping.challenge), (Some(node(11)), 5));
    }
}

#[test]
fn a_superior_that_refuses_everything_hears_one_heartbeat_a_second() {
    let mut knocker = Knocker::new();
    let start = knocker.1;
    for beat in 0..100 {
        let (at, _, ping) = knocker.next();
        assert!(at >= start + SECOND * u32::max(beat, 1).saturating_sub(1));
        assert!(knocker.refuse(node(11), ping.seq, beat.into()));
    }
}
