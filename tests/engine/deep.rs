//! A TURN server that must allocate, or relay, and does not always: one beside a leaf, or a node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::TurnLogin;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::answer::Listing;
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnNews, TurnSpec};
use turn_balance::internals::engine::server::ways::Way;
use turn_balance::internals::engine::server::{ServerEngine, ServerEvent};
use turn_balance::{TurnCredentials, TurnFault, TurnHealth, TurnSecret};
use turn_balance_sim::turn::{Behaviour, PASSWORD, ScriptedTurn, USER};

use crate::cascade::turn;

/// Where a TURN server stands to the one who asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Beside,
    Node,
}

/// What it was when a test began, in seconds since 1970.
const UNIX: u64 = 1_795_777_501;

/// A balance server, and the TURN server that it asks, which is no way off.
struct Leaf {
    engine: ServerEngine,
    server: ScriptedTurn,
    start: Instant,
    now: Instant,
    loss: f64,
    rng: Rng,
    events: Vec<(Duration, TurnNews)>,
    listing: Listing,
    sent: usize,
    /// The ways that it has asked, each from a port of its own.
    ways: BTreeMap<Way, u16>,
}

impl Leaf {
    fn new(seed: u64, level: TurnHealth, behaviour: Behaviour) -> Self {
        Self::at(Place::Beside, seed, level, behaviour)
    }

    fn at(place: Place, seed: u64, level: TurnHealth, behaviour: Behaviour) -> Self {
        let login = TurnLogin::User(TurnCredentials::new(USER, PASSWORD));
        Self::as_whom(place, seed, HealthPlan::new(level, Some(login)), behaviour)
    }

    /// One whose secret it is told.
    fn with_secret(place: Place, seed: u64, behaviour: Behaviour) -> Self {
        let secret = TurnSecret::new("north-wind");
        let login = TurnLogin::Secret(secret.clone(), "tb".into());
        let plan = HealthPlan::new(TurnHealth::Allocate, Some(login));
        let leaf = Self::as_whom(place, seed, plan, behaviour);
        Self { server: leaf.server.with_secret(secret), ..leaf }
    }

    fn as_whom(place: Place, seed: u64, plan: HealthPlan, behaviour: Behaviour) -> Self {
        let addr = turn("203.0.113.52");
        let mut engine = ServerEngine::new(None, Rng::seed_from_u64(seed));
        let start = Instant::now();
        let spec = TurnSpec { plan, ..TurnSpec::new(addr) };
        match place {
            Place::Beside => engine.set_turn(start, [spec]),
            Place::Node => engine.set_turn_nodes(start, [spec]),
        }
        Self {
            engine,
            server: ScriptedTurn::new(addr, behaviour),
            start,
            now: start,
            loss: 0.0,
            rng: Rng::seed_from_u64(seed + 1000),
            events: Vec::new(),
            listing: Listing::default(),
            sent: 0,
            ways: BTreeMap::new(),
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        loop {
            let unix = UNIX + (self.now - self.start).as_secs();
            self.engine.set_wall_clock(self.now, unix);
            self.engine.handle_timeout(self.now);
            if let Some((listing, _)) = self.engine.poll_listing(self.now) {
                self.listing = listing;
            }
            while let Some((way, request)) = self.engine.poll_binding(self.now) {
                self.sent += 1;
                let next = 40_000 + self.ways.len() as u16;
                let port = *self.ways.entry(way).or_insert(next);
                let from = SocketAddr::new("203.0.113.52".parse().unwrap(), port);
                for answer in self.server.handle(from, &request.payload) {
                    let lost = || self.rng.random_bool(self.loss);
                    if !std::iter::repeat_with(lost).take(2).any(|lost| lost) {
                        self.engine.handle_binding(self.now, request.to, &answer);
                    }
                }
            }
            while let Some(event) = self.engine.poll_event() {
                match event {
                    ServerEvent::Turn(event) => self.events.push((self.now - self.start, event)),
                    ServerEvent::Missing(_) | ServerEvent::Complete | ServerEvent::Trouble(_) => {}
                    event => panic!("{event:?}"),
                }
            }
            let next = self.engine.poll_timeout().unwrap();
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(turns < 40, "it turns without end");
            if next > end {
                return self.now = end;
            }
            self.now = next.max(self.now);
        }
    }

    /// Whether it is named, and not only for those who find nobody else.
    fn is_offered(&self) -> bool {
        let named = !self.listing.turn.is_empty() && !self.listing.turn_down;
        named || !self.listing.nodes.is_empty()
    }

    /// Why it is not, as far as that is known.
    fn fault(&self) -> Option<TurnFault> {
        let node = || self.engine.turn().faults().next().map(|(_, fault)| fault);
        self.engine.turn().own_fault().or_else(node)
    }

    /// Lets time pass until it is offered, or is not. Returns how long that took.
    fn wait_for(&mut self, offered: bool) -> Duration {
        let start = self.now;
        while self.is_offered() != offered {
            self.run_for(Duration::from_millis(50));
            assert!(self.now < start + Duration::from_secs(120), "{:?}", self.events);
        }
        self.now - start
    }
}

#[test]
fn one_that_does_not_do_what_it_is_for_is_not_offered_within_35_seconds_and_it_is_told_why() {
    let cases = [
        (TurnHealth::Allocate, Behaviour::Unauthorized, TurnFault::WrongCredentials),
        (TurnHealth::Allocate, Behaviour::Refuses(486), TurnFault::Quota),
        (TurnHealth::Allocate, Behaviour::Refuses(508), TurnFault::Capacity),
        (TurnHealth::Allocate, Behaviour::Refuses(403), TurnFault::Forbidden),
        (TurnHealth::Allocate, Behaviour::Refuses(300), TurnFault::Moved),
        (TurnHealth::Allocate, Behaviour::SwallowsAllocate, TurnFault::Silent),
        (TurnHealth::Relay, Behaviour::RelaysNothing, TurnFault::Unrelayed),
        (TurnHealth::Relay, Behaviour::Silent, TurnFault::Silent),
    ];
    for (n, (level, behaviour, fault)) in cases.into_iter().enumerate() {
        for seed in 0..10 {
            let place = if seed % 2 == 0 { Place::Beside } else { Place::Node };
            let mut leaf = Leaf::at(place, seed, level, Behaviour::Healthy);
            assert!(leaf.wait_for(true) <= Duration::from_secs(1), "case {n}, seed {seed}");
            leaf.run_for(Duration::from_millis(40_000 + 317 * seed));
            leaf.server.behave(behaviour);
            let gone = leaf.wait_for(false);
            assert!(gone <= Duration::from_secs(35), "case {n}, seed {seed}: {gone:?}");
            assert_eq!(leaf.fault(), Some(fault), "case {n}");
            let [(_, TurnNews::Up(_)), (_, TurnNews::Down(_, told))] = &leaf.events[..] else {
                panic!("case {n}, seed {seed}: {:?}", leaf.events);
            };
            assert_eq!(*told, fault);
            leaf.run_for(Duration::from_secs(60));
            leaf.server.behave(Behaviour::Healthy);
            let back = leaf.wait_for(true);
            assert!(back <= Duration::from_secs(13), "case {n}, seed {seed}: {back:?}");
            leaf.run_for(Duration::from_secs(300));
            assert_eq!(leaf.events.len(), 3, "case {n}, seed {seed}: {:?}", leaf.events);
        }
    }
}

#[test]
fn one_that_is_full_stays_full_for_whoever_mints_credentials_and_is_back_when_it_has_room() {
    for seed in 0..20 {
        let place = if seed % 2 == 0 { Place::Beside } else { Place::Node };
        let mut leaf = Leaf::with_secret(place, seed, Behaviour::Refuses(486));
        leaf.run_for(Duration::from_millis(100_000 + 1317 * seed));
        assert_eq!(leaf.fault(), Some(TurnFault::Quota), "{:?}", leaf.events);
        leaf.server.behave(Behaviour::Healthy);
        let back = leaf.wait_for(true);
        // 10 s, a tenth more or less.
        assert!(back <= Duration::from_millis(11_100), "{place:?}: {back:?}");
        leaf.run_for(Duration::from_secs(300));
        let [(_, TurnNews::Down(_, TurnFault::Quota)), (_, TurnNews::Up(_))] = leaf.events[..]
        else {
            panic!("{:?}", leaf.events)
        };
    }
}

/// An allocation whose release was lost, or whom a port was known by: 437 is of that port.
#[test]
fn a_mismatch_moves_to_another_port_and_hides_no_reason() {
    let mut leaf = Leaf::with_secret(Place::Beside, 3, Behaviour::Refuses(437));
    leaf.run_for(Duration::from_secs(100));
    assert_eq!(leaf.fault(), Some(TurnFault::Refused(437)), "that is all that it says");
    let mut leaf = Leaf::with_secret(Place::Beside, 4, Behaviour::RefusesOnce(437));
    assert!(leaf.wait_for(true) <= Duration::from_secs(1));
    assert_eq!(leaf.ways.len(), 2, "{:?}", leaf.ways);
    leaf.server.behave(Behaviour::Refuses(508));
    leaf.wait_for(false);
    leaf.server.behave(Behaviour::Refuses(437));
    leaf.run_for(Duration::from_secs(100));
    assert_eq!(leaf.fault(), Some(TurnFault::Capacity), "{:?}", leaf.events);
}

#[test]
fn what_shows_nothing_takes_nobody_down_and_is_told_once() {
    let mut leaf = Leaf::new(1, TurnHealth::Relay, Behaviour::Permits(403));
    leaf.run_for(Duration::from_secs(200));
    assert_eq!(leaf.listing.turn, [turn("203.0.113.52")]);
    let unproved = |(_, event): &&(Duration, TurnNews)| matches!(event, TurnNews::Unproved(_));
    assert_eq!(leaf.events.iter().filter(unproved).count(), 1, "{:?}", leaf.events);
    assert_eq!(leaf.events.len(), 2);
}

#[test]
fn a_wrong_secret_is_never_offered_from_the_start() {
    let mut leaf = Leaf::new(2, TurnHealth::Allocate, Behaviour::Healthy);
    let login = TurnLogin::Secret(TurnSecret::new("north-wind"), "tb".into());
    let plan = HealthPlan::new(TurnHealth::Allocate, Some(login));
    let spec = TurnSpec { plan, ..TurnSpec::new(turn("203.0.113.52")) };
    leaf.engine.set_turn(leaf.now, [spec]);
    leaf.run_for(Duration::from_secs(100));
    let [(at, TurnNews::Down(_, TurnFault::WrongCredentials))] = leaf.events[..] else {
        panic!("{:?}", leaf.events)
    };
    assert!(at < Duration::from_secs(1));
}

#[test]
fn a_tenth_that_is_lost_each_way_takes_nobody_down_and_leaves_few_allocations() {
    for seed in 0..10 {
        let mut leaf = match seed % 2 {
            0 => Leaf::new(seed, TurnHealth::Relay, Behaviour::Healthy),
            _ => Leaf::with_secret(Place::Node, seed, Behaviour::Healthy),
        };
        leaf.wait_for(true);
        leaf.loss = 0.1;
        leaf.run_for(Duration::from_secs(1200));
        assert_eq!(leaf.events.len(), 1, "seed {seed}: {:?}", leaf.events);
        assert!(leaf.server.allocations() <= 1);
        // Three Binding requests in nine seconds, and a deep check of eight in half a minute.
        assert!(leaf.sent < 1200 / 2 + 1200 / 30 * 15, "{}", leaf.sent);
    }
}

#[test]
fn no_request_to_a_node_waits_longer_than_the_answer_before_it_or_leaves_twice() {
    for level in [TurnHealth::Allocate, TurnHealth::Relay] {
        let mut beside = Leaf::at(Place::Beside, 3, level, Behaviour::Healthy);
        let mut node = Leaf::at(Place::Node, 3, level, Behaviour::Healthy);
        for leaf in [&mut beside, &mut node] {
            leaf.run_for(Duration::from_millis(100));
            assert_eq!(leaf.server.allocations(), 0, "{level:?}: it has let go what it had");
        }
        assert_eq!((node.engine.count().online, node.sent), (1, beside.sent), "{level:?}");
    }
}
