//! A client that stays, beside each storm: leaves that drain, TURN servers that die, paths that become longer
//! and shorter or break, a network that changes; and a judge of each move, and of each that is not made.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::Options;
use turn_balance::internals::wire::{ProbeReply, Response, ResponseBody, State};
use turn_balance::{Selection, WatchChange, WatchReason};

use super::rules::{Rule, Violation};
use crate::{Host, Jitter, Path, Site, Stayer, World};

const ROOT: [u8; 4] = [198, 51, 100, 7];
const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 9], 40_000);

/// What comes on top of a round trip at most, ms.
const NOISE: f64 = 2.0;

/// Three measurements take so long at least: two intervals, each 10 % shorter.
const THREE: Duration = Duration::from_secs(9);

/// When the last three measurements were asked and answered, by how long ago at most and at least: each is judged
/// one to three seconds after it has begun.
const MEASURED: [(Duration, Duration); 3] = [
    (Duration::from_millis(3_400), Duration::ZERO),
    (Duration::from_millis(8_900), Duration::from_millis(2_800)),
    (Duration::from_millis(14_400), Duration::from_millis(7_000)),
];

/// A TURN server that dies is left in so long: an interval that is 10 % longer, and three requests.
const SILENT: Duration = Duration::from_millis(5_500 + 3_000 + 100);

/// Who drains is left in so long: an interval, and an answer.
const DRAINING: Duration = Duration::from_millis(5_500 + 700);

/// How long one must have been well to be known to live: two intervals, and answers.
const WELL: Duration = Duration::from_secs(13);

/// Within a minute no more descents begin than this: 1, 2, 4, 8, 16 and 32 s apart, and one that was due.
const A_MINUTE: usize = 8;

/// How it is with a leaf and the TURN server beside it, as far as it has been since then.
#[derive(Debug, Clone, Copy)]
struct Health {
    turn_dead: Option<Duration>,
    leaf_dead: Option<Duration>,
    draining: Option<Duration>,
    /// Since when all of it is well.
    well: Duration,
}

/// How far everybody is, ms one way; `None`: nothing passes.
type Ways = Rc<RefCell<BTreeMap<IpAddr, Option<f64>>>>;

struct Scene {
    world: World<'static>,
    rng: Rng,
    start: Instant,
    stayer: Stayer,
    ways: Ways,
    loss: f64,
    leaves: BTreeMap<SocketAddr, Health>,
    /// How far each was, ms there and back, since then.
    history: BTreeMap<IpAddr, Vec<(Duration, f64)>>,
    using: Option<Selection>,
    /// Since when it is measured as it is: it was moved to then, or the network has changed.
    since: Duration,
    moved: Duration,
    networks: u64,
    wrong: Vec<(Rule, Option<SocketAddr>, String)>,
}

/// Runs one client of this seed. What it must not do is told.
pub(crate) fn violations(seed: u64) -> Vec<Violation> {
    let mut scene = Scene::new(seed);
    let end = scene.start + Duration::from_secs(scene.rng.random_range(60..240));
    while scene.world.now < end && scene.wrong.is_empty() {
        scene.act();
        let long = Duration::from_secs_f64(scene.rng.random_range(0.5..25.0));
        scene.run(long);
    }
    scene.judge_traffic();
    let at = scene.now();
    scene.wrong.into_iter().map(|(rule, who, what)| Violation { rule, at, who, what }).collect()
}

fn turn(leaf: SocketAddr) -> SocketAddr {
    SocketAddr::new(leaf.ip(), 3478)
}

fn leaf(turn: SocketAddr) -> SocketAddr {
    SocketAddr::new(turn.ip(), 3001)
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::seed_from_u64(seed ^ 0x7374_6179);
        let loss = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.1) };
        let ways = Ways::default();
        let seen = ways.clone();
        let mut world = World::new(rng.random(), move |from, to| {
            let client = IpAddr::from(CLIENT.0);
            let other = if from.ip() == client { to.ip() } else { from.ip() };
            // Servers are near one another, and nothing is lost between them.
            if from.ip() != client && to.ip() != client {
                return Path::of(1);
            }
            let (delay, loss) = match seen.borrow().get(&other) {
                Some(Some(delay)) => (*delay, loss),
                Some(None) => (1.0, 1.0),
                None => (1.0, 0.0),
            };
            Path { delay, jitter: Jitter::Even(NOISE / 2.0), loss, ..Path::of(0) }
        });
        let root = SocketAddr::from((ROOT, 3001));
        let count = rng.random_range(1..6_u8);
        let leaves: Vec<_> =
            (1..=count).map(|n| SocketAddr::from(([203, 0, 113, n], 3001))).collect();
        let site = Site { name: "root", nodes: leaves.clone(), patient: true, ..Site::default() };
        world.start(root, &site);
        let start = world.now;
        let well = Duration::ZERO;
        let health = Health { turn_dead: None, leaf_dead: None, draining: None, well };
        let mut history = BTreeMap::new();
        for addr in &leaves {
            let way = rng.random_range(2.0..100.0);
            ways.borrow_mut().insert(addr.ip(), Some(way));
            history.insert(addr.ip(), vec![(well, 2.0 * way)]);
            world.start(*addr, &leaf_site(*addr, root));
        }
        // Until checks have found them.
        world.run_for(Duration::from_secs(5));
        let options = Options { timeout: Duration::from_secs(2), ..Options::default() };
        let stayer = Stayer::start(&mut world, CLIENT.into(), options, vec![root]);
        Self {
            world,
            rng,
            start,
            stayer,
            ways,
            loss,
            leaves: leaves.into_iter().map(|addr| (addr, health)).collect(),
            history,
            using: None,
            since: well,
            moved: well,
            networks: 0,
            wrong: Vec::new(),
        }
    }

    fn now(&self) -> Duration {
        self.world.now - self.start
    }

    /// Something happens, most of the time to the one that is used.
    fn act(&mut self) {
        let now = self.now();
        let all: Vec<_> = self.leaves.keys().copied().collect();
        let any = all[self.rng.random_range(0..all.len())];
        let used = self.using.as_ref().map(|using| leaf(using.turn));
        let addr = used.filter(|_| self.rng.random_bool(0.6)).unwrap_or(any);
        let root = SocketAddr::from((ROOT, 3001));
        match self.rng.random_range(0..100) {
            0..35 => {
                let before = self.ways.borrow()[&addr.ip()];
                let near = before.unwrap_or(50.0) * self.rng.random_range(0.6..1.8);
                let way = if self.rng.random_bool(0.5) {
                    near
                } else {
                    self.rng.random_range(2.0..100.0)
                };
                self.set_way(addr, Some(way.clamp(2.0, 100.0)));
            }
            35..45 => self.set_way(addr, None),
            45..60 => {
                self.world.stop(turn(addr));
                let health = self.leaves.get_mut(&addr).expect("a leaf");
                health.turn_dead.get_or_insert(now);
            }
            60..65 => {
                self.world.stop(addr);
                let health = self.leaves.get_mut(&addr).expect("a leaf");
                health.leaf_dead.get_or_insert(now);
                health.draining = None;
            }
            65..80 => {
                let health = self.leaves.get_mut(&addr).expect("a leaf");
                if health.leaf_dead.is_none() {
                    health.draining.get_or_insert(now);
                    self.world.drain(addr, true);
                }
            }
            80..84 => {
                self.networks += 1;
                self.since = now;
                self.stayer.change_network(&mut self.world);
            }
            84..88 => self.forge(addr),
            _ => {
                // All is as it was.
                self.world.hosts.insert(turn(addr), Host::Turn);
                self.world.start(addr, &leaf_site(addr, root));
                let health = Health { turn_dead: None, leaf_dead: None, draining: None, well: now };
                self.leaves.insert(addr, health);
                if self.ways.borrow()[&addr.ip()].is_none() {
                    self.set_way(addr, Some(30.0));
                }
            }
        }
    }

    fn set_way(&mut self, addr: SocketAddr, way: Option<f64>) {
        let now = self.now();
        let before = self.ways.borrow_mut().insert(addr.ip(), way).flatten();
        let far = way.map_or(f64::MAX, |way| 2.0 * way);
        self.history.entry(addr.ip()).or_default().push((now, far));
        let health = self.leaves.get_mut(&addr).expect("a leaf");
        if before.is_some() != way.is_some() {
            health.well = now;
        }
    }

    /// Somebody who has not seen the requests says that a leaf drains.
    fn forge(&mut self, addr: SocketAddr) {
        for _ in 0..50 {
            let (nonce, state) = (self.rng.random_range(1..u64::MAX), State::Draining);
            let reply = ProbeReply {
                nonce,
                turn: Some(turn(addr)),
                state,
                version: 1,
                ..ProbeReply::default()
            };
            let id = self.rng.random();
            let forged = Response { id, body: ResponseBody::Probe(reply) }.encode();
            self.world.send(addr, CLIENT.into(), forged);
        }
    }

    fn run(&mut self, long: Duration) {
        let end = self.world.now + long;
        while self.wrong.is_empty() && self.stayer.step(&mut self.world, end) {
            for (_, change) in std::mem::take(&mut self.stayer.changes) {
                self.judge(&change);
                self.moved = self.now();
                self.since = self.moved;
                self.using = change.selection;
            }
            self.judge_staying();
        }
        self.world.now = self.world.now.max(end);
    }

    // ---- the judge ----

    /// A move.
    fn judge(&mut self, change: &WatchChange) {
        let now = self.now();
        let left = change.left.as_ref();
        let to = change.selection.as_ref().map(|to| to.turn);
        if left.map(|left| left.turn) != self.using.as_ref().map(|using| using.turn) {
            self.blame(to, format!("it leaves {left:?}, and used {:?}", self.using));
        }
        let (Some(left), to) = (left, to) else { return };
        match (change.reason, to) {
            (WatchReason::Slower { .. }, Some(to)) => self.judge_better(now, left.turn, to),
            (WatchReason::Silent { .. }, _) if left.verified => {
                let heard = self.world.heard.iter().rev();
                let heard = heard.filter(|(_, from)| *from == left.turn).map(|(at, _)| *at).next();
                // What was on its way when the network changed counts no more.
                let soon = self.since + Duration::from_secs(1);
                let heard = heard.unwrap_or_default();
                let heard = if heard < soon { heard.min(self.since) } else { heard };
                let asked = self.world.log.iter().rev();
                let asked = asked.take_while(|sent| sent.at > heard);
                let asked = asked.filter(|sent| sent.from == CLIENT.into() && sent.to == left.turn);
                let first = asked.last().map(|sent| sent.at);
                if first.is_none_or(|first| now - first < Duration::from_millis(2_999)) {
                    let what = format!("silent: heard {heard:?}, asked in vain since {first:?}");
                    self.blame(Some(left.turn), what);
                }
            }
            (WatchReason::Says(_), _) => {
                let Health { turn_dead, leaf_dead, draining, well } = self.leaves[&leaf(left.turn)];
                // Who has died may have said it before.
                let said = draining.or(turn_dead).or(leaf_dead);
                if said.is_none() && well + WELL < now {
                    self.blame(Some(left.turn), "it says nothing of that".into());
                }
            }
            _ => {}
        }
    }

    /// A move to one that is nearer: it must have been, at some moment of each of three measurements.
    fn judge_better(&mut self, now: Duration, left: SocketAddr, to: SocketAddr) {
        if self.moved + THREE > now {
            self.blame(Some(to), format!("it has moved {:?} ago", now - self.moved));
        }
        let [left, to] = [left, to].map(|addr| self.history[&addr.ip()].clone());
        for (from, until) in MEASURED {
            let window = (now.saturating_sub(from), now.saturating_sub(until));
            let rtt = within(&to, window).fold(f64::MAX, f64::min);
            let other = within(&left, window).fold(0.0, f64::max) + NOISE + 0.1;
            if rtt + 10.0 > other || rtt * 3.0 > other * 2.0 {
                let what = format!("{rtt} ms, and the other one {other} at most, in {window:?}");
                return self.blame(None, what);
            }
        }
    }

    /// Nobody is stayed with for too long.
    fn judge_staying(&mut self) {
        let now = self.now();
        let Some(using) = self.using.clone() else { return };
        let health = self.leaves[&leaf(using.turn)];
        let cut = self.ways.borrow()[&using.turn.ip()].is_none().then_some(health.well);
        let dead = [health.turn_dead, cut].into_iter().flatten().min();
        if let Some(dead) = dead
            && using.verified
            && now > dead.max(self.since) + SILENT
        {
            self.blame(Some(using.turn), format!("it is dead since {dead:?}, and stayed with"));
        }
        let Some(draining) = health.draining.filter(|_| self.loss == 0.0 && cut.is_none()) else {
            return;
        };
        let well = |addr: SocketAddr| {
            let health = self.leaves[&leaf(addr)];
            let lives = self.ways.borrow()[&addr.ip()].is_some();
            let Health { turn_dead, leaf_dead, draining, well } = health;
            let fine = turn_dead.or(leaf_dead).or(draining).is_none() && lives;
            fine && well.max(self.since) + WELL < now
        };
        let standbys: Vec<_> = self
            .world
            .watch_at(CLIENT.into())
            .map(|watch| watch.measured().skip(1).map(|(addr, _)| addr).collect())
            .unwrap_or_default();
        if now > draining.max(self.since) + DRAINING && standbys.into_iter().any(well) {
            self.blame(
                Some(using.turn),
                format!("it drains since {draining:?}, and is stayed with"),
            );
        }
    }

    /// Not too much is sent.
    fn judge_traffic(&mut self) {
        let descents = self.stayer.descents.clone();
        for many in descents.windows(A_MINUTE + 1) {
            let (first, last) = (many[0], many[A_MINUTE]);
            if last - first < Duration::from_secs(60) {
                let what = format!("{} descents begin from {first:?} to {last:?}", many.len());
                return self.wrong.push((Rule::Cannon, None, what));
            }
        }
        let own = SocketAddr::from(CLIENT);
        let sent = self.world.log.iter().filter(|sent| sent.from == own).count() as u64;
        if sent > 20 + 4 * self.now().as_secs() + 9 * self.networks {
            let what = format!("{sent} datagrams measure in {:?}", self.now());
            self.wrong.push((Rule::Cannon, None, what));
        }
    }

    fn blame(&mut self, who: Option<SocketAddr>, what: String) {
        self.wrong.push((Rule::Staying, who, what));
    }
}

/// How far one was, ms there and back, in a window.
fn within(
    history: &[(Duration, f64)],
    (from, until): (Duration, Duration),
) -> impl Iterator<Item = f64> {
    let first = history.iter().rposition(|(since, _)| *since <= from).unwrap_or(0);
    history[first..].iter().take_while(move |(since, _)| *since <= until).map(|(_, rtt)| *rtt)
}

fn leaf_site(addr: SocketAddr, root: SocketAddr) -> Site {
    let (superiors, turn) = (vec![root], Some(turn(addr)));
    Site { name: "leaf", superiors, turn, patient: true, ..Site::default() }
}
