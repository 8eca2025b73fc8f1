//! Lists that lead into networks that are not their own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{CandidateState, Limits, Options};
use turn_balance::internals::engine::server::members::{CheckOutcome, Members, NodeSpec};
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, Peer, World, node};

/// A root that lists hosts of networks that are not its own, and what is no host.
fn trespasser(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let listed = |ip: &&str| node(server(ip), Some(turn("127.0.0.1")));
    let nodes = TRESPASSES.iter().map(listed).collect();
    let reply = ProbeReply { nodes, nonce: probe.nonce, ..ProbeReply::default() };
    vec![(server(ROOT), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

const TRESPASSES: [&str; 7] =
    ["10.0.0.1", "127.0.0.1", "169.254.0.1", "::1", "64:ff9b::a00:1", "224.0.0.1", "0.0.0.0"];

#[test]
fn a_descent_goes_where_its_root_reaches_and_where_its_caller_allows() {
    let asked = |limits| {
        let mut world = World::new(17, |_, _| Path::of(10));
        world.hosts.insert(server(ROOT), Host::Peer(trespasser));
        let timeout = Duration::from_secs(1);
        let options = Options { limits, timeout, ..Options::default() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let refused = trace(&descent).candidates.into_iter();
        let refused = refused.filter(|c| c.state == CandidateState::Refused).count();
        let mut asked: Vec<_> = world.log.iter().map(|sent| sent.to.ip()).collect();
        asked.retain(|ip| TRESPASSES.contains(&ip.to_string().as_str()));
        asked.sort_unstable();
        asked.dedup();
        let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
        assert_eq!(refused, TRESPASSES.len() - asked.len());
        asked
    };
    let none = Limits::default;
    assert!(asked(none()).is_empty());
    let private = asked(none().allow_private(true));
    assert_eq!(private, ["10.0.0.1", "64:ff9b::a00:1"]);
    let allow = |prefix: &str| asked(none().allow([prefix.parse().unwrap()]));
    assert_eq!(allow("127.0.0.0/8"), ["127.0.0.1"]);
    assert_eq!(allow("0.0.0.0/0"), ["10.0.0.1", "127.0.0.1", "169.254.0.1", "64:ff9b::a00:1"]);
    assert_eq!(allow("::/0"), ["::1"]);
}

/// A root that lists a leaf of each family, both in both.
fn both_families(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let named = [("203.0.113.7", "2001:db8::8"), ("2001:db8::8", "203.0.113.7")];
    let nodes = named.map(|(ip, turn_ip)| node(server(ip), Some(turn(turn_ip))));
    let same = ["203.0.113.9", "2001:db8::9"].map(|ip| node(server(ip), Some(turn(ip))));
    let nodes = nodes.into_iter().chain(same).collect();
    let reply = ProbeReply { nodes, nonce: probe.nonce, ..ProbeReply::default() };
    vec![(server(ROOT), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn a_descent_stays_within_the_addresses_that_it_is_told() {
    let asked = |within: Option<&str>| {
        let mut world = World::new(23, |_, _| Path::of(10));
        world.hosts.insert(server(ROOT), Host::Peer(both_families));
        let within = within.map(|prefix| prefix.parse().unwrap());
        let options = Options { within, timeout: Duration::from_secs(1), ..Options::default() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let turns = trace(&descent).candidates.into_iter().filter_map(|candidate| candidate.turn);
        let mut asked: Vec<_> =
            world.log.iter().map(|sent| sent.to.ip()).chain(turns.map(|t| t.ip())).collect();
        asked.retain(|ip| *ip != client().ip() && *ip != server(ROOT).ip());
        asked.sort_unstable();
        asked.dedup();
        asked.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (v4, v6) = (["203.0.113.7", "203.0.113.9"], ["2001:db8::8", "2001:db8::9"]);
    assert_eq!(asked(None), [v4, v6].concat());
    assert_eq!(asked(Some("0.0.0.0/0")), v4);
    assert_eq!(asked(Some("::/0")), v6);
}

/// A leaf that names a TURN server on the host of whoever asks.
fn usurper(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let (turn, nonce) = (Some(turn("127.0.0.1")), probe.nonce);
    let reply = ProbeReply { turn, nonce, ..ProbeReply::default() };
    vec![(server(ROOT), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn a_superior_takes_over_only_what_a_node_may_name() {
    let taken_over = |node: &str, answers: Peer| {
        let (addr, now) = (server(node), Instant::now());
        let mut members = Members::new(Rng::seed_from_u64(18));
        members.set_nodes(now, [NodeSpec { addr, public: addr, name: None }]);
        let check = members.poll_transmit(now).unwrap();
        for (_, answer) in answers(addr, &check.payload) {
            assert_eq!(members.handle_datagram(now, addr, &answer), CheckOutcome::Right);
        }
        let online = members.online(now).next().unwrap();
        let list = online.list.iter().map(|node| node.addr.ip().to_string());
        let turns = online.list.iter().filter_map(|node| node.turn).chain(online.turn).count();
        (list.collect::<Vec<_>>(), turns)
    };
    assert_eq!(taken_over("203.0.113.1", trespasser), (vec![], 0));
    let private = ["10.0.0.1", "64:ff9b::a00:1"].map(str::to_owned).into();
    assert_eq!(taken_over("10.0.0.9", trespasser), (private, 0));
    let hosts: Vec<_> = TRESPASSES[..5].iter().map(ToString::to_string).collect();
    assert_eq!(taken_over("127.0.0.9", trespasser), (hosts, 5));
    assert_eq!(taken_over("203.0.113.1", usurper), (vec![], 0));
    assert_eq!(taken_over("127.0.0.9", usurper), (vec![], 1));
}

#[test]
fn a_flat_list_leads_nobody_into_a_near_network() {
    let mut world = cascade(19, Path::of(0));
    let trespasser = |to, request: &[u8]| {
        trespasser(to, request).into_iter().map(|(_, answer)| (to, answer)).collect()
    };
    world.hosts.insert(region(1), Host::Peer(trespasser));
    world.run_for(Duration::from_secs(1));
    let mut listed = flat_list(&mut world, server(ROOT));
    listed.sort_unstable();
    // Region 1 stays: what it lists is for its own clients to judge.
    let expected: Vec<_> = [1].into_iter().chain(leaves(2)).map(leaf).collect();
    assert_eq!(listed, expected);
}
