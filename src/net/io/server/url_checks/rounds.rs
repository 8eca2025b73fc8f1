//! When which URL is checked.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Between the beginnings of two checks of one URL: as often as an Allocate is tried.
const PERIOD: Duration = Duration::from_secs(30);

/// How many are checked at once: each takes a socket, of which a process often has 1,024, and for a moment a
/// thread that looks its host up. With thousands of URLs that are silent a period takes longer.
const AT_ONCE: usize = 128;

/// URLs by their index, those that wait longest first: all have one period.
#[derive(Debug)]
pub(super) struct Rounds {
    due: VecDeque<(Instant, usize)>,
    running: usize,
}

impl Rounds {
    /// All of them are due now.
    pub(super) fn new(urls: usize, now: Instant) -> Self {
        Self { due: (0..urls).map(|index| (now, index)).collect(), running: 0 }
    }

    /// The next one to check, if there is room for one more. It is due again after a period.
    pub(super) fn start(&mut self, now: Instant) -> Option<usize> {
        let (at, index) = *self.due.front()?;
        if at > now || self.running >= AT_ONCE {
            return None;
        }
        self.due.pop_front();
        self.due.push_back((now + PERIOD, index));
        self.running += 1;
        Some(index)
    }

    /// A check has ended.
    pub(super) fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// When to ask for the next one, if that is a matter of time alone.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.front().filter(|_| self.running < AT_ONCE).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(rounds: &mut Rounds, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| rounds.start(now)).collect()
    }

    #[test]
    fn each_is_due_a_period_after_it_began() {
        let now = Instant::now();
        let mut rounds = Rounds::new(3, now);
        assert_eq!(started(&mut rounds, now), [0, 1, 2]);
        assert_eq!(rounds.next(), Some(now + PERIOD));
        (0..3).for_each(|_| rounds.end());
        assert!(started(&mut rounds, now + PERIOD - Duration::from_millis(1)).is_empty());
        assert_eq!(started(&mut rounds, now + PERIOD), [0, 1, 2]);
    }

    #[test]
    fn there_is_an_end_to_what_is_done_at_once() {
        let now = Instant::now();
        let mut rounds = Rounds::new(10_000, now);
        assert_eq!(started(&mut rounds, now).len(), AT_ONCE);
        assert_eq!(rounds.next(), None, "when one ends");
        rounds.end();
        assert_eq!(started(&mut rounds, now), [AT_ONCE]);
        let mut seen = AT_ONCE + 1;
        while seen < 10_000 {
            rounds.end();
            seen += started(&mut rounds, now).len();
        }
        rounds.end();
        assert!(started(&mut rounds, now).is_empty(), "each of them had its turn");
    }
}
