//! What may not be.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::history::History;
use crate::prober::Probe;

/// Who has not run for so long of the ten seconds of a probe says nothing about what was to answer it.
const STALL: Duration = Duration::from_secs(3);

/// One probe of so many may be undecided; if there are more, the machine has too much else to do.
const UNDECIDED: usize = 1000;

/// What came of probes.
#[derive(Default)]
pub(crate) struct Tally {
    right: usize,
    wrong: usize,
    failed: usize,
    /// Failed while every way was cut.
    cut: usize,
    /// Failed while this machine stood still.
    undecided: usize,
    /// Named on the word of a leaf.
    unverified: usize,
    slowest: Duration,
}

impl Tally {
    fn all(&self) -> usize {
        self.right + self.wrong + self.failed + self.cut + self.undecided
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} probes: {} right, the slowest in {:.2} s, {} of them on the word of a leaf; {} wrong, {} failed, \
             {} failed while every way was cut, {} undecided",
            self.all(),
            self.right,
            self.slowest.as_secs_f64(),
            self.unverified,
            self.wrong,
            self.failed,
            self.cut,
            self.undecided
        )
    }
}

pub(crate) struct Judge {
    began: Instant,
    failures: Mutex<Vec<String>>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), failures: Mutex::default() }
    }

    /// Since the start of all of it.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Notes what must not be, and says it at once.
    pub(crate) fn fail(&self, what: String) {
        let line = format!("{}  {what}", clock(self.began.elapsed()));
        eprintln!("FAILED  {line}");
        self.failures().push(line);
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Vec<String>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a probe that has ended some time ago, so that all that it must be held against is known.
    pub(crate) fn probe(&self, history: &History, probe: Probe, tally: &mut Tally) {
        let Probe { start, end, what, result } = probe;
        let (at, took) = (clock(start - self.began), (end - start).as_secs_f64());
        let record = history.lock();
        let stalled = record.stalled.time(start, end);
        let (turn, name, verified) = match result {
            Ok(found) => found,
            Err(_) if record.cut.was_ever(start, end) => return tally.cut += 1,
            Err(error) => {
                let undecided = stalled > STALL;
                let count = if undecided { &mut tally.undecided } else { &mut tally.failed };
                *count += 1;
                let line = format!(
                    "{what} at {at} found nothing in {took:.1} s, {:.1} s of which this machine stood still: {error}",
                    stalled.as_secs_f64()
                );
                match undecided {
                    true => eprintln!("undecided  {line}"),
                    false => self.fail(line),
                }
                return;
            }
        };
        let lived = record.alive.get(&turn).map(|alive| alive.was_ever(start, end));
        let drained = record.draining.get(&turn).is_some_and(|span| span.was_always(start, end));
        let why = match lived {
            None => "which is none",
            Some(false) => "which was dead",
            Some(true) if drained => "whose leaf drained",
            Some(true) => {
                tally.right += 1;
                tally.unverified += usize::from(!verified);
                tally.slowest = tally.slowest.max(end - start);
                return;
            }
        };
        tally.wrong += 1;
        let verified = if verified { "verified" } else { "on the word of its leaf" };
        self.fail(format!(
            "{what} at {at} named {turn} ({name}, {verified}) in {took:.2} s, {why}"
        ));
    }

    /// Judges whether probes could be judged.
    pub(crate) fn machine(&self, tally: &Tally) {
        if tally.undecided * UNDECIDED > tally.all() {
            self.fail(format!(
                "{} of {} probes are undecided: this machine has too much else to do",
                tally.undecided,
                tally.all()
            ));
        }
    }
}

/// A time as minutes and seconds.
pub(crate) fn clock(time: Duration) -> String {
    format!("{}:{:04.1}", time.as_secs() / 60, time.as_secs_f64() % 60.0)
}
