//! A descent among servers that answer anything, at the wrong time, from the wrong place: it keeps
//! its limits, sends to nobody it may not send to, believes only what it has asked for, and ends.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    Descent, Limits, Obstacle, Options, Progress, Strategy, Verify, View,
};
use turn_balance::internals::wire::{Request, RequestBody, Response, ResponseBody, stun};
use turn_balance::internals::{Nat64, OnLink, Policy, Scope};

use super::input::{Input, seed};

/// The client's own address.
const HOME: [u8; 4] = [203, 0, 113, 9];

/// A descent, and what is known of it from outside.
struct World {
    descent: Descent,
    limits: Limits,
    policy: Policy,
    roots: Vec<SocketAddr>,
    now: Instant,
    end: Instant,
    /// Everything that was sent.
    asked: Vec<(SocketAddr, Vec<u8>)>,
    /// What was sent below the roots.
    datagrams: u32,
    bytes: u64,
    /// Of them to each host, until it has answered.
    hosts: BTreeMap<IpAddr, (u32, bool)>,
    /// TURN servers that somebody who was asked has named.
    offered: BTreeSet<SocketAddr>,
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(&mut input, seed(bytes));
    world.send();
    // Each turn takes from the input, or lets time pass.
    while !world.descent.is_finished() {
        world.act(&mut input);
        world.send();
    }
    world.judge();
}

impl World {
    fn new(input: &mut Input<'_>, seed: u64) -> Self {
        let flags = input.byte();
        let flag = |bit: u8| flags >> bit & 1 == 1;
        let root = |n| match n {
            3 => SocketAddr::from(([10, 0, 0, 1], 3001)),
            4 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9], 3001)),
            n => SocketAddr::from(([198, 51, 100, n], 3001)),
        };
        let roots: Vec<_> = (0..1 + input.below(3)).map(|_| root(input.byte() % 5)).collect();
        let allow = if flag(0) { vec!["192.168.0.0/16".parse().unwrap()] } else { vec![] };
        let limits = Limits::default().allow(allow).allow_private(flag(1));
        let policy = policy(input.byte());
        let options = Options {
            strategy: if flag(2) { Strategy::First } else { Strategy::Best },
            view: if flag(3) { View::Subordinates } else { View::Flat },
            names: flag(4),
            down: true,
            within: None,
            nat64: Nat64::default(),
            on_link: OnLink::new([(1, HOME.into(), 25)]),
            verify: if flag(5) { Verify::Off } else { Verify::On },
            urls: flag(7),
            runners_up: usize::from(flags % 3),
            timeout: Duration::from_secs(2),
            linger: if flag(6) { Duration::from_millis(500) } else { Duration::ZERO },
            limits: limits.clone(),
            policy: policy.clone(),
        };
        let (now, end) = (Instant::now(), options.timeout);
        let descent = Descent::new(options, &roots, now, Rng::seed_from_u64(seed));
        Self {
            descent,
            limits,
            policy,
            roots,
            now,
            end: now + end,
            asked: Vec::new(),
            datagrams: 0,
            bytes: 0,
            hosts: BTreeMap::new(),
            offered: BTreeSet::new(),
        }
    }

    /// Takes all that is to be sent, and judges it.
    fn send(&mut self) {
        while let Some(sent) = self.descent.poll_transmit(self.now) {
            if !self.roots.contains(&sent.to) {
                assert!(self.may_be_asked(sent.to), "{} may not be asked", sent.to);
                self.datagrams += 1;
                self.bytes += sent.payload.len() as u64;
                let (count, answered) = self.hosts.entry(host(sent.to)).or_default();
                *count += 1;
                assert!(*answered || *count <= self.limits.unanswered, "{}", sent.to);
            }
            self.asked.push((sent.to, sent.payload));
        }
        assert!(self.datagrams <= self.limits.datagrams, "{} datagrams", self.datagrams);
        assert!(self.bytes <= self.limits.bytes, "{} bytes", self.bytes);
        while self.descent.poll_event().is_some() {}
    }

    /// Whether any of the roots could have led there.
    fn may_be_asked(&self, to: SocketAddr) -> bool {
        let scope = |root: &SocketAddr| Scope::of(root.ip()).unwrap_or(Scope::Global);
        let floor = self.roots.iter().map(scope).min().unwrap_or(Scope::Global);
        let floor = if self.limits.allow_private { floor.min(Scope::Private) } else { floor };
        to.port() != 0 && !is_at_home(to.ip()) && floor.allows_also(to.ip(), &self.limits.allow)
    }

    /// A datagram comes. What nobody has asked for changes nothing.
    fn hear(&mut self, from: SocketAddr, datagram: &[u8]) {
        let before = self.state();
        let right =
            self.asked.iter().any(|(to, request)| *to == from && answers(request, datagram));
        if let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(datagram)
            && right
        {
            let nodes = reply.nodes.iter().flat_map(|node| [Some(node.addr), node.turn]).flatten();
            self.offered.extend(nodes.chain(reply.turn));
        }
        if right {
            self.hosts.entry(host(from)).or_default().1 = true;
        }
        self.descent.handle_datagram(self.now, from, datagram);
        assert!(right || self.unmoved(before), "{from}");
    }

    /// An ICMP error comes. One that quotes no request changes nothing.
    fn refuse(&mut self, to: SocketAddr, quoted: &[u8]) {
        let before = self.state();
        let quotes =
            |request: &[u8]| request.starts_with(quoted) && quoted.len() >= request.len().min(20);
        let right = self.asked.iter().any(|(sent, request)| *sent == to && quotes(request));
        self.descent.handle_icmp(self.now, to, Obstacle::Port, quoted);
        assert!(right || self.unmoved(before), "{to}");
    }

    fn state(&self) -> (Progress, Option<Instant>) {
        (self.descent.progress(), self.descent.poll_timeout())
    }

    /// Whether nothing has happened, but what only time has.
    fn unmoved(&self, (progress, timeout): (Progress, Option<Instant>)) -> bool {
        let due = timeout.is_some_and(|timeout| timeout <= self.now);
        due || (self.descent.progress(), self.descent.poll_timeout()) == (progress, timeout)
    }

    fn pass(&mut self, time: Duration) {
        self.now = (self.now + time).min(self.end + Duration::from_nanos(1));
        self.descent.handle_timeout(self.now);
        if self.now > self.end {
            assert!(self.descent.is_finished(), "it outlives its timeout");
        }
    }

    /// What it has come to.
    fn judge(&mut self) {
        assert!(
            self.descent.poll_transmit(self.now).is_none() && self.descent.poll_timeout().is_none()
        );
        let trace = self.descent.trace().expect("it is finished");
        for candidate in &trace.candidates {
            // The TURN server beside a leaf counts as a level below it.
            let beside = self.offered.contains(&candidate.addr);
            assert!(candidate.level <= self.limits.depth + u8::from(beside), "{candidate:?}");
        }
        let mut addrs: Vec<_> = trace.candidates.iter().map(|candidate| candidate.addr).collect();
        addrs.sort_unstable();
        addrs.dedup();
        assert_eq!(addrs.len(), trace.candidates.len(), "visited twice");
        if let Some(Ok(selection)) = self.descent.selection() {
            let others = selection.runners_up.iter().map(|other| other.turn);
            for turn in others.chain([selection.turn]) {
                assert!(self.offered.contains(&turn), "nobody has named {turn}");
                assert!(self.may_be_asked(turn), "{turn} may not be named");
            }
            let others = selection.runners_up.iter().map(|other| (&other.labels, &other.name));
            for (labels, name) in others.chain([(&selection.labels, &selection.name)]) {
                assert!(self.policy.allows(labels, name.as_ref()), "{labels} {name:?}");
            }
        }
    }
}

/// What it may choose, and would rather; mostly anything.
fn policy(byte: u8) -> Policy {
    let of = |bit: u8, label: &str| {
        (byte >> 7 == 1 && byte >> bit & 1 == 1).then(|| label.parse().unwrap()).into_iter()
    };
    Policy {
        require: of(0, "a=1").chain(of(1, "a=2")).chain(of(2, "b=1")).collect(),
        prefer: of(3, "a=1").chain(of(4, "b=1")).collect(),
        exclude: of(5, "b=2").chain(of(6, "name=x")).collect(),
    }
}

/// Whether an address is in the network of the client, where none of the roots is.
fn is_at_home(ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    ip.octets()[..3] == HOME[..3] && ip.octets()[3] < 128 // a /25
}

/// Who is behind an address: a /64, where it is IPv6.
fn host(addr: SocketAddr) -> IpAddr {
    match addr.ip() {
        IpAddr::V6(ip) => IpAddr::from((ip.to_bits() >> 64 << 64).to_be_bytes()),
        ip => ip,
    }
}

/// Whether a datagram is a right answer to a request.
fn answers(request: &[u8], datagram: &[u8]) -> bool {
    if stun::is_stun(request) {
        return stun::binding_response(datagram).is_some() && request[8..20] == datagram[8..20];
    }
    match (Request::decode(request), Response::decode(datagram)) {
        (
            Ok(Request { id, body: RequestBody::Probe(probe) }),
            Ok(Response { id: same, body: ResponseBody::Probe(reply) }),
        ) => id == same && reply.proof().is_none_or(|proof| proof == probe.nonce),
        _ => false,
    }
}
