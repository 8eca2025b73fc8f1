use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::text::words::counted;

/// Whoever waits no longer than this did not wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// Fast enough to look alive.
const FRAME: Duration = Duration::from_millis(80);

/// A spinner for work that takes long.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    shown: bool,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    candidates: AtomicUsize,
    answered: AtomicUsize,
}

impl ProgressLine {
    /// `shown`: whether anybody looks.
    pub(crate) fn new(shown: bool) -> Self {
        let counts = Arc::default();
        Self { shown, counts }
    }

    /// How far the work is.
    pub(crate) fn set(&self, candidates: usize, answered: usize) {
        self.counts.candidates.store(candidates, Relaxed);
        self.counts.answered.store(answered, Relaxed);
    }

    /// Does the work, spins beside it, and leaves no trace of that, also when dropped.
    pub(crate) async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        if !self.shown {
            return work.await;
        }
        let started = Instant::now();
        let mut work = pin!(work);
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
            return done;
        }
        let _spinner = Spinner::start(Arc::clone(&self.counts), started);
        work.await
    }
}

struct Spinner(ProgressBar);

impl Spinner {
    fn start(counts: Arc<Counts>, started: Instant) -> Self {
        let line = move |_: &ProgressState, w: &mut dyn fmt::Write| {
            let candidates = counts.candidates.load(Relaxed);
            let answered = counts.answered.load(Relaxed);
            let _ = w.write_str(&line(candidates, answered, started.elapsed()));
        };
        let style =
            ProgressStyle::default_spinner().tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ").with_key("msg", line);
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(FRAME);
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(candidates: usize, answered: usize, elapsed: Duration) -> String {
    let candidates = counted(candidates, "candidate");
    let seconds = elapsed.as_secs_f64();
    format!("{candidates}, {answered} answered, {seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line() {
        let line = line(41, 12, Duration::from_millis(1_240));
        assert_eq!(line, "41 candidates, 12 answered, 1.2 s");
    }
}
