//! One run, from the start of all processes to what came of it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance_lab::Built;
use turn_balance_lab::host::Host;

use crate::Result;
use crate::history::History;
use crate::judge::{Judge, Tally, clock};
use crate::lists;
use crate::memory::Memory;
use crate::plan::Act;
use crate::prober::{Probes, descend};
use crate::stand::Stand;
use crate::surroundings::{feel_stalls, hear_of_signals};

/// Between two looks at what is due.
const TURN: Duration = Duration::from_millis(50);

/// Between two looks at processes.
const LOOK: Duration = Duration::from_secs(5);

/// Between two lines about how it goes.
const PROGRESS: Duration = Duration::from_secs(30);

/// A probe is judged so long after its end: all that had happened until then is written down.
const LATE: Duration = Duration::from_secs(2);

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Well,
    Failed,
    Interrupted,
}

/// Says that it is over when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What has been done and seen.
#[derive(Default)]
struct Seen {
    tally: Tally,
    memory: Memory,
    events: BTreeMap<&'static str, usize>,
}

pub(crate) fn run(
    built: Built,
    host: &Host,
    folder: &Path,
    plan: &[(Duration, Act)],
    time: Duration,
) -> Result<End> {
    let (history, judge, probes) = (History::new(), Judge::new(), Arc::new(Probes::default()));
    let (looks, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let interrupted = hear_of_signals()?;
    let mut stand = Stand::new(built, host, &history, &judge, folder)?;
    stand.start_all()?;
    stand.until_whole(&interrupted);
    println!("whole after {}", clock(judge.age()));
    let (mut seen, began) = (Seen::default(), Instant::now());
    let goes_on = || began.elapsed() < time && !interrupted.load(Ordering::Relaxed);
    let judge_probes = |ago, tally: &mut Tally| {
        probes.take(ago).into_iter().for_each(|probe| judge.probe(&history, probe, tally));
    };
    let mut go_on = || -> io::Result<()> {
        let (mut plan, mut look, mut progress) = (plan.iter().peekable(), LOOK, PROGRESS);
        while goes_on() {
            if let Some((_, act)) = plan.next_if(|(at, _)| *at <= began.elapsed()) {
                stand.act(*act)?;
                *seen.events.entry(act.word()).or_default() += 1;
                continue;
            }
            judge_probes(LATE, &mut seen.tally);
            if began.elapsed() >= look {
                look += LOOK;
                stand.look()?.into_iter().for_each(|(place, pid)| seen.memory.sample(place, pid));
            }
            if began.elapsed() >= progress {
                progress += PROGRESS;
                let events: usize = seen.events.values().sum();
                println!("{}  {events} events, {}", clock(began.elapsed()), seen.tally);
            }
            thread::sleep(TURN);
        }
        // What is late comes to its end too.
        plan.try_for_each(|(_, act)| {
            if interrupted.load(Ordering::Relaxed) { Ok(()) } else { stand.act(*act) }
        })?;
        stand.until_whole(&interrupted);
        Ok(())
    };
    thread::scope(|scope| {
        scope.spawn(|| descend(&probes, &over));
        scope.spawn(|| lists::watch(&history, &judge, &looks, &over));
        scope.spawn(|| feel_stalls(&history, &over));
        // Also where it panics: who runs beside it would go on for ever.
        let _ends = Ends(&over);
        go_on()
    })?;
    judge_probes(Duration::ZERO, &mut seen.tally);
    stand.end_all();
    judge.machine(&seen.tally);
    let grown = seen.memory.judge(&judge);

    let events: Vec<_> =
        seen.events.iter().map(|(word, count)| format!("{word} {count}")).collect();
    println!("\nevents    {} in {}", events.join(", "), clock(began.elapsed()));
    println!("probes    {}", seen.tally);
    println!("lists     {} looked at", looks.load(Ordering::Relaxed));
    println!("memory    {grown}");
    let stalled = history.lock().stalled.longest().as_secs_f64();
    println!("machine   stood still for {stalled:.1} s at most");
    let failures = judge.failures();
    println!("failures  {}", failures.len());
    failures.iter().for_each(|line| println!("  {line}"));
    Ok(match (failures.is_empty(), interrupted.load(Ordering::Relaxed)) {
        (false, _) => End::Failed,
        (true, true) => End::Interrupted,
        (true, false) => End::Well,
    })
}
