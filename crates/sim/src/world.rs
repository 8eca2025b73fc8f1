//! Who is there, and the time that passes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Descent, Obstacle, Options};
use turn_balance::internals::engine::client::watch::WatchEngine;
use turn_balance::internals::engine::server::NodeCount;
use turn_balance::internals::engine::server::answer::Responder;
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::wire::{Kind, Node, Request, RequestBody};
use turn_balance::{Labels, Load};

use crate::host::{self, Host, Site};
use crate::path::{Outages, Path, ms};
use crate::queue::{Datagram, Happening, Origin, Queue};

/// Everything that is simulated.
pub struct World<'a> {
    pub now: Instant,
    /// When the session began: what logs and outages count from.
    start: Instant,
    pub rng: Rng,
    /// The path from one address to another.
    pub path: Box<dyn Fn(SocketAddr, SocketAddr) -> Path + 'a>,
    /// When the client's own link is down.
    pub outages: Outages,
    pub hosts: BTreeMap<SocketAddr, Host>,
    /// Who is at an address that is not among the hosts; asked once for each.
    pub unknown: Box<dyn FnMut(SocketAddr) -> Option<Host> + 'a>,
    /// Every datagram that was sent since the session began.
    pub log: Vec<Sent>,
    /// Servers behind a NAT, by their own addresses: where what they send seems to come from.
    pub nat_sources: BTreeMap<SocketAddr, SocketAddr>,
    /// Addresses outside of a NAT that lead to a server behind it.
    pub nat_forwards: BTreeMap<SocketAddr, SocketAddr>,
    /// What a test sees of every datagram that is no check: its source, its sink, its bytes.
    pub tap: Option<Vec<(SocketAddr, SocketAddr, Vec<u8>)>>,
    /// What the client has heard since then: when, and from whom.
    pub heard: Vec<(Duration, SocketAddr)>,
    /// Of all servers that are not live: their rotating samples move on between two questions to
    /// one of them, as if others asked it too.
    responder: Responder,
    queue: Queue,
    clients: BTreeMap<SocketAddr, Descent>,
    /// Clients that stay, by where they measure from.
    watches: BTreeMap<SocketAddr, WatchEngine>,
    /// Servers that do not run at the moment, and what waits for them.
    asleep: BTreeMap<SocketAddr, Vec<Datagram>>,
    /// What a test is told of everything that happens, if it asks; the log stays empty then.
    pub(crate) diary: Option<Vec<Note>>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Note {
    /// Somebody has sent a datagram; true: to answer the one that arrived last.
    Sent(Datagram, bool),
    /// A datagram has arrived, and is handled next.
    Arrived(Datagram),
    /// It was a heartbeat, or an answer to one.
    PeerMessage { taken: bool, changed: bool },
    /// Nothing came of it.
    Dropped(DropReason),
}

/// A datagram that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub at: Duration,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub len: usize,
}

impl<'a> World<'a> {
    pub fn new(seed: u64, path: impl Fn(SocketAddr, SocketAddr) -> Path + 'a) -> Self {
        let now = Instant::now();
        Self {
            now,
            start: now,
            rng: Rng::seed_from_u64(seed),
            path: Box::new(path),
            outages: Outages::default(),
            hosts: BTreeMap::new(),
            unknown: Box::new(|_| None),
            log: Vec::new(),
            nat_sources: BTreeMap::new(),
            nat_forwards: BTreeMap::new(),
            tap: None,
            heard: Vec::new(),
            responder: host::patient(now),
            queue: Queue::default(),
            clients: BTreeMap::new(),
            watches: BTreeMap::new(),
            asleep: BTreeMap::new(),
            diary: None,
        }
    }

    /// Handles what happens at the same instant in an order that this seed gives.
    pub fn shuffle(&mut self, seed: u64) {
        self.queue.shuffle = Some(Rng::seed_from_u64(seed));
    }

    /// Begins a new session among the same hosts, none of which is live. Nothing of the one
    /// before is left.
    pub fn begin(
        &mut self,
        rng: Rng,
        outages: Outages,
        path: impl Fn(SocketAddr, SocketAddr) -> Path + 'a,
    ) {
        (self.start, self.rng, self.outages) = (self.now, rng, outages);
        self.path = Box::new(path);
        self.responder = host::patient(self.now);
        self.queue = Queue::default();
        self.watches.clear();
        self.log.clear();
        self.heard.clear();
    }

    /// Starts, or restarts, a live server, with the TURN server beside it.
    pub fn start(&mut self, addr: SocketAddr, site: &Site) {
        let server = Host::live(site, self.now, Rng::from_rng(&mut self.rng));
        self.hosts.insert(addr, server);
        if let Some(turn) = site.turn {
            self.hosts.entry(turn).or_insert(Host::Turn);
        }
        self.queue.alarm(addr, Some(self.now));
    }

    /// How many of a live server's nodes are online, and how many it has.
    pub fn count(&self, addr: SocketAddr) -> (usize, usize) {
        let NodeCount { online, all } = self.hosts[&addr].server().engine.count();
        (online, all)
    }

    /// Has a live server ask not to be chosen any more, or takes that back.
    pub fn drain(&mut self, addr: SocketAddr, draining: bool) {
        let Some(Host::Live(server)) = self.hosts.get_mut(&addr) else { return };
        if draining {
            server.engine.drain();
        } else {
            server.engine.undrain();
        }
        self.wake(addr);
    }

    /// Has the TURN server beside a live server be so full, in hundredths.
    pub fn fill(&mut self, addr: SocketAddr, percent: Option<u8>) {
        let Some(Host::Live(server)) = self.hosts.get_mut(&addr) else { return };
        server.engine.set_load(percent.and_then(|percent| Load::new(percent.into(), 100)));
        self.wake(addr);
    }

    /// Has a live server be labelled so.
    pub fn label(&mut self, addr: SocketAddr, labels: Labels) {
        let Some(Host::Live(server)) = self.hosts.get_mut(&addr) else { return };
        server.engine.set_labels(labels);
        self.wake(addr);
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs one descent to its end.
    pub fn descend(&mut self, from: SocketAddr, options: Options, roots: &[SocketAddr]) -> Descent {
        let end = self.now + options.timeout.min(Duration::from_secs(24 * 60 * 60));
        self.start_descent(from, options, roots);
        for _ in 0..1_000_000 {
            if let Some(descent) = self.take_finished(from) {
                return descent;
            }
            assert!(self.step(end), "the descent outlives its timeout");
        }
        panic!("the descent turns without end");
    }

    /// Begins a descent.
    pub(crate) fn start_descent(
        &mut self,
        from: SocketAddr,
        options: Options,
        roots: &[SocketAddr],
    ) {
        let descent = Descent::new(options, roots, self.now, Rng::from_rng(&mut self.rng));
        self.clients.insert(from, descent);
        self.wake(from);
    }

    /// Has a client stay; its descents are somebody else's.
    pub(crate) fn start_watch(&mut self, from: SocketAddr, options: &Options) {
        let watch = WatchEngine::new(options, self.now, Rng::from_rng(&mut self.rng));
        self.watches.insert(from, watch);
    }

    /// The client that measures from there.
    pub fn watch_at(&mut self, addr: SocketAddr) -> Option<&mut WatchEngine> {
        self.watches.get_mut(&addr)
    }

    /// A descent that has ended.
    pub(crate) fn take_finished(&mut self, from: SocketAddr) -> Option<Descent> {
        self.clients.get(&from).filter(|descent| descent.is_finished())?;
        self.abandon(from)
    }

    /// Ends a descent, whatever it does.
    pub(crate) fn abandon(&mut self, from: SocketAddr) -> Option<Descent> {
        self.queue.alarm(from, None);
        self.clients.remove(&from)
    }

    /// Stops a server's clock. What comes meanwhile waits.
    pub(crate) fn suspend(&mut self, addr: SocketAddr) {
        self.asleep.entry(addr).or_default();
    }

    pub(crate) fn is_suspended(&self, addr: SocketAddr) -> bool {
        self.asleep.contains_key(&addr)
    }

    /// Lets it run again: everything comes at once.
    pub(crate) fn resume(&mut self, addr: SocketAddr) {
        for datagram in self.asleep.remove(&addr).into_iter().flatten() {
            self.arrive(datagram);
        }
        self.wake(addr);
    }

    /// Takes a server, or a TURN server, out of the world.
    pub fn stop(&mut self, addr: SocketAddr) {
        self.asleep.remove(&addr);
        self.queue.alarm(addr, None);
        self.hosts.remove(&addr);
    }

    /// The next happening until `end`. Returns whether there was one.
    pub fn step(&mut self, end: Instant) -> bool {
        let Some((at, happening)) = self.queue.pop(end) else { return false };
        self.now = at;
        match happening {
            Happening::Arrival(datagram) => self.arrive(datagram),
            Happening::Refusal(Datagram { from, to, payload, .. }) => {
                if let Some(descent) = self.client_at(from) {
                    descent.handle_icmp(at, to, Obstacle::Port, &payload);
                    self.wake(from);
                }
            }
            Happening::Wake(addr) => {
                if let Some(descent) = self.client_at(addr) {
                    descent.handle_timeout(at);
                }
                if let Some(watch) = self.watch_at(addr) {
                    watch.handle_timeout(at);
                }
                self.wake(addr);
            }
        }
        true
    }

    pub(crate) fn client_at(&mut self, addr: SocketAddr) -> Option<&mut Descent> {
        self.clients.get_mut(&addr)
    }

    /// Whether this is the client, and its link is down.
    fn is_cut_off(&self, addr: SocketAddr) -> bool {
        let down = self.outages.hold((self.now - self.start).as_secs_f64() * 1e3);
        down && self.clients.contains_key(&addr)
    }

    /// Puts a datagram on its way.
    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, payload: Vec<u8>) {
        self.put(Datagram { from, to, payload, origin: Origin::OWN }, false);
    }

    /// Puts a datagram on its way.
    pub(crate) fn put(&mut self, datagram: Datagram, answer: bool) {
        let Datagram { from, to, ref payload, origin } = datagram;
        match &mut self.diary {
            Some(diary) => diary.push(Note::Sent(datagram.clone(), answer)),
            None => self.log.push(Sent { at: self.now - self.start, from, to, len: payload.len() }),
        }
        if let Some(tap) = &mut self.tap {
            match Request::decode(payload) {
                Ok(Request { body: RequestBody::Probe(_), .. }) => {}
                _ => tap.push((from, to, payload.clone())),
            }
        }
        if self.is_cut_off(from) {
            return;
        }
        let path = (self.path)(from, to);
        let twice = path.twice > 0.0 && self.rng.random_bool(path.twice);
        for _ in 0..1 + usize::from(twice) {
            if let Some(way) = path.one_way(&mut self.rng) {
                let payload = path.corrupt(payload.clone(), &mut self.rng);
                self.queue.push(self.now + ms(way), Datagram { from, to, payload, origin });
            }
        }
    }

    fn arrive(&mut self, datagram: Datagram) {
        let now = self.now;
        let Datagram { from, to, .. } = datagram;
        let inside = self.nat_forwards.get(&to).copied().unwrap_or(to);
        let at = host::own_addr(inside);
        if let Some(waiting) = self.asleep.get_mut(&at) {
            return waiting.push(datagram);
        }
        if let Some(diary) = &mut self.diary {
            diary.push(Note::Arrived(datagram.clone()));
        }
        let Datagram { payload, origin, .. } = datagram;
        let cut_off = self.is_cut_off(to);
        if let Some(descent) = self.client_at(to) {
            if !cut_off {
                descent.handle_datagram(now, from, &payload);
                self.heard.push((now - self.start, from));
                self.wake(to);
            }
            return;
        }
        if let Some(watch) = self.watch_at(to) {
            watch.handle_datagram(now, from, &payload);
            self.heard.push((now - self.start, from));
            return self.wake(to);
        }
        if !self.hosts.contains_key(&at) {
            let Some(host) = (self.unknown)(at) else { return };
            self.hosts.insert(at, host);
        }
        let Some(host) = self.hosts.get_mut(&at) else { return };
        if let Host::Closed = host {
            let back = ms((self.path)(to, from).delay);
            return self.queue.push_refusal(now + back, Datagram { from, to, payload, origin });
        }
        let dropped = host.dropped();
        let answers = host.handle_datagram(now, inside, from, &payload, &mut self.responder);
        if let (Some(diary), Host::Live(server)) = (&mut self.diary, &*host) {
            let note = |(taken, changed)| Note::PeerMessage { taken, changed };
            diary.extend(server.peer_messages.map(note));
            diary.extend(server.dropped[dropped..].iter().map(|reason| Note::Dropped(*reason)));
        }
        for (source, payload) in answers {
            let source = if source == inside { to } else { source };
            self.put(Datagram { from: source, to: from, payload, origin: origin.answer() }, true);
        }
        self.wake(at);
    }

    /// Sends what a host, or a client, has to send, and notes when it wants to be woken.
    pub(crate) fn wake(&mut self, addr: SocketAddr) {
        if self.asleep.contains_key(&addr) {
            return;
        }
        let now = self.now;
        let mut out = Vec::new();
        let next = match (self.clients.get_mut(&addr), self.watches.get_mut(&addr)) {
            (Some(descent), _) => {
                while let Some(transmit) = descent.poll_transmit(now) {
                    out.push((addr, transmit));
                }
                descent.poll_timeout()
            }
            (None, Some(watch)) => {
                while let Some(transmit) = watch.poll_transmit(now) {
                    out.push((addr, transmit));
                }
                watch.poll_timeout()
            }
            (None, None) => match self.hosts.get_mut(&addr) {
                Some(Host::Live(server)) => server.poll(now, addr, &mut out),
                _ => return,
            },
        };
        for (from, transmit) in out {
            let from = self.nat_sources.get(&from).copied().unwrap_or(from);
            self.send(from, transmit.to, transmit.payload);
        }
        self.queue.alarm(addr, next.map(|next| next.max(now)));
    }
}

/// An entry of a list: a leaf where it names a TURN server, else a balance server.
pub fn node(addr: SocketAddr, turn: Option<SocketAddr>) -> Node {
    let kind = if turn.is_some() { Kind::Leaf } else { Kind::Balance };
    Node { turn, ..Node::new(addr, kind) }
}
