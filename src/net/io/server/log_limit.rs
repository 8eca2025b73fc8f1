//! How many lines of the log single datagrams may cause: whoever floods a server must not flood its
//! log. What becomes of nodes is told in any case: nobody but they can cause that, and who runs them
//! must know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Lines in any second; with the two that [`overflow`](super::overflow) writes they are ten.
const MOST: usize = 8;

/// Counts what was written, and what was not.
#[derive(Debug, Default)]
pub(super) struct LogLimit {
    /// When the last ones were written, the latest at the end.
    written: Mutex<[Option<Instant>; MOST]>,
    left_out: AtomicU64,
    news: Notify,
}

impl LogLimit {
    /// Whether a line may be written.
    pub(super) fn allow(&self, now: Instant) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let second = Duration::from_secs(1);
        let free = written[0].is_none_or(|at| now.saturating_duration_since(at) >= second);
        if free {
            written.rotate_left(1);
            written[MOST - 1] = Some(now);
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            self.news.notify_one();
        }
        free
    }

    /// Waits until a line is left out.
    pub(super) async fn full(&self) {
        self.news.notified().await;
    }

    /// How many were left out since the last call.
    pub(super) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

/// Writes a line if its level is on and it is allowed, which is asked only then.
macro_rules! tell {
    ($allowed:expr, $level:ident, $($line:tt)+) => {
        if tracing::enabled!(tracing::Level::$level) && $allowed {
            tracing::event!(tracing::Level::$level, $($line)+);
        }
    };
}

pub(super) use tell;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_lines_and_what_is_left_out_is_counted() {
        let (log_limit, start) = (LogLimit::default(), Instant::now());
        let at = |ms: &u64| start + Duration::from_millis(*ms);
        let written: Vec<u64> = (0..10_000).filter(|ms| log_limit.allow(at(ms))).collect();
        for second in 0..9_000 {
            let within = written.iter().filter(|ms| (second..second + 1000).contains(*ms)).count();
            assert!(within <= 8, "{within} in the second from {second} ms on");
        }
        assert_eq!(written.len(), 10 * 8);
        assert_eq!(log_limit.take_left_out(), 10_000 - 10 * 8);
        assert_eq!(log_limit.take_left_out(), 0);
    }

    #[test]
    fn after_a_second_of_silence_there_is_room_again() {
        let (log_limit, start) = (LogLimit::default(), Instant::now());
        let count = |now| (0..100).filter(|_| log_limit.allow(now)).count();
        assert_eq!(count(start), 8);
        assert_eq!(count(start + Duration::from_millis(999)), 0);
        assert_eq!(count(start + Duration::from_millis(1000)), 8);
    }
}
