//! How many lines of the log strangers, nodes and superiors may cause: whoever floods a server must
//! not flood its log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Lines in any second; with the two that [`overflow`](super::overflow) writes they are ten.
const MOST: usize = 8;

/// How many of them may be about single datagrams: the rest is left for what becomes of nodes.
const DATAGRAMS: usize = 4;

/// Counts what was written, and what was not.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// When the last ones were written, the latest at the end.
    written: Mutex<[Option<Instant>; MOST]>,
    left_out: AtomicU64,
    news: Notify,
}

impl Lines {
    /// Whether a line about a single datagram may be written.
    pub(super) fn datagram(&self, now: Instant) -> bool {
        self.take(now, DATAGRAMS)
    }

    /// Whether a line about a node may be written.
    pub(super) fn node(&self, now: Instant) -> bool {
        self.take(now, MOST)
    }

    /// Waits until a line is left out.
    pub(super) async fn full(&self) {
        self.news.notified().await;
    }

    /// How many were left out since the last call.
    pub(super) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }

    fn take(&self, now: Instant, most: usize) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let second = Duration::from_secs(1);
        let free =
            written[MOST - most].is_none_or(|at| now.saturating_duration_since(at) >= second);
        if free {
            written.rotate_left(1);
            written[MOST - 1] = Some(now);
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            self.news.notify_one();
        }
        free
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
        let (lines, start) = (Lines::default(), Instant::now());
        let mut written = Vec::new();
        // Datagrams every millisecond, and now and then a burst about nodes.
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            written.extend(lines.datagram(now).then_some((ms, false)));
            let nodes = if ms % 1700 == 0 { 20 } else { 0 };
            written.extend((0..nodes).filter(|_| lines.node(now)).map(|_| (ms, true)));
        }
        for second in 0..9_000 {
            let within = written.iter().filter(|(ms, _)| (second..second + 1000).contains(ms));
            let within: Vec<_> = within.map(|(_, node)| *node).collect();
            assert!(within.len() <= 8, "{within:?} in the second from {second} ms on");
            let datagrams = within.iter().filter(|node| !**node).count();
            assert!(datagrams <= 4, "{within:?}");
        }
        let nodes = written.iter().filter(|(_, node)| *node).count();
        assert!(nodes >= 6 * 4, "a flood of datagrams hides {nodes} of nodes");
        assert_eq!(lines.take_left_out(), 10_000 + 6 * 20 - written.len() as u64);
        assert_eq!(lines.take_left_out(), 0);
    }

    #[test]
    fn after_a_second_of_silence_there_is_room_again() {
        let (lines, start) = (Lines::default(), Instant::now());
        let count = |now| (0..100).filter(|_| lines.node(now)).count();
        assert_eq!(count(start), 8);
        assert_eq!(count(start + Duration::from_millis(999)), 0);
        assert_eq!(count(start + Duration::from_millis(1000)), 8);
    }
}
