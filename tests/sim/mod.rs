//! An internet of engines on simulated time: no socket, no clock, one seed is one run.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::{Balancer, Offer, Verdict};
use turn_balance::net::engine::cluster::Cluster;
use turn_balance::net::engine::descent::{Descent, Options};
use turn_balance::net::engine::members::NodeSpec;
use turn_balance::net::wire::stun;

/// What a path does with datagrams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    /// One way.
    pub(crate) delay: Duration,
    /// Added to it, evenly spread: datagrams overtake one another.
    pub(crate) jitter: Duration,
    /// The share that is lost, each way.
    pub(crate) loss: f64,
    /// The share that arrives twice.
    pub(crate) twice: f64,
}

impl Path {
    /// A path without faults.
    pub(crate) fn of(delay_ms: u64) -> Self {
        let delay = Duration::from_millis(delay_ms);
        Self { delay, jitter: Duration::ZERO, loss: 0.0, twice: 0.0 }
    }
}

/// How a balance server is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) superiors: Vec<SocketAddr>,
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) turn: Option<SocketAddr>,
}

/// A running balance server.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    balancer: Balancer,
    offer: Offer,
}

enum Happening {
    Arrival {
        from: SocketAddr,
        to: SocketAddr,
        payload: Vec<u8>,
    },
    /// A server's or the descent's own deadline.
    Wake(SocketAddr),
}

/// A peer that a test makes up: its address and a request in, answers with their sources out.
pub(crate) type Peer = fn(SocketAddr, &[u8]) -> Vec<(SocketAddr, Vec<u8>)>;

/// Everything that is simulated.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) rng: Rng,
    /// The path between two addresses.
    pub(crate) path: Box<dyn Fn(SocketAddr, SocketAddr) -> Path>,
    pub(crate) servers: BTreeMap<SocketAddr, Server>,
    /// TURN servers that answer Binding requests.
    pub(crate) turns: BTreeSet<SocketAddr>,
    /// Peers whose answers a test makes.
    pub(crate) peers: BTreeMap<SocketAddr, Peer>,
    /// Who answers at every other address.
    pub(crate) stranger: Option<Peer>,
    /// Every datagram that was sent: when, from, to, its length.
    pub(crate) log: Vec<(Instant, SocketAddr, SocketAddr, usize)>,
    queue: BTreeMap<(Instant, u64), Happening>,
    /// The one wake-up of each that counts.
    alarms: BTreeMap<SocketAddr, Instant>,
    order: u64,
    client: Option<(SocketAddr, Descent)>,
}

/// The port that a simulated server's checks come from.
const CHECKS: u16 = 3002;

/// The port that it asks the TURN server beside it from.
const BINDINGS: u16 = 3003;

impl World {
    pub(crate) fn new(seed: u64, path: impl Fn(SocketAddr, SocketAddr) -> Path + 'static) -> Self {
        Self {
            now: Instant::now(),
            rng: Rng::seed_from_u64(seed),
            path: Box::new(path),
            servers: BTreeMap::new(),
            turns: BTreeSet::new(),
            peers: BTreeMap::new(),
            stranger: None,
            log: Vec::new(),
            queue: BTreeMap::new(),
            alarms: BTreeMap::new(),
            order: 0,
            client: None,
        }
    }

    /// Starts, or restarts, a server.
    pub(crate) fn start(&mut self, addr: SocketAddr, site: &Site) {
        let name = site.name.parse().ok();
        let mut cluster = Cluster::new(name, site.turn, Rng::from_rng(&mut self.rng));
        cluster.set_nodes(
            self.now,
            site.nodes.iter().map(|&addr| NodeSpec { addr, public: addr, name: None }),
        );
        cluster.set_superiors(self.now, site.superiors.clone());
        cluster.check_turn(self.now);
        let server = Server { cluster, balancer: Balancer::default(), offer: Offer::default() };
        self.servers.insert(addr, server);
        self.turns.extend(site.turn);
        self.alarm(addr, self.now);
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs one descent to its end.
    pub(crate) fn descend(
        &mut self,
        from: SocketAddr,
        options: Options,
        roots: &[SocketAddr],
    ) -> Descent {
        let descent = Descent::new(options, roots, self.now, Rng::from_rng(&mut self.rng));
        self.client = Some((from, descent));
        self.alarm(from, self.now);
        let end = self.now + options.timeout + Duration::from_secs(1);
        loop {
            assert!(self.step(end), "the descent outlives its timeout");
            assert!(self.order < 1_000_000, "the descent turns without end");
            if let Some((_, descent)) = self.client.take_if(|(_, descent)| descent.is_finished()) {
                return descent;
            }
        }
    }

    fn push(&mut self, at: Instant, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    fn alarm(&mut self, who: SocketAddr, at: Instant) {
        if self.alarms.insert(who, at) != Some(at) {
            self.push(at, Happening::Wake(who));
        }
    }

    /// The next happening until `end`. Returns whether there was one.
    fn step(&mut self, end: Instant) -> bool {
        let Some(next) = self.queue.first_entry().filter(|next| next.key().0 <= end) else {
            return false;
        };
        let ((at, _), happening) = next.remove_entry();
        self.now = at;
        match happening {
            Happening::Wake(who) if self.alarms.get(&who) == Some(&at) => {
                self.alarms.remove(&who);
                self.wake(who);
            }
            Happening::Wake(_) => {}
            Happening::Arrival { from, to, payload } => self.arrive(from, to, &payload),
        }
        true
    }

    /// Puts a datagram on its way.
    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, payload: Vec<u8>) {
        self.log.push((self.now, from, to, payload.len()));
        let path = (self.path)(from, to);
        let copies = 1 + usize::from(self.rng.random_bool(path.twice));
        for _ in 0..copies {
            if !self.rng.random_bool(path.loss) {
                let delay = path.delay + path.jitter.mul_f64(self.rng.random::<f64>());
                let payload = payload.clone();
                self.push(self.now + delay, Happening::Arrival { from, to, payload });
            }
        }
    }

    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        if let Some((_, descent)) = self.client.as_mut().filter(|(addr, _)| *addr == to) {
            descent.handle_datagram(self.now, from, payload);
            self.wake(to);
        } else if self.turns.contains(&to) {
            if stun::is_stun(payload) {
                let mut answer = payload.to_vec();
                answer[..2].copy_from_slice(&[1, 1]);
                self.send(to, from, answer);
            }
        } else if let Some(peer) = self.peers.get(&to).copied() {
            for (source, answer) in peer(to, payload) {
                self.send(source, from, answer);
            }
        } else if matches!(to.port(), CHECKS | BINDINGS) {
            let addr = SocketAddr::new(to.ip(), 3001);
            if let Some(server) = self.servers.get_mut(&addr) {
                if to.port() == CHECKS {
                    server.cluster.handle_answer(self.now, from, payload);
                } else {
                    server.cluster.handle_binding(self.now, from, payload);
                }
                self.wake(addr);
            }
        } else if let Some(server) = self.servers.get_mut(&to) {
            if !server.offer.holds(self.now) {
                server.offer = server.cluster.poll_offer(self.now).unwrap_or_default();
            }
            let mut answer = Vec::new();
            let verdict =
                server.balancer.handle_datagram(&server.offer, to, from, payload, &mut answer);
            match verdict {
                Verdict::Answer => self.send(to, from, answer),
                Verdict::Heartbeat(ping) => {
                    server.cluster.handle_heartbeat(self.now, from, &ping);
                    self.wake(to);
                }
                Verdict::Drop(_) => {}
            }
        } else if let Some(stranger) = self.stranger {
            for (source, answer) in stranger(to, payload) {
                self.send(source, from, answer);
            }
        }
    }

    fn wake(&mut self, who: SocketAddr) {
        let now = self.now;
        let mut out = Vec::new();
        let next = if let Some((_, descent)) = self.client.as_mut().filter(|(addr, _)| *addr == who)
        {
            descent.handle_timeout(now);
            while let Some(transmit) = descent.poll_transmit(now) {
                out.push((who, transmit));
            }
            descent.poll_timeout()
        } else if let Some(Server { cluster, offer, .. }) = self.servers.get_mut(&who) {
            cluster.handle_timeout(now);
            *offer = cluster.poll_offer(now).unwrap_or_else(|| std::mem::take(offer));
            let checks = SocketAddr::new(who.ip(), CHECKS);
            while let Some(transmit) = cluster.poll_check(now) {
                out.push((checks, transmit));
            }
            let bindings = SocketAddr::new(who.ip(), BINDINGS);
            while let Some(transmit) = cluster.poll_binding(now) {
                out.push((bindings, transmit));
            }
            while let Some(transmit) = cluster.poll_heartbeat(now) {
                out.push((who, transmit));
            }
            while cluster.poll_event().is_some() {}
            cluster.poll_timeout()
        } else {
            None
        };
        for (from, transmit) in out {
            self.send(from, transmit.to, transmit.payload);
        }
        match next {
            Some(next) => self.alarm(who, next.max(now)),
            None => drop(self.alarms.remove(&who)),
        }
    }
}
