//! What happens to the cascade.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::View;

use crate::prober::Prober;
use crate::stand::{BELOW, Site, Stand};
use crate::{Args, Result, Row};
use turn_balance_lab::process::Process;

/// How long what sleeps does: longer than a check period.
const SLEEP: Duration = Duration::from_secs(4);

/// Drops a fifth of what comes in from other hosts, but for what the observer asks.
const LOSS: &str = "iif eth0 ip saddr != 203.0.113.8 numgen random mod 100 < 20 drop";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Root,
    Middle,
    Leaf,
    Turn,
}

const TARGETS: [Target; 4] = [Target::Root, Target::Middle, Target::Leaf, Target::Turn];

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Middle => "middle",
            Self::Leaf => "leaf",
            Self::Turn => "TURN",
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
                let goal = (goal > 0).then(|| Duration::from_secs(goal));
                let row = Row { event: event.into(), target: target_name, goal, ..Row::default() };
                print(&mut bench.repeat(row, target, args.rounds, work)?);
            }
            Ok(())
        };
    let mut bench = Bench::new(false)?;
    for target in TARGETS {
        let goal = u64::from(target.is_superior());
        run(&mut bench, "kill -9, start", target, goal, Bench::kill)?;
        run(&mut bench, "restart", target, goal, Bench::restart)?;
        run(&mut bench, "SIGSTOP for 4 s, SIGCONT", target, 0, Bench::sleep)?;
    }
    run(&mut bench, "starts: offered by its superior", Target::Leaf, 1, Bench::leaf_starts)?;
    run(&mut bench, "starts: in the root's flat list", Target::Leaf, 1, Bench::leaf_starts_far)?;
    run(&mut bench, "killed: not offered by its superior", Target::Leaf, 12, Bench::leaf_dies)?;
    run(&mut bench, "killed: not in the root's flat list", Target::Leaf, 16, Bench::leaf_dies_far)?;
    run(&mut bench, "killed: not in the root's flat list", Target::Turn, 0, Bench::turn_dies)?;
    run(&mut bench, "partition of 14 s heals: offered", Target::Middle, 4, Bench::partition)?;
    run(&mut bench, "partition of 14 s heals: offered", Target::Leaf, 4, Bench::partition)?;
    for site in bench.stand.sites() {
        site.host.weather(LOSS, "");
    }
    bench.stand.client.weather(LOSS, "");
    for target in [Target::Root, Target::Middle] {
        run(&mut bench, "restart, 20 % loss each way", target, 4, Bench::restart)?;
    }
    drop(bench);
    let mut bench = Bench::new(true)?;
    for target in [Target::Root, Target::Middle] {
        run(&mut bench, "restart, nodes joined by key", target, 0, Bench::restart)?;
    }
    Ok(())
}

type Work = fn(&mut Bench, Target, usize, &mut Row) -> Result<()>;

struct Bench {
    stand: Stand,
    prober: Prober,
}

impl Bench {
    fn new(joined: bool) -> Result<Self> {
        let stand = Stand::new(joined)?;
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

    /// One leaf below each server in the middle.
    fn some_leaves(round: usize) -> impl Iterator<Item = usize> {
        (0..BELOW).map(move |m| m * BELOW + round % BELOW)
    }

    fn leaf_starts(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_starts_for(View::Subordinates, round, row)
    }

    fn leaf_starts_far(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        self.leaf_starts_for(View::Flat, round, row)
    }

    /// It was away for long enough to be forgotten.
    fn leaf_starts_for(&mut self, view: View, round: usize, row: &mut Row) -> Result<()> {
        let leaves: Vec<_> = Self::some_leaves(round).collect();
        for &leaf in &leaves {
            self.stand.leaves[leaf].tb = None;
        }
        self.wait_for(&leaves, View::Flat, false, Instant::now())?;
        // The superior's next look at it may come at any moment of its period.
        thread::sleep(Duration::from_millis(1700 * round as u64 % 10_000));
        let since = Instant::now();
        for &leaf in &leaves {
            self.stand.leaves[leaf].start();
        }
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
        let leaves: Vec<_> = Self::some_leaves(round).collect();
        let since = Instant::now();
        for &leaf in &leaves {
            self.stand.leaves[leaf].tb = None;
        }
        row.times.extend(self.wait_for(&leaves, view, false, since)?);
        let dead = leaves.iter().map(|&leaf| self.stand.leaves[leaf].turn_addr()).collect();
        self.count(row, since, &dead, Instant::now());
        for leaf in leaves {
            self.stand.leaves[leaf].start();
        }
        Ok(())
    }

    fn turn_dies(&mut self, _: Target, round: usize, row: &mut Row) -> Result<()> {
        let leaves: Vec<_> = Self::some_leaves(round).collect();
        let since = Instant::now();
        for &leaf in &leaves {
            self.stand.leaves[leaf].turn = None;
        }
        row.times.extend(self.wait_for(&leaves, View::Flat, false, since)?);
        let dead = leaves.iter().map(|&leaf| self.stand.leaves[leaf].turn_addr()).collect();
        self.count(row, since, &dead, Instant::now());
        for leaf in leaves {
            self.stand.leaves[leaf].start_turn()?;
        }
        Ok(())
    }

    /// Until each of some leaves is, or is not, in its superior's own list or the root's flat one.
    fn wait_for(
        &self,
        leaves: &[usize],
        view: View,
        there: bool,
        since: Instant,
    ) -> Result<Vec<Duration>> {
        let mut times = vec![None; leaves.len()];
        let stand = &self.stand;
        stand.until("the leaves are, or are not, offered", || {
            for (time, leaf) in times.iter_mut().zip(leaves) {
                let superior = match view {
                    View::Flat => &stand.root,
                    _ => &stand.middles[leaf / BELOW],
                };
                let seen = stand.offered(superior, view);
                let seen = seen.map(|nodes| nodes.contains(&stand.leaves[*leaf].addr()));
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
            _ => Self::some_leaves(round).map(|leaf| &stand.leaves[leaf]).collect(),
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
