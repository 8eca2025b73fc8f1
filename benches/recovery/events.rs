//! What happens to the cascade.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::View;

use crate::prober::Prober;
use crate::stand::{BELOW, Kind, Site, Stand};
use crate::{Args, Result, Row};
use turn_balance_lab::process::Process;

/// How long what sleeps does: longer than a check period.
const SLEEP: Duration = Duration::from_secs(4);

/// A superior brings the check of a server with news forward eight times in a row, and then every
/// 2.5 s: so long until the news of one round are made up for.
const REST: Duration = Duration::from_secs(12);

/// Drops a fifth of what comes in from other hosts, but for what the observer asks.
const LOSS: &str = "iif eth0 ip saddr != 203.0.113.8 numgen random mod 100 < 20 drop";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Root,
    Middle,
    Leaf,
    /// A coturn beside a leaf.
    Turn,
    /// A coturn with nothing beside it.
    Node,
}

const TARGETS: [Target; 4] = [Target::Root, Target::Middle, Target::Leaf, Target::Turn];

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Middle => "middle",
            Self::Leaf => "leaf",
            Self::Turn => "TURN",
            Self::Node => "TURN node",
        }
    }

    fn is_superior(self) -> bool {
        matches!(self, Self::Root | Self::Middle)
    }

    /// The one that it happens to this time.
    fn site(self, stand: &mut Stand, round: usize) -> &mut Site {
        match self {
            Self::Root => &mut stand.root,
            Self::Middle => &mut stand.middles[round % BELOW],
            Self::Leaf | Self::Turn => &mut stand.leaves[round * 4 % (BELOW * BELOW)],
            Self::Node => &mut stand.turns[round % BELOW],
        }
    }

    /// One site below each server in the middle.
    fn some(self, stand: &mut Stand, round: usize) -> Vec<&mut Site> {
        match self {
            Self::Node => stand.turns.iter_mut().collect(),
            _ => stand.leaves.iter_mut().skip(round % BELOW).step_by(BELOW).collect(),
        }
    }
}

/// Everything, one after the other.
pub(crate) fn all(args: &Args, mut print: impl FnMut(&mut Row)) -> Result<()> {
    let wanted = |event: &str, target: &str| {
        args.only.as_deref().is_none_or(|only| event.contains(only) || target == only)
    };
    let mut run =
        |bench: &mut Bench, event: &str, target: Target, goal, work: Work| -> Result<()> {
            let target_name = target.name();
            if wanted(event, target_name) {
                let goal = (goal > 0).then(|| Duration::from_millis(goal));
                let row = Row { event: event.into(), target: target_name, goal, ..Row::default() };
                print(&mut bench.repeat(row, target, args.rounds, work)?);
            }
            Ok(())
        };
    let mut bench = Bench::new(Kind::Listed)?;
    for target in TARGETS {
        let goal = 1000 * u64::from(target.is_superior());
        run(&mut bench, "kill -9, start", target, goal, Bench::kill)?;
        run(&mut bench, "restart", target, goal, Bench::restart)?;
        run(&mut bench, "SIGSTOP for 4 s, SIGCONT", target, 0, Bench::sleep)?;
    }
    let (near, far) = ("offered by its superior", "in the root's flat list");
    for (event, target, goal, work) in [
        (format!("starts: {near}"), Target::Leaf, 1000, Bench::leaf_starts as Work),
        (format!("starts: {far}"), Target::Leaf, 1000, Bench::leaf_starts_far),
        (format!("killed: not {near}"), Target::Leaf, 12_000, Bench::leaf_dies),
        (format!("killed: not {far}"), Target::Leaf, 16_000, Bench::leaf_dies_far),
        (format!("SIGTERM: not {near}"), Target::Leaf, 500, Bench::leaf_drains),
        (format!("SIGTERM: not {far}"), Target::Leaf, 1000, Bench::leaf_drains_far),
        (format!("killed: not {far}"), Target::Turn, 11_000, Bench::turn_dies),
        (format!("starts: {far}"), Target::Turn, 7000, Bench::turn_starts),
        ("partition of 14 s heals: offered".into(), Target::Middle, 4000, Bench::partition),
        ("partition of 14 s heals: offered".into(), Target::Leaf, 4000, Bench::partition),
    ] {
        run(&mut bench, &event, target, goal, work)?;
    }
    for site in bench.stand.sites() {
        site.host.weather(LOSS, "");
    }
    bench.stand.client.weather(LOSS, "");
    for target in [Target::Root, Target::Middle] {
        run(&mut bench, "restart, 20 % loss each way", target, 4000, Bench::restart)?;
    }
    drop(bench);
    for (kind, event, goal) in [
        (Kind::Joined, "restart, nodes joined by key", 0),
        (Kind::Remembered, "restart, nodes joined by key, with a state", 1000),
    ] {
        let mut bench = Bench::new(kind)?;
        for target in [Target::Root, Target::Middle] {
            run(&mut bench, event, target, goal, Bench::restart)?;
        }
    }
    let mut bench = Bench::new(Kind::TurnNodes)?;
    run(&mut bench, &format!("killed: not {far}"), Target::Node, 11_000, Bench::turn_dies)?;
    run(&mut bench, &format!("starts: {far}"), Target::Node, 7000, Bench::turn_starts)?;
    Ok(())
}

type Work = fn(&mut Bench, Target, usize, &mut Row) -> Result<()>;

struct Bench {
    stand: Stand,
    prober: Prober,
}

impl Bench {
    fn new(kind: Kind) -> Result<Self> {
        let stand = Stand::new(kind)?;
        let prober = Prober::start(stand.client.clone(), stand.root.addr());
        Ok(Self { stand, prober })
    }

    fn repeat(&mut self, mut row: Row, target: Target, rounds: usize, work: Work) -> Result<Row> {
        for round in 0..rounds {
            if row.times.len() < rounds {
                work(self, target, round, &mut row)?;
                self.stand.until_whole()?;
                // Not always at the same moment of the periods.
                thread::sleep(Duration::from_millis(400 + 370 * round as u64 % 1000));
            }
        }
        Ok(row)
    }

    /// Counts what clients have noticed since then; of these TURN servers none should be named.
    fn count(&self, row: &mut Row, since: Instant, dead: &BTreeSet<SocketAddr>, died: Instant) {
        let until = Instant::now();
        // Descents that have begun have their end.
        thread::sleep(Duration::from_millis(300));
        for probe in self.prober.between(since, until) {
            row.probes += 1;
            row.failed += usize::from(probe.turn.is_none());
            let named = probe.turn.is_some_and(|turn| dead.contains(&turn));
            row.dead += usize::from(named && probe.start >= since && probe.end < died);
        }
    }

    fn kill(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        self.again(target, round, row, |_, process| drop(process))
    }

    fn restart(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        self.again(target, round, row, |target, process| match target {
            Target::Turn => drop(process),
            _ => drop(process.end()),
        })
    }

    /// Ends a process and starts it again at once. The time begins with the start.
    fn again(
        &mut self,
        target: Target,
        round: usize,
        row: &mut Row,
        end: impl FnOnce(Target, Process),
    ) -> Result<()> {
        let since = Instant::now();
        let site = target.site(&mut self.stand, round);
        let dead = BTreeSet::from([site.turn_addr()]);
        let process = if target == Target::Turn { site.turn.take() } else { site.tb.take() };
        if let Some(process) = process {
            end(target, process);
        }
        let started = Instant::now();
        match target {
            Target::Turn => site.start_turn()?,
            _ => site.start(),
        }
        self.stand.until_whole()?;
        row.times.push(started.elapsed());
        self.count(row, since, &dead, started);
        Ok(())
    }

    /// The time begins with the end of the sleep.
    fn sleep(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        let since = Instant::now();
        let site = target.site(&mut self.stand, round);
        let dead = BTreeSet::from([site.turn_addr()]);
        let process = if target == Target::Turn { &site.turn } else { &site.tb };
        let process = process.as_ref().ok_or("no process")?;
        process.signal(libc::SIGSTOP);
        thread::sleep(SLEEP);
        process.signal(libc::SIGCONT);
        let woken = Instant::now();
        self.stand.until_whole()?;
        row.times.push(woken.elapsed());
        self.count(row, since, &dead, woken);
        Ok(())
    }

    fn leaf_starts(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_starts_for(View::Subordinates, round, row)
    }

    fn leaf_starts_far(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_starts_for(View::Flat, round, row)
    }

    /// It was away for long enough to be forgotten.
    fn leaf_starts_for(&mut self, view: View, round: usize, row: &mut Row) -> Result<()> {
        let leaves = self.each(Target::Leaf, round, |leaf| {
            leaf.tb = None;
            Ok(())
        })?;
        self.wait_for(&leaves, View::Flat, false, Instant::now())?;
        // The superior's next look at it may come at any moment of its period.
        thread::sleep(Duration::from_millis(1700 * round as u64 % 10_000));
        let since = Instant::now();
        self.each(Target::Leaf, round, start)?;
        row.times.extend(self.wait_for(&leaves, view, true, since)?);
        self.count(row, since, &BTreeSet::new(), since);
        Ok(())
    }

    fn leaf_dies(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_dies_for(View::Subordinates, round, row)
    }

    fn leaf_dies_far(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_dies_for(View::Flat, round, row)
    }

    fn leaf_dies_for(&mut self, view: View, round: usize, row: &mut Row) -> Result<()> {
        let since = Instant::now();
        let leaves = self.each(Target::Leaf, round, |leaf| {
            leaf.tb = None;
            Ok(())
        })?;
        row.times.extend(self.wait_for(&leaves, view, false, since)?);
        self.count_dead(row, since, Target::Leaf, round);
        self.each(Target::Leaf, round, start).map(drop)
    }

    fn leaf_drains(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_drains_for(View::Subordinates, round, row)
    }

    fn leaf_drains_far(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_drains_for(View::Flat, round, row)
    }

    /// It is asked to end, and answers for another five seconds: so nothing is dead meanwhile.
    fn leaf_drains_for(&mut self, view: View, round: usize, row: &mut Row) -> Result<()> {
        thread::sleep(REST);
        let since = Instant::now();
        let leaves = self.each(Target::Leaf, round, |leaf| {
            leaf.tb.as_ref().ok_or("no process")?.signal(libc::SIGTERM);
            Ok(())
        })?;
        row.times.extend(self.wait_for(&leaves, view, false, since)?);
        self.count(row, since, &BTreeSet::new(), since);
        self.each(Target::Leaf, round, |leaf| {
            leaf.tb.take().map(Process::end);
            start(leaf)
        })
        .map(drop)
    }

    fn turn_dies(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        let since = Instant::now();
        let nodes = self.kill_turns(target, round)?;
        row.times.extend(self.wait_for(&nodes, View::Flat, false, since)?);
        self.count_dead(row, since, target, round);
        self.each(target, round, Site::start_turn).map(drop)
    }

    /// The time begins with the start.
    fn turn_starts(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        let nodes = self.kill_turns(target, round)?;
        self.wait_for(&nodes, View::Flat, false, Instant::now())?;
        // The next check may be due at any moment of its period.
        thread::sleep(Duration::from_millis(700 * round as u64 % 3000));
        let since = Instant::now();
        self.each(target, round, Site::start_turn)?;
        row.times.extend(self.wait_for(&nodes, View::Flat, true, since)?);
        self.count(row, since, &BTreeSet::new(), since);
        Ok(())
    }

    fn kill_turns(&mut self, target: Target, round: usize) -> Result<Vec<SocketAddr>> {
        self.each(target, round, |site| {
            site.turn = None;
            Ok(())
        })
    }

    /// Does something at one site below each server in the middle. Returns how these are listed.
    fn each(
        &mut self,
        target: Target,
        round: usize,
        mut work: impl FnMut(&mut Site) -> Result<()>,
    ) -> Result<Vec<SocketAddr>> {
        let sites = target.some(&mut self.stand, round).into_iter();
        sites.map(|site| work(site).map(|()| site.listed())).collect()
    }

    /// Counts since then, with those sites' TURN servers dead.
    fn count_dead(&mut self, row: &mut Row, since: Instant, target: Target, round: usize) {
        let sites = target.some(&mut self.stand, round).into_iter();
        let dead = sites.map(|site| site.turn_addr()).collect();
        self.count(row, since, &dead, Instant::now());
    }

    /// Until each of some nodes, the first below the first server in the middle, is, or is not, in its
    /// superior's own list or the root's flat one.
    fn wait_for(
        &self,
        nodes: &[SocketAddr],
        view: View,
        there: bool,
        since: Instant,
    ) -> Result<Vec<Duration>> {
        let mut times = vec![None; nodes.len()];
        let stand = &self.stand;
        stand.until("the nodes are, or are not, offered", || {
            for ((time, node), middle) in times.iter_mut().zip(nodes).zip(&stand.middles) {
                let superior = match view {
                    View::Flat => &stand.root,
                    _ => middle,
                };
                let seen = stand.offered(superior, view).map(|listed| listed.contains(node));
                if time.is_none() && seen == Some(there) {
                    *time = Some(since.elapsed());
                }
            }
            times.iter().all(Option::is_some).then_some(())
        })?;
        Ok(times.into_iter().flatten().collect())
    }

    /// Cuts the root, or each server in the middle, from all below, one way or the other, until
    /// these are offered no more.
    fn partition(&mut self, target: Target, round: usize, row: &mut Row) -> Result<()> {
        let stand = &self.stand;
        let below: Vec<_> = match target {
            Target::Middle => stand.middles.iter().collect(),
            _ => stand.leaves.iter().skip(round % BELOW).step_by(BELOW).collect(),
        };
        let above = |index: usize| match target {
            Target::Middle => &stand.root,
            _ => &stand.middles[index],
        };
        let cut = Instant::now();
        for (index, site) in below.iter().enumerate() {
            let other = above(index).addr().ip();
            site.host.weather(&format!("ip saddr {other} drop"), &format!("ip daddr {other} drop"));
        }
        let offered = |index: usize| {
            let nodes = stand.offered(above(index), View::Subordinates)?;
            Some(nodes.contains(&below[index].addr()))
        };
        let gone = || (0..below.len()).all(|index| offered(index) == Some(false)).then_some(());
        stand.until("they are offered no more", gone)?;
        let left = Duration::from_secs(14).saturating_sub(cut.elapsed());
        thread::sleep(left + Duration::from_millis(1300 * round as u64 % 4000));
        let healed = Instant::now();
        for site in &below {
            site.host.weather("", "");
        }
        let mut times = vec![None; below.len()];
        stand.until("they are offered again", || {
            for (index, time) in times.iter_mut().enumerate() {
                if time.is_none() && offered(index) == Some(true) {
                    *time = Some(healed.elapsed());
                }
            }
            times.iter().all(Option::is_some).then_some(())
        })?;
        row.times.extend(times.into_iter().flatten());
        self.count(row, cut, &BTreeSet::new(), healed);
        Ok(())
    }
}

/// Starts a balance server.
fn start(site: &mut Site) -> Result<()> {
    site.start();
    Ok(())
}
