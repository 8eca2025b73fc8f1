//! When which name is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Between two look-ups of a name: addresses in DNS change in minutes.
const AGAIN: Duration = Duration::from_secs(60);

/// After the first look-up that failed; doubled up to [`AGAIN`].
const RETRY: Duration = Duration::from_secs(1);

/// How many names are looked up at once: each takes a thread, for as long as the resolver is silent.
const AT_ONCE: usize = 64;

/// Names, each with times of its own.
#[derive(Debug)]
pub(super) struct Agenda<N> {
    due: BTreeSet<(Instant, N)>,
    /// Of each, how long it is left alone after the next failure.
    pauses: BTreeMap<N, Duration>,
    running: usize,
}

impl<N: Clone + Ord> Agenda<N> {
    /// All of them are due now.
    pub(super) fn new(names: impl IntoIterator<Item = N>, now: Instant) -> Self {
        let mut agenda = Self { due: BTreeSet::new(), pauses: BTreeMap::new(), running: 0 };
        agenda.set(names, now);
        agenda
    }

    /// Replaces them: those that stay keep their times, and those that are new are due now.
    pub(super) fn set(&mut self, names: impl IntoIterator<Item = N>, now: Instant) {
        let mut before = std::mem::take(&mut self.pauses);
        for name in names {
            let pause = before.remove(&name).unwrap_or_else(|| {
                self.due.insert((now, name.clone()));
                RETRY
            });
            self.pauses.insert(name, pause);
        }
        self.due.retain(|(_, name)| !before.contains_key(name));
    }

    /// The next name to look up, if there is room for one more.
    pub(super) fn start(&mut self, now: Instant) -> Option<N> {
        self.due.first().filter(|(at, _)| *at <= now && self.running < AT_ONCE)?;
        let (_, name) = self.due.pop_first()?;
        self.running += 1;
        Some(name)
    }

    /// When to ask for the next one, if that is a matter of time alone.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.running < AT_ONCE).map(|(at, _)| *at)
    }

    /// A look-up has ended. Returns after how long there is another; `None`: the name is none of these any
    /// more.
    pub(super) fn end(&mut self, now: Instant, name: &N, found: bool) -> Option<Duration> {
        self.running = self.running.saturating_sub(1);
        let pause = self.pauses.get_mut(name)?;
        let again = match found {
            true => {
                *pause = RETRY;
                AGAIN
            }
            false => std::mem::replace(pause, (*pause * 2).min(AGAIN)),
        };
        self.due.insert((now + again, name.clone()));
        Some(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn started(agenda: &mut Agenda<usize>, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| agenda.start(now)).collect()
    }

    #[test]
    fn each_name_has_times_of_its_own() {
        let now = Instant::now();
        let mut agenda = Agenda::new(0..3, now);
        assert_eq!(started(&mut agenda, now), [0, 1, 2], "all at once");
        assert_eq!(agenda.next(), None);
        assert_eq!(agenda.end(now, &1, true), Some(AGAIN));
        assert_eq!(agenda.next(), Some(now + AGAIN), "it waits for nobody");
        let mut at = now;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(agenda.end(at, &0, false), Some(SECOND * pause));
            at += SECOND * pause;
            let others: Vec<_> = started(&mut agenda, at).into_iter().filter(|n| *n != 0).collect();
            assert!(others.is_empty() || others == [1], "{others:?}");
        }
        assert_eq!(agenda.end(at, &0, true), Some(AGAIN));
        assert_eq!(started(&mut agenda, at + AGAIN), [0]);
        assert_eq!(agenda.end(at, &0, false), Some(RETRY), "a success forgives");
    }

    #[test]
    fn there_is_an_end_to_what_is_done_at_once() {
        let now = Instant::now();
        let mut agenda = Agenda::new(0..1000, now);
        assert_eq!(started(&mut agenda, now).len(), AT_ONCE);
        assert_eq!(agenda.next(), None, "when one ends");
        agenda.end(now, &7, false);
        assert_eq!(agenda.next(), Some(now));
        assert_eq!(started(&mut agenda, now), [AT_ONCE]);
    }
    #[test]
    fn those_that_stay_keep_their_times() {
        let now = Instant::now();
        let mut agenda = Agenda::new([1, 2, 3], now);
        assert_eq!(started(&mut agenda, now), [1, 2, 3]);
        agenda.end(now, &1, true);
        agenda.end(now, &2, true);
        agenda.set([1, 3, 4], now + SECOND);
        assert_eq!(started(&mut agenda, now + SECOND), [4], "3 is still out");
        assert_eq!(agenda.end(now + SECOND, &3, false), Some(RETRY));
        assert_eq!(agenda.end(now + SECOND, &4, true), Some(AGAIN));
        assert_eq!(started(&mut agenda, now + AGAIN), [3, 1], "2 is none of them any more");
        agenda.set([], now + AGAIN);
        assert_eq!(agenda.end(now + AGAIN, &1, true), None);
        assert_eq!(agenda.next(), None);
    }
}
