//! Many storms on all cores, and what came of them together.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance_sim::storm::{self, Report};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    seeds: u64,
    twice: u64,
    servers: u64,
    datagrams: u64,
    forged: u64,
    simulated: Duration,
    restarts: u64,
    descents: u64,
    took: Duration,
    pub(crate) violations: Vec<String>,
}

/// One seed of so many is run twice.
const TWICE: u64 = 10;

impl Tally {
    /// Runs these seeds; each thread is prepared by `begin`.
    pub(crate) fn run(seeds: Range<u64>, progress: bool, begin: impl Fn(usize) + Sync) -> Self {
        let started = Instant::now();
        let next = AtomicU64::new(seeds.start);
        let tally = Mutex::new(Self::default());
        let work = |thread| {
            begin(thread);
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return;
                }
                let report = storm::run(seed, false);
                let again = seed.is_multiple_of(TWICE).then(|| storm::run(seed, false));
                let mut tally = tally.lock().expect("no storm panics");
                tally.add(&report, again.as_ref());
                if progress && tally.seeds.is_multiple_of(1000) {
                    let (done, wrong) = (tally.seeds, tally.violations.len());
                    eprintln!("{done} seeds, {:.0?}, {wrong} violations", started.elapsed());
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for thread in 0..cores {
                scope.spawn(move || work(thread));
            }
        });
        let mut tally = tally.into_inner().expect("no storm panics");
        tally.took = started.elapsed();
        tally
    }

    fn add(&mut self, report: &Report, again: Option<&Report>) {
        self.seeds += 1;
        self.servers += report.servers;
        self.datagrams += report.datagrams;
        self.forged += report.forged;
        self.simulated += report.simulated;
        self.restarts += report.restarts;
        self.descents += report.descents;
        let mut wrong: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
        if let Some(again) = again {
            self.twice += 1;
            if (again.trace, again.datagrams) != (report.trace, report.datagrams) {
                wrong.push("not the same twice".into());
            }
        }
        for wrong in wrong {
            let line = format!("seed {}: {wrong}", report.seed);
            eprintln!("{line}");
            self.violations.push(line);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.simulated.as_secs_f64() / 86_400.0;
        writeln!(f, "seeds       {:>14}, {} of them twice", self.seeds, self.twice)?;
        writeln!(f, "servers     {:>14}", self.servers)?;
        writeln!(f, "simulated   {days:>14.2} days")?;
        writeln!(f, "datagrams   {:>14}, {} of them forged", self.datagrams, self.forged)?;
        writeln!(f, "restarts    {:>14}", self.restarts)?;
        writeln!(f, "descents    {:>14}", self.descents)?;
        writeln!(f, "took        {:>14.1} s", self.took.as_secs_f64())?;
        writeln!(f, "violations  {:>14}", self.violations.len())
    }
}
