//! Nodes that join without being listed.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::wire::auth::Purpose;
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::world::*;
use turn_balance_sim::{Host, Path, Site, World};

#[test]
fn nodes_that_joined_stay_while_the_list_changes() {
    let mut world = pair(17, &[], open(10, &[]));
    world.start(node(12), &leaf_site(12, keys(&[1])));
    world.run_for(SECOND);
    let list = |world: &mut World, addrs: &[SocketAddr]| {
        let spec = |&addr| NodeSpec { addr, public: addr, name: None };
        let now = world.now;
        let engine = &mut server(world, superior()).engine;
        engine.set_nodes(now, addrs.iter().map(spec));
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
fn a_list_that_grows_takes_the_places_of_those_that_joined() {
    let mut world = pair(17, &[], open(3, &[]));
    for n in [12, 13] {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (3, 3));
    world.hosts.remove(&node(12)); // it is heard from no more
    world.run_for(5 * SECOND);
    let now = world.now;
    let spec = |addr| NodeSpec { addr, public: addr, name: None };
    server(&mut world, superior()).engine.set_nodes(now, [spec(node(1))]);
    assert_eq!(count(&world), (2, 3));
    let still = checks(&world, node(12));
    world.run_for(20 * SECOND);
    assert_eq!((checks(&world, node(12)), count(&world)), (still, (2, 3)));
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
    assert!(dropped(&mut world).contains(&DropReason::TooManyNodes));
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
    let sent: Vec<_> = seen(&world, node(200), superior());
    let told = seen(&world, superior(), node(200));
    assert!(!told.is_empty() && told.len() <= sent.len());
    for payload in told {
        let notice = notice(&payload).expect("nothing but why");
        assert_eq!((notice.addr, notice.why), (Some(node(200)), 2));
        let asked = |heartbeat: &&Vec<u8>| ping(heartbeat).seq == notice.seq;
        assert!(sent.iter().find(asked).is_some_and(|asked| payload.len() <= asked.len()));
    }
    assert!(dropped(&mut world).iter().all(|reason| *reason == DropReason::Unwanted));
}

#[test]
fn without_join_a_key_opens_nothing() {
    let mut world = pair(10, &[], keys(&[1]));
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (0, 0));
    let reasons = dropped(&mut world);
    assert!(!reasons.is_empty() && reasons.iter().all(|r| *r == DropReason::StrangeHeartbeat));
}

#[test]
fn who_has_no_key_is_told_nothing() {
    let at = node(50);
    for trust in [keys(&[1]), open(1, &["192.0.2.0/24"]), required(open(1, &[]))] {
        let mut world = pair(10, &[], trust);
        for (n, key) in [key(1), key(2)].iter().enumerate() {
            let ping = Ping { seq: 1 + n as u64, version: 7, ..Ping::default() };
            let mut spoilt = heartbeat(key, Purpose::Ping, ping.clone());
            *spoilt.last_mut().unwrap() ^= 1;
            let bare = Request { id: 0, body: RequestBody::Ping(ping.clone()) }.encode(64);
            for payload in [spoilt, bare, heartbeat(key, Purpose::Pong, ping)] {
                world.send(at, superior(), payload);
                world.run_for(SECOND);
            }
        }
        assert_eq!(seen(&world, superior(), at), [] as [Vec<u8>; 0]);
    }
}

#[test]
fn a_node_with_another_address_is_told_of_by_neither() {
    let (other, unlisted) = (node(61), node(62));
    for trust in [keys(&[1]), open(10, &["203.0.113.0/28"])] {
        let mut world = pair(12, &[node(11)], trust);
        world.run_for(10 * SECOND);
        let version = ping(seen(&world, node(11), superior()).last().unwrap()).version;
        let troubles = |world: &World| world.hosts[&superior()].server().engine.troubles().count();
        // It is a node by the address that it is checked at, and has said the same there.
        for seq in 1..10 {
            let ping = Ping { seq, version, ..Ping::default() };
            world.send(other, superior(), heartbeat(&key(1), Purpose::Ping, ping));
            world.run_for(3 * SECOND);
            assert_eq!(troubles(&world), 0);
        }
        assert_eq!(seen(&world, superior(), other).len(), 0);
        // Until that is known, what is seen for a moment is passed over.
        for (seq, version, told) in [(1, 7, 0), (2, 7, 0), (3, 7, 0), (4, 7, 1)] {
            let ping = Ping { seq, version, ..Ping::default() };
            world.send(unlisted, superior(), heartbeat(&key(1), Purpose::Ping, ping));
            world.run_for(2 * SECOND);
            assert_eq!(troubles(&world), told, "{seq}");
        }
    }
}

/// A leaf behind a NAT: its heartbeats come from `source`, and `advertised` leads to it.
fn behind_nat(seed: u64, advertise: SocketAddr) -> World<'static> {
    let (inside, source, advertised) = (addr("10.0.0.5:3001"), addr("192.0.2.50:61000"), node(80));
    let mut world = world(seed, move |from, to| {
        // Only what answers comes through the source: no check.
        let blocked = to == source && from.port() != 3001;
        Path { loss: f64::from(u8::from(blocked)), ..Path::of(5) }
    });
    world.nat_sources.insert(inside, source);
    world.nat_forwards.extend([(source, inside), (advertised, inside)]);
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
    // Where it says something else, nothing is there; and behind the source no check gets through.
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
    world.nat_forwards.insert(node(80), node(11));
    world.run_for(Duration::from_secs(15));
    assert_eq!(listed(&mut world), [node(80)]);
    assert_eq!(count(&world), (1, 1));
}

/// Answers checks without a tag, as whoever has no key but is on the path could.
pub(crate) fn without_key(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
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
fn a_node_from_far_does_not_join_in_a_near_network() {
    for near in ["10.0.0.5:3001", "127.0.0.1:3001", "[fe80::1]:3001", "[64:ff9b::a00:5]:3001"] {
        let near = addr(near);
        for (source, found) in [(node(11), node(11)), (addr("127.0.0.2:3001"), near)] {
            let mut world = world(23, |_, _| Path::of(5));
            world.nat_forwards.insert(near, source);
            world.start(superior(), &superior_site(&[], open(10, &[])));
            let site = Site { advertise: Some(near), ..leaf_site(11, keys(&[1])) };
            world.start(source, &site);
            world.run_for(20 * SECOND);
            assert_eq!(listed(&mut world), [found]);
            assert_eq!(checks(&world, near) > 0, found == near);
        }
    }
}
