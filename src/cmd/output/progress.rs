use std::env;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::drawing::{Drawing, FRAME};
use super::text::words::counted;

/// Whoever waits no longer than this did not wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A spinner for work that takes long.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    shown: bool,
    candidates: AtomicUsize,
    answered: AtomicUsize,
}

impl ProgressLine {
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
        let mut drawing = Drawing::spinning(frames(&locale()));
        let mut ticks = tokio::time::interval(FRAME);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let (candidates, answered) = (&self.candidates, &self.answered);
                    let line = line(candidates.load(Relaxed), answered.load(Relaxed), started.elapsed());
                    drawing.draw(&line);
                }
            }
        }
    }
}

fn line(candidates: usize, answered: usize, elapsed: Duration) -> String {
    let candidates = counted(candidates, "candidate");
    let seconds = elapsed.as_secs_f64();
    format!("{candidates}, {answered} answered, {seconds:.1} s")
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
        let line = line(41, 12, Duration::from_millis(1_240));
        assert_eq!(line, "41 candidates, 12 answered, 1.2 s");
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
