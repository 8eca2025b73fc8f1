//! A superior, its nodes, and what is seen of them.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::wire::auth::{Key, Keys, Purpose, TRAILER};
use turn_balance::internals::wire::{
    Notice, Ping, Pong, Request, RequestBody, Response, ResponseBody, SIGNED_HEARTBEAT,
};

use turn_balance_sim::{Live, Path, Site, World};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn superior() -> SocketAddr {
    addr("198.51.100.1:3001")
}

/// Node `n`.
pub(crate) fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3001))
}

pub(crate) fn key(id: u8) -> Key {
    Key::new(id.into(), &[id; 32])
}

/// A server that has these keys, and lets nobody join.
pub(crate) fn keys(ids: &[u8]) -> Trust {
    Trust { keys: Keys::new(ids.iter().map(|&id| key(id))), ..Trust::default() }
}

/// One with key 1 that lets `max_nodes` join from these prefixes.
pub(crate) fn open(max_nodes: usize, prefixes: &[&str]) -> Trust {
    let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
    Trust { join: Some(JoinPolicy { max_nodes, prefixes }), ..keys(&[1]) }
}

pub(crate) fn required(trust: Trust) -> Trust {
    Trust { require: true, ..trust }
}

pub(crate) fn superior_site(nodes: &[SocketAddr], trust: Trust) -> Site {
    Site { name: "superior", nodes: nodes.into(), trust, ..Site::default() }
}

pub(crate) fn leaf_site(n: u8, trust: Trust) -> Site {
    let turn = Some(SocketAddr::new(node(n).ip(), 3478));
    Site { name: "leaf", superiors: vec![superior()], turn, trust, ..Site::default() }
}

/// One where everything is seen that is no check.
pub(crate) fn world(
    seed: u64,
    path: impl Fn(SocketAddr, SocketAddr) -> Path + 'static,
) -> World<'static> {
    let mut world = World::new(seed, path);
    world.tap = Some(Vec::new());
    world
}

/// A superior, and leaf 11 with key 1.
pub(crate) fn pair(seed: u64, nodes: &[SocketAddr], trust: Trust) -> World<'static> {
    let mut world = world(seed, |_, _| Path::of(5));
    world.start(superior(), &superior_site(nodes, trust));
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world
}

/// How many nodes are online, and how many there are.
pub(crate) fn count(world: &World) -> (usize, usize) {
    world.count(superior())
}

pub(crate) fn server<'a>(world: &'a mut World, addr: SocketAddr) -> &'a mut Live {
    world.hosts.get_mut(&addr).unwrap().server_mut()
}

/// Why the superior dropped what it did since the last call.
pub(crate) fn dropped(world: &mut World) -> Vec<DropReason> {
    std::mem::take(&mut server(world, superior()).dropped)
}

/// Everything that went from one to the other and was no check.
pub(crate) fn seen(world: &World, from: SocketAddr, to: SocketAddr) -> Vec<Vec<u8>> {
    let way = world.tap.iter().flatten().filter(|(f, t, _)| (*f, *t) == (from, to));
    way.map(|(.., payload)| payload.clone()).collect()
}

pub(crate) fn checks(world: &World, to: SocketAddr) -> usize {
    world.log.iter().filter(|sent| sent.from.port() == 3002 && sent.to == to).count()
}

pub(crate) fn heartbeat(key: &Key, purpose: Purpose, ping: Ping) -> Vec<u8> {
    let mut payload =
        Request { id: 0, body: RequestBody::Ping(ping) }.encode(SIGNED_HEARTBEAT - TRAILER);
    key.sign(purpose, &mut payload, 0);
    payload
}

pub(crate) fn pong(payload: &[u8]) -> Option<Pong> {
    match Response::decode(payload) {
        Ok(Response { body: ResponseBody::Pong(pong), .. }) => Some(pong),
        _ => None,
    }
}

pub(crate) fn notice(payload: &[u8]) -> Option<Notice> {
    match Response::decode(payload) {
        Ok(Response { body: ResponseBody::Notice(notice), .. }) => Some(notice),
        _ => None,
    }
}

pub(crate) fn ping(payload: &[u8]) -> Ping {
    match Request::decode(payload) {
        Ok(Request { body: RequestBody::Ping(ping), .. }) => ping,
        other => panic!("no heartbeat: {other:?}"),
    }
}

/// Whoever has a key, at an address where its answers are read.
pub(crate) struct Insider {
    addr: SocketAddr,
    key: Key,
    seq: u64,
    challenge: u64,
    /// Bytes of all its heartbeats, IP and UDP headers counted.
    pub(crate) sent: usize,
}

impl Insider {
    pub(crate) fn new(addr: SocketAddr, key: Key) -> Self {
        Self { addr, key, seq: 0, challenge: 0, sent: 0 }
    }

    /// Tells the superior that it is to be found there.
    pub(crate) fn advertise(&mut self, world: &mut World, advertise: SocketAddr) {
        let latest = world.tap.iter().flatten().rev().take(500);
        let mut pongs =
            latest.filter(|(_, to, _)| *to == self.addr).filter_map(|seen| pong(&seen.2));
        self.challenge = pongs.next().map_or(self.challenge, |pong| pong.challenge);
        self.seq += 1;
        let challenge = self.challenge;
        let (seq, version, advertise) = (self.seq, self.seq, Some(advertise));
        let ping = Ping { seq, challenge, version, advertise, ..Ping::default() };
        let payload = heartbeat(&self.key, Purpose::Ping, ping);
        self.sent += 28 + payload.len();
        world.send(self.addr, superior(), payload);
    }
}
