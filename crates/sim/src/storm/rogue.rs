//! Servers that answer whatever they like.

use std::net::{IpAddr, SocketAddr};

use rand::{RngExt, SeedableRng};
use turn_balance::Load;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Keys, Purpose, Tag};
use turn_balance::internals::wire::{
    Kind, Node, Ping, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, View,
};

use super::plan::{Part, Plan};
use super::rules::LOOPS;
use crate::Answer;

/// A server that answers what it likes, and signs it where it can.
pub(crate) fn server(
    plan: &Plan,
    at: SocketAddr,
    seed: u64,
) -> impl FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Answer> + use<> {
    let mut rng = Rng::seed_from_u64(seed);
    let manners = if plan.urls { MANNERS + 1 } else { MANNERS };
    let mut manner = rng.random_range(0..manners);
    let keys = Keys::new(plan.keys.clone());
    let servers: Vec<_> = plan.places.iter().map(|place| place.public).collect();
    let v4 = at.is_ipv4();
    let made_up: Vec<_> = (0..99).map(|n| plan.addr_of(Part::MadeUp, n, 3001, v4)).collect();
    let lan = [true, false].map(|v4| plan.lan(v4).0);
    let turns = plan.places.iter().flat_map(|place| place.turn_nodes.iter().chain(&place.turn));
    let turns: Vec<_> = turns.copied().collect();
    move |to, from, payload| {
        let Some((id, probe)) = request(payload) else { return Vec::new() };
        if rng.random_bool(0.02) {
            manner = rng.random_range(0..manners);
        }
        let (mut id, mut nonce, mut source) = (id, probe.nonce, to);
        let mut reply = match manner {
            12 => near(from.ip(), &lan, &mut rng),
            13 => near(made_up[3].ip(), &[], &mut rng),
            MANNERS => checked_by_one(&turns, made_up[5]),
            _ => lie(manner, &servers, &made_up, &mut rng),
        };
        if manner == 5 {
            match rng.random_range(0..4) {
                0 => id ^= 1,
                1 => nonce ^= 2,
                2 => source = made_up[7],
                _ => {}
            }
        }
        if probe.view == View::Subordinates && manner == 7 {
            reply.nodes.truncate(3);
        }
        if probe.extras.urls {
            reply.urls = urls(&made_up, &mut rng);
        }
        if probe.extras.labels {
            label(&mut reply, probe.nonce);
        }
        reply.nonce = nonce;
        let mut answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
        answer.truncate(65_535);
        if let Tag::Right(key) = keys.judge(Purpose::Probe, payload) {
            key.sign(Purpose::Reply, &mut answer, 0);
        }
        vec![(source, answer)]
    }
}

/// A heartbeat that says that there are news. It is not signed.
pub(crate) fn heartbeat(rng: &mut Rng) -> Vec<u8> {
    let ping = Ping { version: rng.random(), ..Ping::default() };
    Request { id: 0, body: RequestBody::Ping(ping) }.encode(0)
}

/// A server that passes the client on to another that is as it is, for ever.
pub(crate) fn bottomless(
    made_up: Vec<SocketAddr>,
    seed: u64,
) -> impl FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Answer> {
    let mut rng = Rng::seed_from_u64(seed);
    move |to, _, payload| {
        let Some((id, probe)) = request(payload) else { return Vec::new() };
        let mut reply = lie(4, &[], &made_up, &mut rng);
        reply.nonce = probe.nonce;
        vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
    }
}

/// A request of ours. With the first implementation, which reads answers as requests, a rogue would go
/// on for ever, and nobody here could help it.
fn request(payload: &[u8]) -> Option<(u32, Probe<'_>)> {
    match Request::decode(payload).ok()? {
        Request { id, body: RequestBody::Probe(probe) } => {
            Some((id, probe)).filter(|_| probe.nonce != 0)
        }
        _ => None,
    }
}

const MANNERS: u32 = 14;

/// Names TURN servers that live, all of which are said to be checked by one who is silent.
fn checked_by_one(turns: &[SocketAddr], silent: SocketAddr) -> ProbeReply {
    let node = |turn: &SocketAddr| Node { checker: Some(silent), ..Node::new(*turn, Kind::Turn) };
    let nodes = turns.iter().take(40).map(node).collect();
    ProbeReply { nodes, version: 1, ..ProbeReply::default() }
}

/// URLs, some of which nobody may be told.
fn urls(made_up: &[SocketAddr], rng: &mut Rng) -> Vec<String> {
    let one = |n| {
        let host = match n % 3 {
            0 => REFUSED[rng.random_range(0..REFUSED.len())].to_owned(),
            1 => made_up[rng.random_range(0..made_up.len())].ip().to_string(),
            _ => format!("{n}.example"),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        format!("turn:{host}:{}?transport=tcp", 3478 + n)
    };
    (0..16).map(one).collect()
}

/// Labels that those of honest servers are not, of itself and of each node another set.
fn label(reply: &mut ProbeReply, nonce: u64) {
    let labels = |n: u64| format!("region=r{},n={}", n % 3, n % 40).parse().unwrap_or_default();
    reply.labels = labels(nonce);
    for (node, n) in reply.nodes.iter_mut().zip(0..) {
        node.labels = labels(nonce.wrapping_add(n));
    }
}

/// Names the neighbours of a host, and these, as whatever answers anything and more.
fn near(host: IpAddr, others: &[IpAddr], rng: &mut Rng) -> ProbeReply {
    let mut addr = || {
        let ip = match (rng.random_range(0..4), host) {
            (0, _) if !others.is_empty() => others[rng.random_range(0..others.len())],
            (1, IpAddr::V4(ip)) => {
                let nat64 = 0x64_ff9b_u128 << 96 | u128::from(ip.to_bits() ^ 1);
                IpAddr::V6(nat64.into())
            }
            (_, IpAddr::V4(ip)) => IpAddr::V4((ip.to_bits() ^ rng.random_range(0..256)).into()),
            (_, IpAddr::V6(ip)) => IpAddr::V6((ip.to_bits() ^ rng.random_range(0..9)).into()),
        };
        let port = match rng.random_range(0..=LOOPS.len()) {
            0 => 3001,
            n => LOOPS[n - 1],
        };
        SocketAddr::new(ip, port)
    };
    let mut node = |kind| {
        let addr = addr();
        let turn = (kind == Kind::Leaf).then_some(addr);
        Node { turn, ..Node::new(addr, kind) }
    };
    let kinds = [Kind::Balance, Kind::Leaf, Kind::Turn];
    let nodes: Vec<_> = (0..30).map(|n| node(kinds[n % 3])).collect();
    let turn = nodes[1].turn;
    match rng.random_bool(0.2) {
        true => ProbeReply { turn, version: 1, ..ProbeReply::default() },
        false => ProbeReply { nodes, version: rng.random_range(1..5), ..ProbeReply::default() },
    }
}

fn lie(manner: u32, servers: &[SocketAddr], made_up: &[SocketAddr], rng: &mut Rng) -> ProbeReply {
    let leaf = |addr: SocketAddr, turn| Node { turn: Some(turn), ..Node::new(addr, Kind::Leaf) };
    let balance = |addr: SocketAddr| Node::new(addr, Kind::Balance);
    let refused = REFUSED.map(|ip| SocketAddr::new(ip.parse().expect("it is one"), 3001));
    let any = made_up[rng.random_range(0..made_up.len())];
    let mut reply = ProbeReply { version: rng.random_range(1..5), ..ProbeReply::default() };
    match manner {
        0 => reply.nodes = refused.iter().map(|addr| leaf(*addr, *addr)).collect(),
        1 => {
            let many = (0..1700u16).map(|n| {
                let port = SocketAddr::new(made_up[usize::from(n) % 99].ip(), 4000 + n);
                if n % 2 == 0 { balance(port) } else { leaf(port, port) }
            });
            reply.nodes = many.collect();
        }
        2 => {
            let ports = (1..=60).map(|port| SocketAddr::new(made_up[3].ip(), port));
            reply.nodes = ports.map(|addr| leaf(addr, any)).collect();
        }
        3 => reply.nodes = servers.iter().take(70).map(|addr| balance(*addr)).collect(),
        4 => {
            let next = SocketAddr::new(any.ip(), rng.random_range(BOTTOMLESS..=u16::MAX));
            reply.nodes = vec![balance(next)];
        }
        5 => reply.turn = Some(any),
        6 => reply.turn = Some(refused[rng.random_range(0..refused.len())]),
        7 => {
            reply.nodes = (0..5).map(|n| balance(SocketAddr::new(any.ip(), 3100 + n))).collect();
            reply.total = u32::MAX;
        }
        8 => {
            let v4 = servers.iter().chain(&refused).filter_map(|addr| match addr.ip() {
                IpAddr::V4(ip) => Some(SocketAddr::new(ip.to_ipv6_mapped().into(), 3001)),
                IpAddr::V6(_) => None,
            });
            reply.nodes = v4.map(|addr| leaf(addr, addr)).collect();
        }
        9 => {
            let hops = [6, 7, 8, 9, u32::MAX - 1, u32::MAX][rng.random_range(0..6)];
            reply.nodes = vec![Node { hops, ..leaf(any, made_up[1]) }];
        }
        10 => (reply.retry, reply.cookie) = (true, vec![7; rng.random_range(0..70)]),
        _ => reply.hosts = refused.iter().chain(made_up).copied().collect(),
    }
    // Empty, and larger than all others together.
    reply.load = Load::new(0.0, 1).filter(|_| reply.version.is_multiple_of(2));
    reply.weight = u32::MAX;
    reply
}

/// From this port on, whoever is made up passes the client on to another.
pub(crate) const BOTTOMLESS: u16 = 50_000;

const REFUSED: [&str; 14] = [
    "127.0.0.1",
    "0.0.0.0",
    "169.254.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "10.200.0.1",
    "192.168.0.1",
    "fdff::1",
];
