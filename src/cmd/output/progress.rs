use std::env;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::drawing::{Drawing, FRAME};

/// What descents count, and what a crawl of a whole cascade does.
pub(crate) const CANDIDATES: &str = "candidates";
pub(crate) const NODES: &str = "nodes asked";

/// Whoever waits no longer than this did not wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A spinner for work that takes long.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    shown: bool,
    what: &'static str,
    asked: AtomicUsize,
    answered: AtomicUsize,
}

impl ProgressLine {
    /// `shown`: whether anybody looks. `what` is counted, in its plural.
    pub(crate) fn new(shown: bool, what: &'static str) -> Self {
        Self { shown, what, asked: AtomicUsize::new(0), answered: AtomicUsize::new(0) }
    }

    /// How far the work is.
    pub(crate) fn set(&self, asked: usize, answered: usize) {
        self.asked.store(asked, Relaxed);
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
        let mut drawing = Drawing::spinning(frames(&locale()));
        let mut ticks = tokio::time::interval(FRAME);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let (asked, answered) = (self.asked.load(Relaxed), self.answered.load(Relaxed));
                    let line = line(asked, self.what, answered, started.elapsed());
                    drawing.draw(&line);
                }
            }
        }
    }
}

fn line(asked: usize, what: &str, answered: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    format!("{asked} {what}, {answered} answered, {seconds:.1} s")
}

/// What a terminal of this locale can show.
fn frames(locale: &str) -> &'static str {
    let locale = locale.to_ascii_lowercase();
    match locale.ends_with("utf-8") || locale.ends_with("utf8") {
        true => "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
        false => r"|/-\",
    }
}

/// The one for characters, as POSIX finds it (Base Definitions, 8.2).
fn locale() -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| env::var(name).ok());
    set.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line() {
        let line = |what| line(41, what, 12, Duration::from_millis(1_240));
        assert_eq!(line(CANDIDATES), "41 candidates, 12 answered, 1.2 s");
        assert_eq!(line(NODES), "41 nodes asked, 12 answered, 1.2 s");
    }

    #[test]
    fn only_what_the_terminal_can_show_spins() {
        for ascii in ["", "C", "POSIX", "de_DE.ISO-8859-1", "utf"] {
            assert!(frames(ascii).is_ascii(), "{ascii}");
        }
        for wide in ["C.UTF-8", "de_DE.utf8", "en_US.UTF-8"] {
            assert!(!frames(wide).is_ascii(), "{wide}");
        }
    }
}
