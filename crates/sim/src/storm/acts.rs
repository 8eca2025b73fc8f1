//! What happens in a storm, and when.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use turn_balance::internals::engine::client::descent::{
    Descent, Limits, Options, Strategy, Verify, View,
};
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::{Nat64, OnLink};

use super::plan::{CLIENTS, Part, Plan, Who};
use super::weather::Cut;
use super::{Storm, foes, old, patient, rogue, usurper};
use super::{law, rules};
use crate::Host;

#[derive(Debug)]
pub(super) enum Act {
    /// Something, whatever the dice say.
    Anything,
    Weather,
    Heal(Cut),
    Start(usize),
    StartTurn(SocketAddr),
    Resume(SocketAddr),
    /// A server drains, for so long.
    Drain(SocketAddr, Duration),
    Undrain(SocketAddr),
    /// An old server's heartbeat.
    Ping(usize),
    /// A rogue's heartbeat: it has news, as always.
    Restless(usize),
    Forge(Vec<foes::Forged>),
    /// A crowd behind one address comes back to a server, with cookies.
    Crowd(SocketAddr),
    /// A client sets out.
    Travel,
}

/// How far apart clients set out before a server drains, and how many: to one of them it may be the
/// nearest.
const ON_THEIR_WAY: (Duration, u32) = (Duration::from_millis(25), 8);

impl Storm {
    /// Starts everybody, in any order, within a second or two.
    pub(super) fn people(&mut self) {
        let plan = &self.plan;
        if plan.has(Who::Rogue) {
            let (seed, v4) = (self.rng.random(), plan.places[0].public.is_ipv4());
            let made_up = (0..99).map(|n| plan.addr_of(Part::MadeUp, n, 3001, v4));
            let made_up: Vec<_> = made_up.collect();
            self.world.unknown = Box::new(move |addr| {
                let known = made_up.iter().any(|made_up| made_up.ip() == addr.ip());
                (known && addr.port() >= rogue::BOTTOMLESS)
                    .then(|| Host::Actor(Box::new(rogue::bottomless(made_up.clone(), seed))))
            });
        }
        if let Some(usurper) = plan.usurper {
            let actor = usurper::server(plan);
            self.world.hosts.insert(usurper, Host::Actor(Box::new(actor)));
        }
        for n in 0..self.plan.places.len() {
            let wait = if self.rng.random_bool(0.8) { 0.01 } else { 3.0 };
            let wait = Duration::from_secs_f64(self.rng.random_range(0.0..wait));
            self.put(wait, Act::Start(n));
        }
    }

    pub(super) fn put(&mut self, wait: Duration, act: Act) {
        self.acts += 1;
        self.agenda.insert((self.world.now + wait, self.acts), act);
    }

    pub(super) fn schedule_acts(&mut self, time: Duration) {
        if self.foes.patience {
            for v4 in [true, false] {
                let idle = old::server(Vec::new(), None, self.kin());
                let addr = patient::idle(&self.plan, v4);
                self.world.hosts.insert(addr, Host::Actor(Box::new(idle)));
            }
        }
        let rate = self.rng.random_range(0.2..2.0);
        for _ in 0..(time.as_secs_f64() * rate) as u32 {
            let at = self.rng.random_range(Duration::ZERO..time);
            self.put(at, Act::Anything);
        }
        self.put(Duration::ZERO, Act::Weather);
        for _ in 0..self.rng.random_range(1..5) {
            let at = self.rng.random_range(Duration::ZERO..time);
            self.put(at, Act::Weather);
        }
    }

    pub(super) fn perform(&mut self, act: Act) {
        match act {
            Act::Anything => self.anything(),
            Act::Weather => {
                let corrupts = self.corrupts;
                if self.rng.random_bool(0.3) {
                    self.weather.borrow_mut().calm();
                } else {
                    self.weather.borrow_mut().turn(corrupts, &mut self.rng);
                }
            }
            Act::Heal(cut) => self.weather.borrow_mut().heal(cut),
            Act::Start(n) => self.start_place(n),
            Act::StartTurn(turn) => {
                let host = self.plan.turn_host(turn, true);
                self.world.hosts.insert(turn, host);
            }
            Act::Resume(addr) => {
                let now = self.world.now;
                if let Some(belief) = self.judge.belief(addr) {
                    belief.wake(now);
                }
                self.world.resume(addr);
            }
            Act::Drain(addr, long) => {
                if self.judge.belief(addr).is_some() && !self.world.is_suspended(addr) {
                    self.judge.drains(self.world.now, addr, true);
                    self.world.drain(addr, true);
                    self.put(long, Act::Undrain(addr));
                }
            }
            Act::Undrain(addr) => {
                self.judge.drains(self.world.now, addr, false);
                self.world.drain(addr, false);
            }
            Act::Ping(n) => {
                let place = &self.plan.places[n];
                if let Some(superior) = place.superior
                    && self.runs(place.addr)
                {
                    let to = self.plan.places[superior].addr;
                    self.world.send(place.addr, to, old::PING.to_vec());
                }
                self.put(Duration::from_secs(5), Act::Ping(n));
            }
            Act::Restless(n) => {
                let place = &self.plan.places[n];
                if let Some(superior) = place.superior
                    && self.runs(place.addr)
                {
                    let to = self.plan.places[superior].addr;
                    let heartbeat = rogue::heartbeat(&mut self.rng);
                    self.world.send(place.addr, to, heartbeat);
                }
                self.put(Duration::from_millis(250), Act::Restless(n));
            }
            Act::Forge(forged) => self.forge(forged),
            Act::Crowd(to) => {
                let forged = self.foes.crowd_returns(to, &self.plan, &mut self.rng);
                self.trickle(forged, 1);
            }
            Act::Travel => self.travel(),
        }
    }

    fn start_place(&mut self, n: usize) {
        let plan = &self.plan;
        let place = plan.places[n].clone();
        let site = plan.site(n);
        let now = self.world.now;
        let outside = [place.nat_source, Some(place.public).filter(|public| *public != place.addr)];
        let outside: Vec<_> = outside.into_iter().flatten().collect();
        match place.who {
            Who::Ours => {
                self.world.nat_sources.extend(place.nat_source.map(|source| (place.addr, source)));
                self.world
                    .nat_forwards
                    .extend(outside.iter().map(|outside| (*outside, place.addr)));
                let most = plan.most_nodes(n);
                let lan = [true, false].map(|v4| plan.lan(v4));
                self.judge.starts(now, place.addr, site.clone(), most, &outside, lan);
                let turns = place.turn_nodes.iter().chain(&place.turn);
                let hosts = turns.map(|turn| (*turn, plan.turn_host(*turn, true)));
                self.world.hosts.extend(hosts);
                self.world.start(place.addr, &site);
                return;
            }
            Who::Old => {
                let actor = old::server(site.nodes, place.turn, self.kin());
                self.world.hosts.insert(place.addr, Host::Actor(Box::new(actor)));
                if !self.is_to_ping(n) {
                    self.put(Duration::from_millis(1), Act::Ping(n));
                }
            }
            Who::Rogue => {
                let seed = self.rng.random();
                let actor = rogue::server(plan, place.addr, seed);
                self.world.hosts.insert(place.addr, Host::Actor(Box::new(actor)));
                let restless = |act: &Act| matches!(act, Act::Restless(at) if *at == n);
                if n.is_multiple_of(2) && !self.agenda.values().any(restless) {
                    self.put(Duration::from_millis(1), Act::Restless(n));
                }
            }
        }
        self.world.hosts.extend(place.turn.map(|turn| (turn, Host::Turn)));
    }

    /// All who would talk for ever with a server of the first implementation.
    fn kin(&self) -> Vec<SocketAddr> {
        let others = self.plan.places.iter().filter(|place| place.who != Who::Ours);
        let idle = [true, false].map(|v4| patient::idle(&self.plan, v4));
        others.map(|place| place.addr).chain(idle).collect()
    }

    fn is_to_ping(&self, n: usize) -> bool {
        self.agenda.values().any(|act| matches!(act, Act::Ping(at) if *at == n))
    }

    /// Takes a server out. Its host may say so to who asks it.
    pub(super) fn crash(&mut self, n: usize) {
        let addr = self.plan.places[n].addr;
        self.judge.stops(addr);
        self.world.stop(addr);
        if self.rng.random_bool(0.3) {
            self.world.hosts.insert(addr, Host::Closed);
        }
    }

    /// Whether anything runs there.
    pub(super) fn runs(&self, addr: SocketAddr) -> bool {
        !matches!(self.world.hosts.get(&addr), None | Some(Host::Closed))
    }

    fn anything(&mut self) {
        let n = self.rng.random_range(0..self.plan.places.len());
        let place = self.plan.places[n].clone();
        let ours = place.who == Who::Ours;
        let mut some = |most: f64| Duration::from_secs_f64(self.rng.random_range(0.1..most));
        let (short, long) = (some(4.0), some(25.0));
        match self.rng.random_range(0..100) {
            0..12 => {
                self.crash(n);
                self.report.borrow_mut().restarts += 1;
                let wait = if self.rng.random_bool(0.3) { Duration::ZERO } else { long };
                self.put(wait, Act::Start(n));
            }
            12..18 => {
                for turn in place.turn_nodes.into_iter().chain(place.turn) {
                    self.world.stop(turn);
                    self.put(long, Act::StartTurn(turn));
                }
            }
            18..25 if ours && self.judge.belief(place.addr).is_some() => {
                self.world.suspend(place.addr);
                let time = if self.rng.random_bool(0.5) { short } else { long };
                self.put(time, Act::Resume(place.addr));
            }
            25..34 => {
                let ip = Some(place.public.ip());
                let above = place.superior.map(|at| self.plan.places[at].public.ip());
                let cut = match self.rng.random_range(0..4) {
                    0 => Cut(ip, None),
                    1 => Cut(None, ip),
                    2 => Cut(ip, above),
                    _ => Cut(above, ip),
                };
                self.weather.borrow_mut().cut(cut);
                self.put(long, Act::Heal(cut));
            }
            34..38 => self.move_away(n),
            38..52 => self.travel(),
            52..55 => {
                // Its superior hears of it at once: only who is on the way by then has it in hand.
                let (apart, clients) = ON_THEIR_WAY;
                for n in 0..clients {
                    self.put(apart * n, Act::Travel);
                }
                self.put(apart * clients, Act::Drain(place.addr, long));
            }
            55..68 if self.foes.spoofs => {
                let forged = self.foes.spoof(&self.plan, &mut self.rng);
                self.forge(forged);
            }
            68..74 if self.foes.floods => {
                let forged = self.foes.flood(&self.plan, &mut self.rng);
                self.trickle(forged, 4);
            }
            74..90 if self.foes.replays => {
                let forged = self.foes.replay(&self.plan, &mut self.rng);
                self.forge(forged);
            }
            90..100 if self.foes.insider => {
                let (foes, plan, rng) = (&mut self.foes, &self.plan, &mut self.rng);
                let forged = rules::soberly(|| foes.join_in_numbers(plan, rng));
                self.trickle(forged, 3);
            }
            _ if self.foes.patience => self.be_patient(),
            _ => {}
        }
    }

    /// The TURN servers beside a third of all servers are so full now, or nobody knows how full. By the number of
    /// the descent: the dice are for all else.
    fn fill(&mut self, n: u64) {
        for (at, place) in (n..).zip(&self.plan.places).filter(|(at, _)| at % 3 == 0) {
            let leaf = place.who == Who::Ours && place.turn.is_some();
            if leaf && !self.world.is_suspended(place.addr) {
                let percent = u8::try_from(at * 37 % 130).ok();
                self.world.fill(place.addr, percent.filter(|percent| *percent <= 100));
            }
        }
    }

    fn be_patient(&mut self) {
        match self.rng.random_range(0..10) {
            0..4 => {
                let forged = patient::trickle(&self.plan, &mut self.rng);
                self.trickle(forged, 15);
            }
            4..8 => {
                let (forged, apart) = patient::loops(&self.plan, &mut self.rng);
                self.trickle(forged, apart);
            }
            _ => {
                let forged = patient::crowd(&self.plan, &mut self.rng);
                let Some((_, to, _)) = forged.first() else { return };
                self.put(Duration::from_millis(700), Act::Crowd(*to));
                self.trickle(forged, 1);
            }
        }
    }

    /// Sends many, a few ms apart.
    fn trickle(&mut self, forged: Vec<foes::Forged>, apart: u64) {
        for (n, forged) in forged.into_iter().enumerate() {
            let wait = Duration::from_millis(n as u64 * apart);
            self.put(wait, Act::Forge(vec![forged]));
        }
    }

    /// A server moves to another address; its superior's configuration follows.
    fn move_away(&mut self, n: usize) {
        let place = &self.plan.places[n];
        let Some(superior) = place.superior else { return };
        let ours = self.plan.places[superior].who == Who::Ours;
        let movable = place.who == Who::Ours && ours && place.nat_source.is_none();
        let asleep = self.world.is_suspended(self.plan.places[superior].addr);
        if !movable || asleep || n >= 100 || !place.subordinates.is_empty() {
            return;
        }
        // Where it was before, it has a place for some time still.
        self.crowded |= place.joins;
        self.crash(n);
        self.plan.move_away(n);
        let (above, now) = (self.plan.places[superior].addr, self.world.now);
        let nodes = self.plan.site(superior).nodes;
        if let Some(Host::Live(server)) = self.world.hosts.get_mut(&above) {
            let spec = |&addr: &SocketAddr| NodeSpec { addr, public: addr, name: None };
            server.engine.set_nodes(now, nodes.iter().map(spec));
            if let Some(belief) = self.judge.belief(above) {
                belief.set_nodes(nodes);
            }
            self.world.wake(above);
        }
        self.put(Duration::ZERO, Act::Start(n));
    }

    /// A client sets out.
    fn travel(&mut self) {
        let mut options = self.options();
        let n = self.report.borrow().descents;
        self.fill(n);
        if self.plan.urls {
            options.urls = !n.is_multiple_of(3);
            if n.is_multiple_of(4) {
                options.verify = Verify::Require;
            }
        }
        let rogues: Vec<_> =
            self.plan.places.iter().filter(|place| place.who == Who::Rogue).collect();
        let root = match rogues.is_empty() || self.rng.random_bool(0.5) {
            true => self.plan.places[0].public,
            false => rogues[self.rng.random_range(0..rogues.len())].public,
        };
        self.start_descent(options, root);
    }

    pub(super) fn start_descent(&mut self, mut options: Options, root: SocketAddr) -> SocketAddr {
        let n = self.report.borrow().descents;
        self.report.borrow_mut().descents += 1;
        let port = CLIENTS.start + (n % CLIENTS.len() as u64) as u16;
        let from = self.plan.addr_of(Part::Client, n as usize % 40, port, root.is_ipv4());
        options.on_link = Plan::on_link(from.ip());
        self.judge.start_descent(self.world.now, from, options.clone(), &[root]);
        self.world.start_descent(from, options, &[root]);
        from
    }

    fn options(&mut self) -> Options {
        let rng = &mut self.rng;
        let mut limits = Limits::default();
        if rng.random_bool(0.3) {
            limits.datagrams = rng.random_range(20..=256);
            limits.bytes = rng.random_range(4096..=65_536);
            limits.unanswered = rng.random_range(1..=8);
            limits.depth = rng.random_range(1..=8);
        }
        Options {
            strategy: if rng.random_bool(0.75) { Strategy::Best } else { Strategy::First },
            view: if rng.random_bool(0.8) { View::Flat } else { View::Subordinates },
            names: rng.random(),
            down: limits.depth.is_multiple_of(2),
            within: None,
            on_link: OnLink::default(),
            nat64: Nat64::default(),
            verify: if rng.random_bool(0.8) { Verify::On } else { Verify::Off },
            urls: false,
            runners_up: usize::from(limits.depth % 3),
            timeout: Duration::from_secs(rng.random_range(1..6)),
            linger: Duration::ZERO,
            limits,
            policy: law::policy_of(self.report.borrow().descents),
        }
    }

    pub(super) fn came_back(&mut self, from: SocketAddr, descent: &Descent) {
        let found = descent.selection().is_some_and(|outcome| outcome.is_ok());
        self.succeeded = Some((from, found));
        self.note(|| format!("-- {from} is back: {:?}", descent.selection()));
    }
}
