//! When which name is looked up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Between two look-ups of a name: addresses in DNS change in minutes.
const AGAIN: Duration = Duration::from_secs(60);

/// After the first look-up that failed; doubled up to [`AGAIN`].
const RETRY: Duration = Duration::from_secs(1);

/// How many names are looked up at once: each takes a thread, for as long as the resolver is silent.
const AT_ONCE: usize = 64;

/// Names by their index, each with times of its own.
#[derive(Debug)]
pub(super) struct Agenda {
    due: BTreeSet<(Instant, usize)>,
    /// Of each, how long it is left alone after the next failure.
    pauses: Vec<Duration>,
    running: usize,
}

impl Agenda {
    /// All of them are due now.
    pub(super) fn new(names: usize, now: Instant) -> Self {
        let due = (0..names).map(|index| (now, index)).collect();
        Self { due, pauses: vec![RETRY; names], running: 0 }
    }

    /// The next name to look up, if there is room for one more.
    pub(super) fn start(&mut self, now: Instant) -> Option<usize> {
        let next = self.due.first().filter(|(at, _)| *at <= now && self.running < AT_ONCE)?;
        let (at, index) = *next;
        self.due.remove(&(at, index));
        self.running += 1;
        Some(index)
    }

    /// When to ask for the next one, if that is a matter of time alone.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.running < AT_ONCE).map(|(at, _)| *at)
    }

    /// A look-up has ended. Returns after how long there is another.
    pub(super) fn end(&mut self, now: Instant, index: usize, found: bool) -> Duration {
        self.running = self.running.saturating_sub(1);
        let again = match self.pauses.get_mut(index) {
            Some(pause) if found => {
                *pause = RETRY;
                AGAIN
            }
            Some(pause) => std::mem::replace(pause, (*pause * 2).min(AGAIN)),
            None => AGAIN,
        };
        self.due.insert((now + again, index));
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn started(agenda: &mut Agenda, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| agenda.start(now)).collect()
    }

    #[test]
    fn each_name_has_times_of_its_own() {
        let now = Instant::now();
        let mut agenda = Agenda::new(3, now);
        assert_eq!(started(&mut agenda, now), [0, 1, 2], "all at once");
        assert_eq!(agenda.next(), None);
        assert_eq!(agenda.end(now, 1, true), AGAIN);
        assert_eq!(agenda.next(), Some(now + AGAIN), "it waits for nobody");
        let mut at = now;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(agenda.end(at, 0, false), SECOND * pause);
            at += SECOND * pause;
            let others: Vec<_> = started(&mut agenda, at).into_iter().filter(|n| *n != 0).collect();
            assert!(others.is_empty() || others == [1], "{others:?}");
        }
        assert_eq!(agenda.end(at, 0, true), AGAIN);
        assert_eq!(started(&mut agenda, at + AGAIN), [0]);
        assert_eq!(agenda.end(at, 0, false), RETRY, "a success forgives");
    }

    #[test]
    fn there_is_an_end_to_what_is_done_at_once() {
        let now = Instant::now();
        let mut agenda = Agenda::new(1000, now);
        assert_eq!(started(&mut agenda, now).len(), AT_ONCE);
        assert_eq!(agenda.next(), None, "when one ends");
        agenda.end(now, 7, false);
        assert_eq!(agenda.next(), Some(now));
        assert_eq!(started(&mut agenda, now), [AT_ONCE]);
    }
}
