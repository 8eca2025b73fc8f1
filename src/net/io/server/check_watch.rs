//! When workers look for the checks of superiors among what they answer: now and then, for it takes a few
//! instructions of each answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// From one that was found on. A superior checks a node every 3 s that is online, every 10 s another, and is
/// missed after 15 s.
const PAUSE: Duration = Duration::from_secs(4);

/// What the workers share.
#[derive(Debug)]
pub(super) struct CheckWatch {
    start: Instant,
    /// When to look again, in milliseconds from the start.
    next: AtomicU64,
}

impl Default for CheckWatch {
    fn default() -> Self {
        Self { start: Instant::now(), next: AtomicU64::new(0) }
    }
}

impl CheckWatch {
    /// Whether to look.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.millis(now) >= self.next.load(Ordering::Relaxed)
    }

    /// One was found.
    pub(super) fn found(&self, now: Instant) {
        self.next.store(self.millis(now + PAUSE), Ordering::Relaxed);
    }

    fn millis(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}
