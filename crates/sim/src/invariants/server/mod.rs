//! A whole server among whoever sends whatever, off loopback: what it answers, and who is online
//! because of what.

mod acts;
mod answers;
mod checks;
mod peer_messages;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::server::answer::{Responder, Snapshot};
use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::engine::server::members::{MemberEvent, NodeSpec, ONLINE};
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnSpec};
use turn_balance::internals::engine::server::{NodeCount, ServerEngine, ServerEvent};
use turn_balance::internals::engine::{Rng, Transmit};
use turn_balance::internals::wire::auth::{Key, Keys, TRAILER};
use turn_balance::internals::wire::{
    MAX_COOKIE, PADDED_REQUEST, Request, RequestBody, SHORT_REQUEST, stun,
};

use super::input::{Input, seed};

/// How long an answer keeps a TURN server up: three checks that fail end sooner.
const TURN_UP: Duration = Duration::from_secs(11);

/// What a test of a server remembers.
struct World {
    start: Instant,
    now: Instant,
    engine: ServerEngine,
    responder: Responder,
    snapshot: Snapshot,
    trust: Trust,
    bare_bytes: u64,
    configured: usize,
    /// Whether that has changed.
    relisted: bool,
    /// Checks that were sent, the latest last.
    checks: VecDeque<Check>,
    /// When each address was last checked.
    checked: BTreeMap<SocketAddr, Instant>,
    /// The last right answer of each node.
    right: BTreeMap<SocketAddr, Instant>,
    /// Cookies, and when they were handed out.
    cookies: BTreeMap<IpAddr, (Vec<u8>, Instant)>,
    /// Full answers to those without a cookie.
    answers: BTreeMap<IpAddr, u32>,
    /// Bytes of answers beyond the amplification limit.
    beyond: usize,
    /// Challenges, and when they were handed out.
    challenges: BTreeMap<SocketAddr, Vec<(u64, Instant)>>,
    /// The greatest number in a heartbeat that was taken in, and when.
    numbers: BTreeMap<SocketAddr, (u64, Instant)>,
    /// Signed heartbeats that somebody has recorded.
    recorded: Vec<(SocketAddr, Vec<u8>)>,
    /// The numbers of heartbeats to superiors.
    beats: Vec<u64>,
    /// TURN servers that are nodes.
    turns: Vec<SocketAddr>,
    /// What each TURN server was asked last.
    bindings: BTreeMap<SocketAddr, Vec<u8>>,
    /// The last right answer of each.
    bound: BTreeMap<SocketAddr, Instant>,
}

#[derive(Clone)]
struct Check {
    to: SocketAddr,
    payload: Vec<u8>,
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(&mut input, seed(bytes));
    world.settle();
    while !input.is_empty() {
        world.act(&mut input);
        world.settle();
    }
}

fn own() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 3001))
}

fn superior() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 2], 3001))
}

fn turn() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 200], 3478))
}

fn turn_node(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 201 + n], 3478))
}

fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3001))
}

fn spec(n: u8) -> NodeSpec {
    NodeSpec { addr: node(n), public: node(n), name: None }
}

impl World {
    fn new(input: &mut Input<'_>, seed: u64) -> Self {
        let now = Instant::now();
        let mut rng = Rng::seed_from_u64(seed);
        let flags = input.byte();
        let flag = |bit: u8| flags >> bit & 1 == 1;
        let bare_bytes = if flag(0) { 5000 } else { 0 };
        let policy = LimiterSettings { places: 64, bare_bytes, ..LimiterSettings::default() };
        let limiter = Arc::new(Limiter::new(policy, now, &mut rng));
        let keys =
            if flag(1) { vec![Key::new(1, &[1; 32]), Key::new(2, &[2; 32])] } else { vec![] };
        let prefixes = if flag(2) { vec!["203.0.113.0/24".parse().unwrap()] } else { vec![] };
        let join = flag(3).then(|| JoinPolicy { max_nodes: 3, prefixes: prefixes.into() });
        let join = join.filter(|_| !keys.is_empty());
        let require = flag(4) && !keys.is_empty();
        let trust = Trust { keys: Keys::new(keys), require, join };
        let beside = flag(5).then(turn);
        let name = "server".parse().ok();
        let mut engine = ServerEngine::new(name, Rng::from_rng(&mut rng));
        let plan = if flag(6) { HealthPlan::Binding } else { HealthPlan::None };
        engine.set_turn(now, beside.map(|turn| TurnSpec { plan, ..TurnSpec::new(turn) }));
        let configured = if flag(7) { 0 } else { 8 };
        engine.set_nodes(now, (0..configured).map(spec));
        engine.set_superiors(now, vec![superior()]);
        engine.set_trust(now, trust.clone(), None);
        engine.set_labels("net=own".parse().unwrap());
        Self {
            start: now,
            now,
            engine,
            responder: Responder::new(limiter, rng),
            snapshot: Snapshot::default(),
            trust,
            bare_bytes,
            configured: configured.into(),
            relisted: false,
            checks: VecDeque::new(),
            checked: BTreeMap::new(),
            right: BTreeMap::new(),
            cookies: BTreeMap::new(),
            answers: BTreeMap::new(),
            beyond: 0,
            challenges: BTreeMap::new(),
            numbers: BTreeMap::new(),
            recorded: Vec::new(),
            beats: Vec::new(),
            turns: Vec::new(),
            bindings: BTreeMap::new(),
            bound: BTreeMap::new(),
        }
    }

    /// Seconds since the start.
    fn seconds(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }

    /// Whether a node may be online by what it has answered.
    fn may_be_online(&self, addr: SocketAddr) -> bool {
        self.right.get(&addr).is_some_and(|right| self.now < *right + ONLINE)
    }

    /// Whether a TURN server that is a node may be up by what it has answered.
    fn may_be_up(&self, turn: SocketAddr) -> bool {
        let bound = self.bound.get(&turn);
        self.turns.contains(&turn) && bound.is_some_and(|at| self.now < *at + TURN_UP)
    }

    /// Whether any node may be listed by what it has answered.
    fn any_may_be_listed(&self) -> bool {
        let nodes = self.right.keys().any(|addr| self.may_be_online(*addr));
        nodes || self.turns.iter().any(|turn| self.may_be_up(*turn))
    }

    /// All that is due.
    fn settle(&mut self) {
        let now = self.now;
        self.engine.handle_timeout(now);
        self.refresh();
        while let Some(event) = self.engine.poll_event() {
            if let ServerEvent::Node(MemberEvent::Forgotten { addr }) = event {
                self.checked.remove(&addr); // it is new when it joins again
            }
        }
        while let Some(check) = self.engine.poll_check(now) {
            if check.payload.len() == PADDED_REQUEST {
                let before = self.checked.insert(check.to, now);
                let spaced = before.is_none_or(|before| now >= before + Duration::from_millis(250));
                assert!(spaced, "two checks of {} at once", check.to);
            } else {
                // What is advertised, perhaps with a cookie.
                let longest = SHORT_REQUEST + TRAILER + MAX_COOKIE;
                assert!(self.trust.join.is_some() && check.payload.len() <= longest);
            }
            self.checks.push_back(Check { to: check.to, payload: check.payload });
        }
        let old = self.checks.len().saturating_sub(64);
        self.checks.drain(..old);
        while let Some((_, Transmit { to, payload })) = self.engine.poll_binding(now) {
            assert!(to == turn() || self.turns.contains(&to), "{to} is no TURN server");
            if stun::is_stun(&payload) {
                self.bindings.insert(to, payload);
            } else {
                assert_eq!(payload.len(), SHORT_REQUEST); // is it a balance server?
            }
        }
        while let Some(heartbeat) = self.engine.poll_heartbeat(now) {
            assert_eq!(heartbeat.transmit.to, superior(), "an answer that nobody asked for");
            let Ok(Request { body: RequestBody::Ping(ping), .. }) =
                Request::decode(&heartbeat.transmit.payload)
            else {
                panic!("no heartbeat");
            };
            self.beats.push(ping.seq);
        }
        // One a second, and one for each Pong, of which one a second is answered.
        assert!(self.beats.len() as f64 <= 2.0 * self.seconds() + 4.0, "{} s", self.seconds());
        let NodeCount { online, all } = self.engine.count();
        // A TURN server is counted until three checks have failed, and listed no longer than an answer is good for.
        let answered = self.bound.len();
        let may = self.right.keys().filter(|addr| self.may_be_online(**addr)).count() + answered;
        assert!(online <= may, "{online} online, {may} have answered");
        let members = self.engine.members().online(now).count();
        let kept = members..=members + answered;
        assert!(kept.contains(&online), "{online} are kept, {kept:?} are there");
        let most = self.trust.join.as_ref().map_or(0, |join| join.max_nodes);
        // Those that are listed later have their place beside those that have joined.
        let most = if self.relisted { most + self.configured } else { most.max(self.configured) };
        assert!(all <= most + self.turns.len(), "{all} nodes");
    }

    /// What workers do where the offer has expired, and the control task after each turn.
    fn refresh(&mut self) {
        if let Some((listing, mut rng)) = self.engine.poll_listing(self.now) {
            for node in listing.nodes.iter().chain(listing.flat.iter().flatten()) {
                assert_eq!(node.labels.get("net"), Some("own"), "it says otherwise of itself");
            }
            self.snapshot = Snapshot::new(&listing, &mut rng);
        }
    }
}
