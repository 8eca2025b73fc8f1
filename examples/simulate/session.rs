//! One descent, and what came of it.

use std::net::SocketAddr;

use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::Distribution;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{self, Options};

use super::args::{Access, Args, Strategy, Switch};
use super::internet::Internet;
use super::servers::{Condition, Health, Servers};
use super::tree::Tree;
use turn_balance_sim::{self as sim, Jitter, Outages, Path, World, lognormal};

/// Who descends, on which day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) snapshot: usize,
    pub(crate) client: usize,
    pub(crate) seed: u64,
}

/// What came of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// What the choice costs over the best, ms; `None`: no answer, or a TURN server that is none.
    pub(crate) regret: Option<f64>,
    /// Whether that is within 10 % or 5 ms of the best.
    pub(crate) good: bool,
    pub(crate) datagrams: u32,
    pub(crate) bytes: u64,
    pub(crate) time: f64,
    pub(crate) bound: f64,
}

/// A tree whose servers answer.
pub(crate) struct Stage<'a> {
    pub(crate) args: &'a Args,
    pub(crate) internet: &'a Internet,
    pub(crate) tree: &'a Tree,
    health: Health,
    pub(crate) world: World<'a>,
}

/// What a descent comes to: the leaf, datagrams, bytes, ms.
type Cost = (Option<usize>, u32, u64, f64);

/// What a slow host takes to answer, ms.
const SLOW: f64 = 200.0;

impl<'a> Stage<'a> {
    pub(crate) fn new(
        args: &'a Args,
        internet: &'a Internet,
        tree: &'a Tree,
        health: Health,
        rng: &mut Rng,
    ) -> Self {
        let mut world = World::new(0, |_, _| Path::of(0));
        let mut servers = Servers::new(internet, 0, tree, health, args);
        if let Internet::Measured(_) = internet {
            // Roots last, as they list all others.
            for server in (tree.roots..tree.servers.len()).chain(0..tree.roots) {
                for addr in [tree.addr(server), tree.turn(server)] {
                    world.hosts.extend(servers.host(addr, rng).map(|host| (addr, host)));
                }
            }
        } else {
            let mut rng = Rng::from_rng(rng);
            world.unknown = Box::new(move |addr| servers.host(addr, &mut rng));
        }
        Self { args, internet, tree, health, world }
    }

    /// The day has come: servers tell how far their nodes are on it.
    pub(crate) fn tell(&mut self, snapshot: usize) {
        let Self { args, internet, tree, health, .. } = *self;
        let mut servers = Servers::new(internet, snapshot, tree, health, args);
        let mut rng = Rng::seed_from_u64(snapshot as u64);
        let inner = (0..tree.servers.len()).filter(|&server| !tree.is_leaf(server));
        for addr in inner.map(|server| tree.addr(server)) {
            self.world.hosts.extend(servers.host(addr, &mut rng).map(|host| (addr, host)));
        }
    }

    pub(crate) fn run(&mut self, strategy: Strategy, session: &Session) -> Outcome {
        if self.internet.snapshots() > 1 {
            self.tell(session.snapshot);
        }
        let mut rng = Rng::seed_from_u64(session.seed);
        let client = self.client(*session, &mut rng);
        let own = client.own;
        let outages = Outages::bursts(self.args.burst, self.args.timeout, &mut rng);
        let root = (0..self.tree.roots).map(|root| client.true_rtt(root) + own).reduce(f64::min);
        let root = root.unwrap_or(0.0);
        let best = client.best();
        let (chosen, datagrams, bytes, time) = match strategy {
            Strategy::Floor => client.floor(&outages, &mut rng),
            Strategy::Random => (client.any(&mut rng), 0, 0, 0.0),
            Strategy::Region => (client.of_region(&mut rng), 0, 0, 0.0),
            Strategy::Circle => (client.nearest_by_circle(), 0, 0, 0.0),
            Strategy::Best | Strategy::First => self.descend(strategy, client, outages, rng),
        };
        let chosen = chosen.filter(|leaf| client.can_be_chosen(*leaf));
        let best = best.map_or(0.0, |leaf| client.true_rtt(leaf));
        let regret = chosen.map(|leaf| client.true_rtt(leaf) - best);
        let good = regret.is_some_and(|regret| regret <= (best * 0.1).max(5.0));
        Outcome { regret, good, datagrams, bytes, time, bound: root + (best + own) }
    }

    /// Who descends, with an access of these dice.
    pub(crate) fn client(&self, session: Session, rng: &mut Rng) -> Client<'a> {
        let (own, jitter) = access(self.args.access, rng);
        let Self { args, internet, tree, health, .. } = *self;
        Client { args, internet, tree, health, session, own, jitter }
    }

    fn descend(
        &mut self,
        strategy: Strategy,
        client: Client<'a>,
        outages: Outages,
        rng: Rng,
    ) -> Cost {
        let options = Options {
            strategy: match strategy {
                Strategy::First => descent::Strategy::First,
                _ => descent::Strategy::Best,
            },
            verify: match self.args.verify {
                Switch::On => descent::Verify::On,
                Switch::Off => descent::Verify::Off,
            },
            timeout: self.args.timeout,
            ..Options::default()
        };
        let roots: Vec<_> = (0..self.tree.roots).map(|root| self.tree.addr(root)).collect();
        self.world.begin(rng, outages, move |from, to| client.path(from, to));
        let descent = self.world.descend(CLIENT.into(), options, &roots);
        let Some(trace) = descent.trace() else { unreachable!("it is finished") };
        let chosen = trace.outcome.ok().and_then(|selection| {
            let leaf = self.tree.at(selection.turn)?;
            Some(leaf).filter(|leaf| self.tree.turn(*leaf) == selection.turn)
        });
        let time = trace.elapsed.as_secs_f64() * 1e3;
        (chosen, trace.cost.datagrams, trace.cost.bytes, time)
    }
}

/// The client's address.
pub(crate) const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 255], 40_000);

/// A client's own delay, ms a round trip, and what is added to every one.
fn access(access: Access, rng: &mut Rng) -> (f64, Jitter) {
    let (own, each, spikes, spike) = match access {
        Access::Home => (lognormal(10.0, 0.5).sample(rng), (3.0, 0.8), 0.005, 50.0),
        Access::Wifi => (12.0, (8.0, 0.8), 0.02, 80.0),
        Access::Dc | Access::Clean => return (0.0, Jitter::Internet(None)),
    };
    let each = lognormal(each.0, each.1);
    (own, Jitter::Internet(Some(sim::Access { each, spikes, spike })))
}

/// A client, and the internet as it is for it.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    args: &'a Args,
    internet: &'a Internet,
    tree: &'a Tree,
    health: Health,
    session: Session,
    /// Its own delay, ms a round trip.
    own: f64,
    jitter: Jitter,
}

impl Client<'_> {
    /// The same one on another day.
    pub(crate) fn on(self, snapshot: usize) -> Self {
        Self { session: Session { snapshot, ..self.session }, ..self }
    }

    /// By the matrix: what a choice is judged by.
    pub(crate) fn true_rtt(&self, server: usize) -> f64 {
        let Session { snapshot, client, .. } = self.session;
        let slow = self.health.of(self.tree, server) == Condition::Slow;
        let rtt = self.internet.rtt(snapshot, client, self.tree.servers[server].host);
        rtt + if slow { SLOW } else { 0.0 }
    }

    fn can_be_chosen(&self, leaf: usize) -> bool {
        matches!(self.health.of(self.tree, leaf), Condition::Well | Condition::Slow)
    }

    /// The nearest leaf.
    pub(crate) fn best(&self) -> Option<usize> {
        self.best_of(|_| true)
    }

    /// The nearest leaf among some.
    fn best_of(&self, among: impl Fn(usize) -> bool) -> Option<usize> {
        let Session { snapshot, client, .. } = self.session;
        let mut best = None;
        for leaf in self.tree.leaves().filter(|leaf| among(*leaf)) {
            let least = best.map_or(f64::MAX, |(least, _)| least);
            let host = self.tree.servers[leaf].host;
            if self.internet.at_least(snapshot, client, host) < least && self.can_be_chosen(leaf) {
                let rtt = self.true_rtt(leaf);
                best = best.filter(|_| rtt >= least).or(Some((rtt, leaf)));
            }
        }
        best.map(|(_, leaf)| leaf)
    }

    /// Any leaf.
    fn any(&self, rng: &mut Rng) -> Option<usize> {
        self.tree.leaves().filter(|leaf| self.can_be_chosen(*leaf)).choose(rng)
    }

    /// The nearest leaf of the region that DNS or anycast takes a client to: the right one, but for one client
    /// in five the next best (M. Calder and others, Analyzing the Performance of an Anycast CDN, IMC 2015).
    fn of_region(&self, rng: &mut Rng) -> Option<usize> {
        let best = self.best()?;
        if !rng.random_bool(0.2) {
            return Some(best);
        }
        let region = self.tree.servers.iter().find(|server| server.children.contains(&best))?;
        self.best_of(|leaf| leaf != best && !region.children.contains(&leaf))
    }

    /// The leaf that a perfect map of the earth would name.
    fn nearest_by_circle(&self) -> Option<usize> {
        let arc =
            |leaf: usize| self.internet.arc(self.session.client, self.tree.servers[leaf].host);
        let leaves = self.tree.leaves().filter(|leaf| self.can_be_chosen(*leaf));
        let known = leaves.filter_map(|leaf| Some((arc(leaf)?, leaf)));
        known.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, leaf)| leaf)
    }

    pub(crate) fn path(&self, from: SocketAddr, to: SocketAddr) -> Path {
        let answer = to == CLIENT.into();
        let faults = Path {
            jitter: self.jitter,
            loss: self.args.loss,
            twice: self.args.duplicate,
            late: self.args.reorder,
            ..Path::of(0)
        };
        let Some(server) = self.tree.at(if answer { from } else { to }) else { return faults };
        let Session { snapshot, client, .. } = self.session;
        let rtt = self.internet.rtt(snapshot, client, self.tree.servers[server].host);
        let slow = answer && self.health.of(self.tree, server) == Condition::Slow;
        let slow = if slow { SLOW } else { 0.0 };
        Path { delay: (rtt + self.own) / 2.0 + slow, ..faults }
    }

    /// Asks every leaf three times, 10 ms apart, and takes the least time: the leaf, the datagrams
    /// (two for the root), their bytes and the time.
    fn floor(&self, outages: &Outages, rng: &mut Rng) -> Cost {
        let mut best: Option<(f64, usize)> = None;
        let root = self.true_rtt(0) + self.own;
        let mut asked = 0;
        for leaf in self.tree.leaves() {
            let addr = self.tree.turn(leaf);
            let (there, back) = (self.path(CLIENT.into(), addr), self.path(addr, CLIENT.into()));
            for copy in 0..3 {
                asked += 1;
                let sent = root + 10.0 * f64::from(copy);
                if outages.hold(sent) || !self.can_be_chosen(leaf) {
                    continue;
                }
                let Some(there) = there.one_way(rng) else { continue };
                let Some(back) = back.one_way(rng) else { continue };
                let rtt = there + back;
                if !outages.hold(sent + rtt) && best.is_none_or(|(least, _)| rtt < least) {
                    best = Some((rtt, leaf));
                }
            }
        }
        let time = root + 20.0 + best.map_or(0.0, |(rtt, _)| rtt);
        (best.map(|(_, leaf)| leaf), asked + 2, u64::from(asked) * 20, time)
    }
}
