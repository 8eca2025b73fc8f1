//! TURN servers that a server asks itself: those beside it, and those that are nodes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::TurnFault;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::Options;
use turn_balance::internals::engine::server::answer::Listing;
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::turn::{TurnNews, TurnSpec};
use turn_balance::internals::engine::server::ways::Way;
use turn_balance::internals::engine::server::{NodeCount, ServerEngine, ServerEvent};
use turn_balance::internals::wire::{
    Kind, ProbeReply, Request, RequestBody, Response, ResponseBody, stun,
};
use turn_balance_sim::{Host, Path, Site, World};

use crate::cascade::*;

/// A server whose nodes are TURN servers, and what stands at their addresses.
struct Superior {
    engine: ServerEngine,
    start: Instant,
    now: Instant,
    turns: Vec<(SocketAddr, Turns)>,
    /// How much of what is sent is lost, each way.
    loss: f64,
    rng: Rng,
    events: Vec<(Duration, TurnNews)>,
    /// What left, when, and which way.
    sent: Vec<(Duration, SocketAddr, Way, bool)>,
}

/// What stands there.
#[derive(Clone, Copy, PartialEq)]
enum Turns {
    Nobody,
    Turn,
    Balance,
    /// A TURN server behind a NAT that has forgotten all but new ways.
    Behind(Way),
}

const ADDRS: [&str; 3] = ["192.0.2.1:3478", "192.0.2.2:3478", "[2001:db8::3]:3478"];

fn turn_node(n: usize) -> SocketAddr {
    ADDRS[n].parse().unwrap()
}

impl Superior {
    fn new(seed: u64, turns: &[Turns]) -> Self {
        let start = Instant::now();
        let mut engine = ServerEngine::new(None, Rng::seed_from_u64(seed));
        let turns: Vec<_> = turns.iter().enumerate().map(|(n, at)| (turn_node(n), *at)).collect();
        engine.set_turn_nodes(start, turns.iter().map(|(addr, _)| TurnSpec::new(*addr)));
        let rng = Rng::seed_from_u64(seed + 1000);
        let (events, sent) = (Vec::new(), Vec::new());
        Self { engine, start, now: start, turns, loss: 0.0, rng, events, sent }
    }

    fn answer(&mut self, way: Way, to: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
        let (_, at) = self.turns.iter().find(|(addr, _)| *addr == to)?;
        let binding = || {
            let mut answer = request.to_vec();
            answer[..2].copy_from_slice(&[1, 1]);
            answer
        };
        if self.rng.random_bool(self.loss) || self.rng.random_bool(self.loss) {
            return None;
        }
        match *at {
            Turns::Turn | Turns::Balance if stun::is_stun(request) => Some(binding()),
            Turns::Behind(dead) if way != dead && stun::is_stun(request) => Some(binding()),
            Turns::Balance => {
                let request = Request::decode(request).unwrap();
                let RequestBody::Probe(probe) = request.body else { panic!("no probe") };
                let nonce = probe.nonce;
                let reply = ProbeReply { nonce, version: 1, ..ProbeReply::default() };
                Some(Response { id: request.id, body: ResponseBody::Probe(reply) }.encode())
            }
            _ => None,
        }
    }

    /// Lets so much time pass.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        loop {
            self.engine.handle_timeout(self.now);
            self.engine.poll_snapshot(self.now);
            while let Some((way, request)) = self.engine.poll_binding(self.now) {
                let at = self.now - self.start;
                self.sent.push((at, request.to, way, stun::is_stun(&request.payload)));
                if let Some(answer) = self.answer(way, request.to, &request.payload) {
                    assert!(self.engine.handle_binding(self.now, request.to, &answer));
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
            assert!(turns < 9, "it turns without end");
            if next > end {
                self.now = end;
                return;
            }
            self.now = next.max(self.now);
        }
    }

    /// Lets time pass, until a TURN server is online, or is not. Returns how long that took.
    fn wait_for(&mut self, online: usize) -> Duration {
        let start = self.now;
        while self.engine.count().online != online {
            self.run_for(Duration::from_millis(10));
            assert!(self.now < start + Duration::from_secs(60));
        }
        self.now - start
    }
}

#[test]
fn a_turn_node_that_dies_is_gone_in_eleven_seconds_and_back_in_seven() {
    for seed in 0..200 {
        let mut superior = Superior::new(seed, &[Turns::Turn]);
        superior.run_for(Duration::from_secs(1));
        assert_eq!(superior.engine.count(), NodeCount { online: 1, all: 1 });
        superior.run_for(Duration::from_millis(10_000 + 37 * seed));
        superior.turns[0].1 = Turns::Nobody;
        let gone = superior.wait_for(0);
        assert!(gone <= Duration::from_secs(11), "seed {seed}: gone after {gone:?}");
        assert!(gone >= Duration::from_secs(6), "seed {seed}: one silence, {gone:?}");
        superior.run_for(Duration::from_millis(5_000 + 13 * seed));
        superior.turns[0].1 = Turns::Turn;
        let back = superior.wait_for(1);
        assert!(back <= Duration::from_secs(7), "seed {seed}: back after {back:?}");
        let told: Vec<_> = superior.events.iter().map(|(_, event)| event).collect();
        let [TurnNews::Up(_), TurnNews::Down(_, TurnFault::Silent), TurnNews::Up(_)] = told[..]
        else {
            panic!("seed {seed}: {told:?}");
        };
    }
}

#[test]
fn a_turn_node_stays_online_where_a_tenth_is_lost_each_way() {
    for seed in 0..20 {
        let mut superior = Superior::new(seed, &[Turns::Turn]);
        superior.run_for(Duration::from_secs(1));
        superior.loss = 0.1;
        superior.run_for(Duration::from_secs(1200));
        assert_eq!(superior.events.len(), 1, "seed {seed}: {:?}", superior.events);
    }
}

#[test]
fn a_balance_server_is_no_turn_node_and_that_is_told() {
    for seed in 0..20 {
        let mut superior = Superior::new(seed, &[Turns::Balance, Turns::Turn]);
        superior.run_for(Duration::from_secs(30));
        assert_eq!(superior.engine.count(), NodeCount { online: 1, all: 2 });
        let told = |event: &TurnNews| match event {
            TurnNews::Up(id) => (id.addr, None),
            TurnNews::Down(id, fault) => (id.addr, Some(*fault)),
            TurnNews::Unproved(_) | TurnNews::NoneAnswered(_) => panic!("{event:?}"),
        };
        let told: BTreeSet<_> = superior.events.iter().map(|(_, event)| told(event).0).collect();
        assert_eq!((told.len(), superior.events.len()), (2, 2), "{:?}", superior.events);
        let faults: Vec<_> = superior.engine.turn().faults().map(|(_, fault)| fault).collect();
        assert_eq!(faults, [TurnFault::Balance]);
        // A TURN server is moved there.
        superior.turns[0].1 = Turns::Turn;
        superior.wait_for(2);
        // One that was there all along is asked for that a few times, and no more.
        let probes = superior.sent.iter().filter(|(_, to, _, stun)| *to == turn_node(1) && !stun);
        assert!((1..=4).contains(&probes.count()));
        // And the other way round.
        superior.run_for(Duration::from_secs(60));
        superior.turns[1].1 = Turns::Nobody;
        superior.run_for(Duration::from_secs(60));
        superior.turns[1].1 = Turns::Balance;
        let before = superior.events.len();
        superior.run_for(Duration::from_secs(30));
        assert_eq!(superior.engine.count().online, 1);
        let up = |(_, event): &(Duration, TurnNews)| matches!(event, TurnNews::Up(_));
        assert!(!superior.events[before..].iter().any(up), "{:?}", superior.events);
    }
}

#[test]
fn that_none_of_them_answers_is_told_once() {
    let mut superior = Superior::new(1, &[Turns::Nobody, Turns::Nobody]);
    superior.run_for(Duration::from_secs(120));
    let [(at, TurnNews::NoneAnswered(2))] = superior.events[..] else {
        panic!("{:?}", superior.events)
    };
    assert_eq!(at, Duration::from_secs(10));
    // The silent are asked by one datagram every three seconds.
    assert!(superior.sent.len() < 2 * 2 * 120 / 3, "{}", superior.sent.len());
}

#[test]
fn a_turn_node_that_a_nat_has_lost_stays_online_by_another_way() {
    for seed in 0..20 {
        let mut superior = Superior::new(seed, &[Turns::Turn, Turns::Turn, Turns::Nobody]);
        superior.run_for(Duration::from_secs(10));
        superior.turns[0].1 = Turns::Behind(Way::FIRST);
        superior.run_for(Duration::from_secs(120));
        let ways = |n: usize| {
            let mut ways = Vec::new();
            for (at, _, way, _) in superior.sent.iter().filter(|(_, to, ..)| *to == turn_node(n)) {
                if ways.last().is_none_or(|(_, last)| last != way) {
                    ways.push((*at, *way));
                }
            }
            ways
        };
        assert_eq!((ways(1).len(), ways(0).len()), (1, 2), "seed {seed}");
        let gone = ways(2);
        assert!(gone.len() > 2, "seed {seed}: {gone:?}");
        let apart = gone.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap();
        assert!(apart >= Duration::from_secs(5), "seed {seed}: {gone:?}");
        assert_eq!(superior.engine.count().online, 2);
    }
}

/// A root of TURN nodes alone, so many milliseconds away from the client; what is beside it is 9 away.
fn turn_world(seed: u64, nodes: Vec<SocketAddr>, turns: [u64; 3]) -> World<'static> {
    let far = move |addr: SocketAddr| {
        let n = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
        n.iter().position(|ip| server(ip).ip() == addr.ip()).map_or(9, |n| turns[n])
    };
    let mut world = World::new(seed, move |from, to| Path::of(far(from).min(far(to))));
    let turn_nodes: Vec<_> = (1..=3).map(|n| turn(&format!("203.0.113.{n}"))).collect();
    for node in &turn_nodes {
        world.hosts.insert(*node, Host::Turn);
    }
    world.start(server(ROOT), &Site { name: "root", nodes, turn_nodes, ..Site::default() });
    world
}

#[test]
fn clients_race_turn_nodes_and_name_the_nearest() {
    let mut world = turn_world(1, vec![], [9, 3, 8]);
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.count(server(ROOT)), (3, 3));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, turn("203.0.113.2"));
    // A superior passes them on.
    let above = server("198.51.100.9");
    world.start(above, &Site { name: "above", nodes: vec![server(ROOT)], ..Site::default() });
    world.run_for(Duration::from_secs(3));
    let listed: BTreeSet<_> = flat_list(&mut world, above).into_iter().collect();
    let descent = world.descend(client(), Options::default(), &[above]);
    assert_eq!(selection(&descent).turn, turn("203.0.113.2"));
    let trace = trace(&descent);
    assert!(trace.candidates.iter().all(|c| c.addr == above || c.level == 1), "{trace:?}");
    assert!(!listed.contains(&server(ROOT)), "{listed:?}");
}

/// What a bare asker is answered.
fn bare(world: &mut World<'_>) -> ProbeReply {
    let from = SocketAddr::new(CLIENT.parse().unwrap(), 5000);
    world.tap = Some(Vec::new());
    world.send(from, server(ROOT), vec![0x08, 0x01, 0x12, 0x00]);
    world.run_for(Duration::from_millis(200));
    let answers = world.tap.take().unwrap();
    let mut answers = answers.iter().filter(|(_, to, _)| *to == from);
    let (.., answer) = answers.next().expect("an answer");
    let Ok(Response { body: ResponseBody::Probe(reply), .. }) = Response::decode(answer) else {
        panic!("no reply")
    };
    reply
}

#[test]
fn bare_askers_are_told_of_balance_servers_else_of_one_turn_server() {
    let mut world = turn_world(2, vec![], [9, 3, 8]);
    world.run_for(Duration::from_secs(3));
    let reply = bare(&mut world);
    assert!(reply.hosts.is_empty() && reply.nodes.is_empty());
    assert_eq!(reply.turn, Some(turn("203.0.113.2")), "the nearest to the server");

    let mut world = turn_world(3, vec![leaf(11)], [9, 3, 8]);
    world.start(leaf(11), &Site { superiors: vec![server(ROOT)], ..leaf_site(11) });
    world.run_for(Duration::from_secs(3));
    let reply = bare(&mut world);
    assert_eq!((reply.hosts, reply.turn), (vec![leaf(11)], None));
}

#[test]
fn a_node_that_is_a_balance_server_and_a_turn_server_is_listed_once() {
    let both = leaf(11);
    let start = Instant::now();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(4));
    engine.set_nodes(start, [NodeSpec { addr: both, public: both, name: None }]);
    engine.set_turn_nodes(start, [TurnSpec::new(both)]);
    engine.handle_timeout(start);
    let check = engine.poll_check(start).unwrap();
    let answer = turn_balance_lab::loopback::answer_probe(&check.payload, leaf_turn(11)).unwrap();
    engine.handle_answer(start, both, &answer);
    while let Some((_, request)) = engine.poll_binding(start) {
        if stun::is_stun(&request.payload) {
            let mut answer = request.payload;
            answer[..2].copy_from_slice(&[1, 1]);
            engine.handle_binding(start, both, &answer);
        }
    }
    let (Listing { nodes, flat, .. }, _) = engine.poll_listing(start).unwrap();
    assert_eq!((nodes.len(), flat, nodes[0].kind), (1, None, Kind::Leaf));
}

#[test]
fn one_whose_asker_was_stopped_is_listed_again_with_its_next_answer() {
    let mut superior = Superior::new(5, &[Turns::Turn]);
    superior.run_for(Duration::from_secs(5));
    superior.now += Duration::from_secs(13);
    let (listing, _) = superior.engine.poll_listing(superior.now).expect("it has expired");
    assert_eq!(listing.nodes.len(), 0);
    superior.engine.handle_timeout(superior.now);
    while let Some((_, request)) = superior.engine.poll_binding(superior.now) {
        if let Some(answer) = superior.answer(Way::FIRST, request.to, &request.payload) {
            superior.engine.handle_binding(superior.now, request.to, &answer);
        }
    }
    let (listing, _) = superior.engine.poll_listing(superior.now).expect("news");
    assert_eq!(listing.nodes.len(), 1);
    assert_eq!(superior.events.len(), 1, "it was never taken to be down");
}
