//! Lists that lead into the networks of who reads them, and to services that answer anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::OnLink;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{CandidateState, Limits, Options};
use turn_balance::internals::engine::server::members::{CheckOutcome, Members, NodeSpec};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World, node};

/// Ports whose services answer anything.
const LOOPS: [u16; 11] = [7, 17, 19, 53, 123, 137, 161, 389, 1900, 5353, 11211];

/// The client's neighbours, in every form.
const NEIGHBOURS: [&str; 4] =
    ["192.0.2.7", "2001:db8:99::7", "64:ff9b::c000:207", "2002:c000:207::1"];

/// What the client's interfaces have.
fn home() -> OnLink {
    let addrs = [(CLIENT, 24), ("2001:db8:99::1", 128), ("10.0.0.9", 24), ("127.0.0.1", 8)];
    OnLink::new((0..).zip(addrs).map(|(link, (ip, len))| (link, ip.parse().unwrap(), len)))
}

fn answer(to: SocketAddr, request: &[u8], reply: ProbeReply) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let reply = ProbeReply { nonce: probe.nonce, ..reply };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// A root that lists its client's neighbours: as leaves, as balance servers and as TURN servers.
fn rogue(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut nodes = Vec::new();
    for (n, ip) in NEIGHBOURS.into_iter().enumerate() {
        let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
        let ports = [3001, 53, 3478].into_iter().enumerate();
        nodes.extend(ports.map(|(m, port)| {
            let (addr, kind) = (at(ip, port), kinds[(n + m) % 3]);
            Node { kind, ..node(addr, (kind == Kind::Leaf).then_some(addr)) }
        }));
    }
    // Somewhere else, beside a neighbour that it calls its TURN server.
    nodes.push(node(server("203.0.113.8"), Some(turn("192.0.2.7"))));
    answer(to, request, ProbeReply { nodes, ..ProbeReply::default() })
}

/// A leaf that names a neighbour of its client.
fn usurper(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let turn = Some(turn("192.0.2.7"));
    answer(to, request, ProbeReply { turn, ..ProbeReply::default() })
}

/// Which neighbours a descent sends to, which are refused, and what would open these.
fn asked(root: &str, limits: Limits) -> (Vec<SocketAddr>, Vec<(String, Option<String>)>) {
    let mut world = World::new(17, |_, _| Path::of(10));
    world.hosts.insert(server(root), Host::Peer(rogue));
    world.hosts.insert(server("203.0.113.8"), Host::Peer(usurper));
    let timeout = Duration::from_secs(1);
    let options = Options { limits, timeout, on_link: home(), ..Options::default() };
    let descent = world.descend(client(), options, &[server(root)]);
    let mut asked: Vec<_> = world.log.iter().map(|sent| sent.to).collect();
    let near = |addr: &SocketAddr| NEIGHBOURS.contains(&addr.ip().to_string().as_str());
    asked.retain(|addr| near(addr) && *addr != server(root));
    asked.sort_unstable();
    asked.dedup();
    let refused = trace(&descent).candidates.into_iter();
    let refused = refused.filter(|c| c.state == CandidateState::Refused);
    let opens = |prefix: turn_balance::Prefix| prefix.to_string();
    (asked, refused.map(|c| (c.addr.to_string(), c.allow.map(opens))).collect())
}

#[test]
fn a_root_does_not_lead_its_client_into_his_own_network() {
    let (sent, refused) = asked(ROOT, Limits::default());
    assert_eq!((sent, refused.len()), (vec![], 13), "{refused:?}");
    let mut opens: Vec<_> = refused.iter().map(|(_, allow)| allow.as_deref()).collect();
    opens.sort_unstable();
    opens.dedup();
    let carried = "192.0.2.7/32"; // in another network that it is carried to
    let expected = [None, Some("192.0.2.0/24"), Some(carried), Some("2001:db8:99::/64")];
    assert_eq!(opens, expected, "nothing opens port 53: {refused:?}");

    // What a trace says opens them, does.
    for (prefix, expected) in [("192.0.2.0/24", 2), ("2001:db8:99::/64", 2), (carried, 6)] {
        let (sent, _) = asked(ROOT, Limits::default().allow([prefix.parse().unwrap()]));
        assert!(sent.len() >= expected, "{prefix}: {sent:?}");
    }
}

#[test]
fn a_root_that_is_in_a_network_opens_it() {
    let (sent, refused) = asked("192.0.2.1", Limits::default());
    let v6 = |addr: &str| addr.starts_with("[2001:db8:99:");
    assert!(sent.contains(&server("192.0.2.7")) && !sent.contains(&server("2001:db8:99::7")));
    let others = refused.iter().filter(|(addr, _)| !v6(addr)).count();
    assert_eq!(refused.len() - others, 3, "the other network stays closed: {refused:?}");
    for root in ["127.0.0.1", "::1"] {
        let (sent, _) = asked(root, Limits::default());
        assert!(sent.contains(&server("192.0.2.7")), "who is on this host names any: {sent:?}");
    }
}

/// A root that lists one host at every port that answers anything.
fn echoes(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    let nodes = LOOPS.into_iter().enumerate().flat_map(|(n, port)| {
        kinds.map(|kind| {
            let addr = at(&format!("203.0.113.{}", 10 * n + kind as usize), port);
            Node { kind, ..node(addr, (kind == Kind::Leaf).then_some(addr)) }
        })
    });
    answer(to, request, ProbeReply { nodes: nodes.collect(), ..ProbeReply::default() })
}

#[test]
fn a_service_that_answers_anything_is_asked_as_a_turn_server_alone() {
    let mut world = World::new(18, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(echoes));
    let limits = Limits::default().allow(["0.0.0.0/0".parse().unwrap()]);
    let options = Options { limits, timeout: Duration::from_secs(1), ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let below = || world.log.iter().filter(|sent| sent.from == client() && sent.to != server(ROOT));
    assert!(below().all(|sent| sent.len == 20), "STUN Binding, and nothing else");
    assert_eq!(below().map(|sent| sent.to.port()).max(), Some(11211));
    let refused = trace(&descent).candidates.into_iter();
    let refused = refused.filter(|c| c.state == CandidateState::Refused && c.allow.is_none());
    assert_eq!(refused.count(), 2 * LOOPS.len());
}

/// A leaf whose TURN server is at the port of DNS, as some are.
fn beside_dns(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let turn = Some(SocketAddr::new(to.ip(), 53));
    answer(to, request, ProbeReply { turn, ..ProbeReply::default() })
}

#[test]
fn a_turn_server_may_be_at_any_port() {
    let mut world = World::new(19, |_, _| Path::of(10));
    let root = |to, request: &[u8]| {
        let nodes = vec![node(server("203.0.113.8"), None)];
        answer(to, request, ProbeReply { nodes, ..ProbeReply::default() })
    };
    world.hosts.insert(server(ROOT), Host::Peer(root));
    world.hosts.insert(server("203.0.113.8"), Host::Peer(beside_dns));
    world.hosts.insert(at("203.0.113.8", 53), Host::Turn);
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, at("203.0.113.8", 53));
}

/// What a superior with these interfaces takes over of a node that lists and names this.
fn taken_over(on_link: OnLink, from: &str, reply: ProbeReply) -> Vec<String> {
    let (addr, now) = (server(from), Instant::now());
    let mut members = Members::new(Rng::seed_from_u64(18));
    members.set_on_link(on_link);
    members.set_nodes(now, [NodeSpec { addr, public: addr, name: None }]);
    let check = members.poll_transmit(now).unwrap();
    let answered = answer(addr, &check.payload, reply);
    assert_eq!(members.handle_datagram(now, addr, &answered[0].1), CheckOutcome::Right);
    let online = members.online(now).next().unwrap();
    let nodes = online.list.iter().flat_map(|node| [Some(node.addr), node.turn]);
    nodes.flatten().chain(online.turn).map(|addr| addr.to_string()).collect()
}

#[test]
fn a_superior_passes_on_nothing_of_its_own_network_and_no_service_that_answers_anything() {
    let on_link = || OnLink::new([(1, "192.0.2.1".parse().unwrap(), 24)]);
    let list = ProbeReply {
        nodes: vec![
            node(server("192.0.2.7"), Some(turn("192.0.2.7"))),
            node(server("203.0.113.7"), Some(turn("192.0.2.7"))),
            node(at("203.0.113.8", 161), Some(at("203.0.113.8", 53))),
            Node { kind: Kind::Turn, ..node(at("203.0.113.9", 53), None) },
            node(server("203.0.113.7"), Some(at("203.0.113.7", 53))),
        ],
        ..ProbeReply::default()
    };
    let far = ["203.0.113.7:3001", "203.0.113.9:53", "203.0.113.7:3001", "203.0.113.7:53"];
    assert_eq!(taken_over(on_link(), "203.0.113.1", list.clone()), far);
    let near = ["192.0.2.7:3001", "192.0.2.7:3478", "203.0.113.7:3001", "192.0.2.7:3478"];
    assert_eq!(taken_over(on_link(), "192.0.2.9", list)[..4], near);
    let leaf = |turn| ProbeReply { turn: Some(turn), ..ProbeReply::default() };
    let neighbour = leaf(turn("192.0.2.7"));
    assert!(taken_over(on_link(), "203.0.113.1", neighbour.clone()).is_empty());
    assert_eq!(taken_over(on_link(), "192.0.2.9", neighbour), ["192.0.2.7:3478"]);
    assert_eq!(taken_over(on_link(), "203.0.113.1", leaf(at("203.0.113.1", 53))).len(), 1);
}
