use std::future::Future;
use std::io::{self, Write as _};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::text::counted;

/// Whoever waits no longer than this did not wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// Fast enough to look alive.
const FRAME: Duration = Duration::from_millis(80);

const TURNS: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// A spinner for work that takes long. By hand, for the usual crate needs the mathematical library,
/// and to load that takes a tenth of a whole `tb probe`.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    candidates: AtomicUsize,
    answered: AtomicUsize,
}

impl Progress {
    /// `shown`: whether anybody looks.
    pub(crate) fn new(shown: bool) -> Self {
        Self { shown, candidates: AtomicUsize::new(0), answered: AtomicUsize::new(0) }
    }

    /// How far the work is.
    pub(crate) fn set(&self, candidates: usize, answered: usize) {
        self.candidates.store(candidates, Relaxed);
        self.answered.store(answered, Relaxed);
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
        let _erase = Erase;
        let mut frames = tokio::time::interval(FRAME);
        for turn in TURNS.iter().cycle() {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = frames.tick() => {
                    let line = line(
                        self.candidates.load(Relaxed),
                        self.answered.load(Relaxed),
                        started.elapsed(),
                    );
                    draw(&format!("{turn} {line}"));
                }
            }
        }
        work.await
    }
}

/// Leaves the line empty.
struct Erase;

impl Drop for Erase {
    fn drop(&mut self) {
        draw("");
    }
}

/// Shows this instead of what the line showed before.
fn draw(text: &str) {
    const ERASE_LINE: &str = "\r\x1b[2K";
    // One that cannot be drawn is no loss.
    let _ = io::stderr().write_all(format!("{ERASE_LINE}{text}").as_bytes());
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
