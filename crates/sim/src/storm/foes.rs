//! Those who send in others' names: spoofers, floods, eavesdroppers, replayers, insiders.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, stun,
};

use super::plan::{CLIENTS, Part, Plan, Who};
use super::rules::LOOPS;
use super::usurper;
use crate::Datagram;

/// A datagram that somebody sends in somebody's name: from, to, bytes.
pub(crate) type Forged = (SocketAddr, SocketAddr, Vec<u8>);

/// What they have seen, and what they are up to in this world.
#[derive(Default)]
pub(crate) struct Foes {
    seen: VecDeque<Forged>,
    /// Cookies: who handed them out, to whom.
    cookies: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// Requests of clients: from, to, id.
    asked: VecDeque<(SocketAddr, SocketAddr, u32)>,
    /// How much of what passes by an eavesdropper answers.
    pub(crate) eavesdrops: f64,
    /// Whether one who has a key comes from everywhere.
    pub(crate) insider: bool,
    pub(crate) spoofs: bool,
    pub(crate) replays: bool,
    pub(crate) floods: bool,
    /// Whether one is patient.
    pub(crate) patience: bool,
    /// Whether one who has a key tells high numbers, as a node and as a superior.
    pub(crate) usurps: bool,
    seq: u64,
}

/// How many datagrams, and cookies, are remembered.
const SEEN: usize = 300;
const COOKIES: usize = 60;
const ASKED: usize = 100;

impl Foes {
    pub(crate) fn draw(plan: &Plan, rng: &mut Rng) -> Self {
        let eavesdrops = if rng.random_bool(0.4) { rng.random_range(0.01..0.2) } else { 0.0 };
        Self {
            eavesdrops,
            insider: plan.joiners() > 0 && rng.random_bool(0.4),
            spoofs: rng.random_bool(0.6),
            replays: rng.random_bool(0.6),
            floods: rng.random_bool(0.4),
            patience: rng.random_bool(0.4),
            ..Self::default()
        }
    }

    /// A datagram passes by. Returns what comes of it at once.
    pub(crate) fn see(&mut self, sent: &Datagram, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        if sent.origin.forged && sent.origin.answers == 0 {
            return Vec::new();
        }
        let Datagram { from, to, payload, .. } = sent;
        if rng.random_bool(0.2) {
            self.seen.push_back((*from, *to, payload.clone()));
            if self.seen.len() > SEEN {
                self.seen.pop_front();
            }
        }
        let mut forged = Vec::new();
        if let Ok(Request { id, body: RequestBody::Probe(_) }) = Request::decode(payload)
            && is_client(*from)
        {
            self.asked.push_back((*from, *to, id));
            if self.asked.len() > ASKED {
                self.asked.pop_front();
            }
        }
        if let Ok(Response { id, body }) = Response::decode(payload) {
            if let ResponseBody::Probe(ProbeReply { nonce: 1.., .. }) = &body
                && rng.random_bool(self.eavesdrops)
            {
                let asked =
                    |asked: &&(_, _, u32)| (asked.0, asked.1) == (*to, *from) && asked.2 != id;
                let turn = Some(made_up(plan, rng));
                let urls = if plan.urls { vec!["turn:forged.example".into()] } else { Vec::new() };
                forged.extend(self.asked.iter().filter(asked).map(|&(client, server, id)| {
                    let reply = ProbeReply { turn, urls: urls.clone(), ..ProbeReply::default() };
                    let body = ResponseBody::Probe(reply);
                    (server, client, Response { id, body }.encode())
                }));
            }
            match body {
                ResponseBody::Probe(reply) if reply.retry => {
                    self.cookies.retain(|(whose, bearer, _)| (whose, bearer) != (from, to));
                    self.cookies.push_back((*from, *to, reply.cookie));
                    if self.cookies.len() > COOKIES {
                        self.cookies.pop_front();
                    }
                }
                ResponseBody::Pong(pong) if self.insider && is_insider(*to) => {
                    self.seq += 1;
                    let seq = if self.usurps { usurper::high(self.seq) } else { self.seq };
                    let challenge = pong.challenge;
                    let advertise = advertise(*from, plan, rng);
                    let version = rng.random();
                    let ping = Ping { seq, challenge, version, advertise, ..Ping::default() };
                    let key = &plan.keys[rng.random_range(0..plan.keys.len())];
                    forged.push((*to, *from, signed_with(key, ping, 64)));
                }
                _ => {}
            }
        }
        if self.usurps && rng.random_bool(0.1) {
            forged.extend(usurper::pong_for(sent, plan, made_up(plan, rng)));
        }
        if self.eavesdrops > 0.0 && rng.random_bool(self.eavesdrops) {
            forged.extend(answer_for(sent, plan, rng));
        }
        forged
    }

    /// A handful of forged datagrams.
    pub(crate) fn spoof(&mut self, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        let target = rng.random_range(0..plan.places.len());
        let count = rng.random_range(1..12);
        (0..count).map(|_| self.spoof_one(target, plan, rng)).collect()
    }

    fn spoof_one(&mut self, target: usize, plan: &Plan, rng: &mut Rng) -> Forged {
        let place = &plan.places[target];
        let mut to = place.public;
        let near: Vec<_> = place.subordinates.iter().chain(&place.superior).collect();
        let stranger = plan.addr(Part::Stranger, rng.random_range(0..200), 0, rng).ip();
        let from = match rng.random_range(0..8) {
            0..=2 if !near.is_empty() => plan.places[*near[rng.random_range(0..near.len())]].public,
            3 => to,
            4 if rng.random_bool(0.1) => SocketAddr::new(stranger, 0),
            4 => SocketAddr::new(stranger, LOOPS[rng.random_range(0..LOOPS.len())]),
            5 => plan.places[rng.random_range(0..plan.places.len())].public,
            6 => place.turn.unwrap_or(to),
            _ => SocketAddr::new(stranger, rng.random_range(1024..=u16::MAX)),
        };
        if rng.random_bool(0.1) {
            to.set_port(rng.random_range(3002..=3003));
        }
        (from, to, self.message(to, plan, rng))
    }

    /// What strangers say.
    fn message(&mut self, to: SocketAddr, plan: &Plan, rng: &mut Rng) -> Vec<u8> {
        let (id, nonce) = (rng.random_range(0..4), rng.random());
        let probe =
            |nonce| Request { id, body: RequestBody::Probe(Probe { nonce, ..Probe::default() }) };
        let ping = |version| {
            let ping = Ping { version, seq: nonce >> 32, challenge: nonce, ..Ping::default() };
            Request { id: 0, body: RequestBody::Ping(ping) }
        };
        match rng.random_range(0..13) {
            0 | 1 => probe(0).encode(0),
            2 => vec![0x1a, 0x00],
            3 => ping(nonce).encode(0),
            4 => probe(nonce).encode(0),
            5 => probe(nonce).encode(PADDED_REQUEST),
            6 => probe(nonce).encode(rng.random_range(1281..2000)),
            7 => {
                let reply =
                    ProbeReply { nonce, turn: Some(made_up(plan, rng)), ..ProbeReply::default() };
                Response { id, body: ResponseBody::Probe(reply) }.encode()
            }
            8 => {
                let mut payload = ping(nonce).encode(64);
                let id = rng.random_range(1..=2);
                Key::new(id, &[0xee; 32]).sign(Purpose::Ping, &mut payload, 0);
                payload
            }
            9 => (0..rng.random_range(0..60)).map(|_| rng.random()).collect(),
            10 => stun::binding_request(nonce.into()),
            11 => self.with_cookie(to, nonce, rng),
            _ => signed_ping(plan, Ping { seq: nonce, ..Ping::default() }, rng.random_range(0..64)),
        }
    }

    fn with_cookie(&self, to: SocketAddr, nonce: u64, rng: &mut Rng) -> Vec<u8> {
        let known = self.cookies.iter().filter(|(whose, ..)| *whose == to);
        let known: Vec<_> = known.map(|(.., cookie)| &cookie[..]).collect();
        let some = rng.random_range(0..known.len().max(1));
        let cookie = known.get(some).copied().unwrap_or(&[1; 21]);
        let probe = Probe { nonce, cookie, ..Probe::default() };
        Request { id: 1, body: RequestBody::Probe(probe) }.encode(0)
    }

    /// The last cookie that a server gave somebody.
    pub(super) fn cookie_of(&self, server: SocketAddr, bearer: SocketAddr) -> Option<&[u8]> {
        let theirs = |(from, to, _): &&(_, _, _)| (*from, *to) == (server, bearer);
        self.cookies.iter().rev().find(theirs).map(|(.., cookie)| &cookie[..])
    }

    /// More requests at once than anybody may have: from one address, or from many of a network.
    pub(crate) fn flood(&mut self, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        let ours: Vec<_> = plan.places.iter().filter(|place| place.who == Who::Ours).collect();
        let Some(place) = ours.get(rng.random_range(0..ours.len().max(1))) else {
            return Vec::new();
        };
        // Rather once more where there are cookies from.
        let again = self.cookies.back().filter(|_| rng.random_bool(0.6));
        let to = again.map_or(place.public, |(whose, ..)| *whose);
        let base = plan.addr(Part::Stranger, rng.random_range(0..200), 5000, rng);
        // From where the cookie is, a neighbour behind the same address who has it, or elsewhere.
        let (base, neighbour) = match (again, rng.random_range(0..4)) {
            (Some((_, bearer, _)), 0..2) => (*bearer, None),
            (Some((_, bearer, cookie)), 2) => (SocketAddr::new(bearer.ip(), 5001), Some(cookie)),
            _ => (base, None),
        };
        let spread = if neighbour.is_some() { 0 } else { rng.random_range(0..4) };
        let size = [0, 0, 60, PADDED_REQUEST][rng.random_range(0..4)];
        let bare = neighbour.is_none() && rng.random_bool(0.3);
        let cookie = again.is_some();
        let count = [90, 130][usize::from(spread > 0)];
        (0..count)
            .map(|n: u32| {
                let ip = match base.ip() {
                    IpAddr::V4(ip) => {
                        let spread = if spread == 0 { 0 } else { n };
                        IpAddr::V4((ip.to_bits() & !0xff | (ip.to_bits() + spread) & 0xff).into())
                    }
                    IpAddr::V6(ip) => {
                        let shift = [0, 0, 64, 72][spread];
                        let spread = if shift == 0 { 0 } else { u128::from(n & 0xff) << shift };
                        IpAddr::V6((ip.to_bits() ^ spread).into())
                    }
                };
                let nonce = rng.random_range(1..=u64::MAX);
                let payload = match (bare, cookie, neighbour) {
                    (true, ..) => {
                        let probe = Probe::default();
                        Request { id: n, body: RequestBody::Probe(probe) }.encode(size)
                    }
                    (false, _, Some(cookie)) => {
                        let probe = Probe { nonce, cookie, ..Probe::default() };
                        Request { id: n, body: RequestBody::Probe(probe) }.encode(size)
                    }
                    (false, true, None) => self.with_cookie(to, nonce, rng),
                    (false, false, None) => {
                        let probe = Probe { nonce, ..Probe::default() };
                        Request { id: n, body: RequestBody::Probe(probe) }.encode(size)
                    }
                };
                (SocketAddr::new(ip, base.port()), to, payload)
            })
            .collect()
    }

    /// What was seen, again: as it was, from elsewhere, or to somebody else.
    pub(crate) fn replay(&mut self, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        let count = rng.random_range(1..10);
        let mut again = Vec::new();
        for _ in 0..count {
            let at = rng.random_range(0..self.seen.len().max(1));
            let Some((from, to, payload)) = self.seen.get(at).cloned() else { break };
            let other = plan.places[rng.random_range(0..plan.places.len())].public;
            again.push(match rng.random_range(0..4) {
                0 | 1 => (from, to, payload),
                2 => (other, to, payload),
                _ => (from, other, payload),
            });
        }
        again
    }

    /// Heartbeats, rightly signed, of somebody who has a key and many addresses.
    pub(crate) fn join_in_numbers(&mut self, plan: &Plan, rng: &mut Rng) -> Vec<Forged> {
        let open = |place: &&super::plan::Place| {
            place.who == Who::Ours && place.subordinates.iter().any(|&at| plan.places[at].joins)
        };
        let Some(place) = plan.places.iter().find(open) else { return Vec::new() };
        let v4 = place.addr.is_ipv4();
        let first = rng.random_range(INSIDER.0..INSIDER.1 - 60);
        let size = if rng.random_bool(0.3) { 0 } else { 64 };
        (first..first + 30)
            .map(|port| {
                self.seq += 1;
                let ping = Ping { seq: self.seq, ..Ping::default() };
                let payload = signed_ping(plan, ping, size);
                (SocketAddr::new(insider(plan, port, v4), port), place.addr, payload)
            })
            .collect()
    }
}

/// The ports of the one who has a key.
const INSIDER: (u16, u16) = (20_000, 20_400);

fn insider(plan: &Plan, port: u16, v4: bool) -> IpAddr {
    plan.addr_of(Part::Stranger, 190 + usize::from(port % 8), 0, v4).ip()
}

fn is_client(addr: SocketAddr) -> bool {
    CLIENTS.contains(&addr.port())
}

fn is_insider(addr: SocketAddr) -> bool {
    (INSIDER.0..INSIDER.1).contains(&addr.port())
}

fn signed_ping(plan: &Plan, ping: Ping, size: usize) -> Vec<u8> {
    match plan.keys.first() {
        Some(key) => signed_with(key, ping, size),
        None => Request { id: 0, body: RequestBody::Ping(ping) }.encode(size),
    }
}

fn signed_with(key: &Key, ping: Ping, size: usize) -> Vec<u8> {
    let request = Request { id: 0, body: RequestBody::Ping(ping) };
    let mut payload = request.encode(size.saturating_sub(26));
    key.sign(Purpose::Ping, &mut payload, 0);
    payload
}

/// Where the one who has a key says to a server that it is found: nowhere else, where nobody has
/// agreed to be asked, or where one of the server's nodes is.
fn advertise(to: SocketAddr, plan: &Plan, rng: &mut Rng) -> Option<SocketAddr> {
    let server = plan.places.iter().find(|place| place.addr == to)?;
    match rng.random_range(0..10) {
        0..4 => None,
        4..8 => Some(anywhere(plan, rng)),
        _ => {
            let below =
                server.subordinates.get(rng.random_range(0..server.subordinates.len().max(1)))?;
            Some(plan.places[*below].public)
        }
    }
}

fn made_up(plan: &Plan, rng: &mut Rng) -> SocketAddr {
    plan.addr(Part::MadeUp, rng.random_range(0..99), rng.random_range(3000..3500), rng)
}

/// Where one with a key may say that it is found: also where nobody may be looked for.
fn anywhere(plan: &Plan, rng: &mut Rng) -> SocketAddr {
    let mut addr = made_up(plan, rng);
    match rng.random_range(0..6) {
        0 => addr.set_ip(plan.lan(addr.is_ipv4()).0),
        1 => addr.set_port(LOOPS[rng.random_range(0..LOOPS.len())]),
        _ => {}
    }
    addr
}

/// What one who sees a request, but not well, answers in the name of whoever was asked.
fn answer_for(sent: &Datagram, plan: &Plan, rng: &mut Rng) -> Option<Forged> {
    let (from, to) = (sent.from, sent.to);
    if stun::is_stun(&sent.payload) {
        let mut payload = stun::binding_request(rng.random::<u128>() >> 32);
        payload[..2].copy_from_slice(&[1, 1]);
        return Some((to, from, payload));
    }
    let Ok(Request { id, body: RequestBody::Probe(Probe { nonce: nonce @ 1.., .. }) }) =
        Request::decode(&sent.payload)
    else {
        return None;
    };
    let turn = Some(made_up(plan, rng));
    let answer = |id, nonce| {
        let nodes = Vec::new();
        let reply = ProbeReply { turn, nonce, nodes, version: 1, ..ProbeReply::default() };
        Response { id, body: ResponseBody::Probe(reply) }.encode()
    };
    Some(match rng.random_range(0..4) {
        0 | 1 => (to, from, answer(id, nonce ^ 1 << rng.random_range(0..64))),
        2 => (to, from, answer(id ^ 1 << rng.random_range(0..32), nonce)),
        _ => (made_up(plan, rng), from, answer(id, nonce)),
    })
}
