//! When which name is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// An answer holds for at least so long: CoreDNS has 5 s for what changes in Kubernetes, Consul 0 s, and a node
/// that is new or gone is known to its superior in seconds, not sooner.
const LEAST: Duration = Duration::from_secs(5);

/// And at most so long: what a name stands for no more and is still kept is looked at again then, and who has
/// had a day in the zone by mistake need not wait for it.
const MOST: Duration = Duration::from_secs(300);

/// After the first look-up that failed; doubled up to [`RARELY`].
const RETRY: Duration = Duration::from_secs(1);

/// Between look-ups that fail.
const RARELY: Duration = Duration::from_secs(60);

/// How many names are looked up at once: each has a few datagrams under way, for as long as name servers are
/// silent.
const AT_ONCE: usize = 64;

/// Names, each with times of its own.
#[derive(Debug)]
pub(super) struct Agenda<N> {
    due: BTreeSet<(Instant, N)>,
    /// Of each, how long it is left alone after the next failure.
    pauses: BTreeMap<N, Duration>,
    running: BTreeSet<N>,
}

impl<N: Clone + Ord> Agenda<N> {
    /// All of them are due now.
    pub(super) fn new(names: impl IntoIterator<Item = N>, now: Instant) -> Self {
        let mut agenda =
            Self { due: BTreeSet::new(), pauses: BTreeMap::new(), running: BTreeSet::new() };
        agenda.set(names, now);
        agenda
    }

    /// Replaces them: those that stay keep their times, and those that are new are due now, but for one that is
    /// still looked up since it was one before.
    pub(super) fn set(&mut self, names: impl IntoIterator<Item = N>, now: Instant) {
        let mut before = std::mem::take(&mut self.pauses);
        for name in names {
            let pause = before.remove(&name).unwrap_or_else(|| {
                if !self.running.contains(&name) {
                    self.due.insert((now, name.clone()));
                }
                RETRY
            });
            self.pauses.insert(name, pause);
        }
        self.due.retain(|(_, name)| !before.contains_key(name));
    }

    /// The next name to look up, if there is room for one more.
    pub(super) fn start(&mut self, now: Instant) -> Option<N> {
        self.due.first().filter(|(at, _)| *at <= now && self.running.len() < AT_ONCE)?;
        let (_, name) = self.due.pop_first()?;
        self.running.insert(name.clone());
        Some(name)
    }

    /// When to ask for the next one, if that is a matter of time alone.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.running.len() < AT_ONCE).map(|(at, _)| *at)
    }

    /// A look-up has ended, with what holds for so long; `None`: with nothing. Returns after how long there
    /// is another; `None`: the name is none of these any more.
    pub(super) fn end(
        &mut self,
        now: Instant,
        name: &N,
        holds: Option<Duration>,
    ) -> Option<Duration> {
        self.running.remove(name);
        let pause = self.pauses.get_mut(name)?;
        let again = match holds {
            Some(holds) => {
                *pause = RETRY;
                holds.clamp(LEAST, MOST)
            }
            None => std::mem::replace(pause, (*pause * 2).min(RARELY)),
        };
        self.due.insert((now + again, name.clone()));
        Some(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn started(agenda: &mut Agenda<usize>, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| agenda.start(now)).collect()
    }

    #[test]
    fn each_name_has_times_of_its_own() {
        let now = Instant::now();
        let mut agenda = Agenda::new(0..3, now);
        assert_eq!(started(&mut agenda, now), [0, 1, 2], "all at once");
        assert_eq!(agenda.next(), None);
        assert_eq!(agenda.end(now, &1, Some(MINUTE)), Some(MINUTE));
        assert_eq!(agenda.next(), Some(now + MINUTE), "it waits for nobody");
        let mut at = now;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(agenda.end(at, &0, None), Some(SECOND * pause));
            at += SECOND * pause;
            let others: Vec<_> = started(&mut agenda, at).into_iter().filter(|n| *n != 0).collect();
            assert!(others.is_empty() || others == [1], "{others:?}");
        }
        assert_eq!(agenda.end(at, &0, Some(MINUTE)), Some(MINUTE));
        assert_eq!(started(&mut agenda, at + MINUTE), [0]);
        assert_eq!(agenda.end(at, &0, None), Some(RETRY), "a success forgives");
    }

    #[test]
    fn an_answer_holds_for_as_long_as_it_says_within_bounds() {
        let now = Instant::now();
        let mut agenda = Agenda::new([0], now);
        for (says, holds) in [(0, 5), (5, 5), (30, 30), (300, 300), (86_400, 300)] {
            assert_eq!(agenda.end(now, &0, Some(SECOND * says)), Some(SECOND * holds));
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_done_at_once() {
        let now = Instant::now();
        let mut agenda = Agenda::new(0..1000, now);
        assert_eq!(started(&mut agenda, now).len(), AT_ONCE);
        assert_eq!(agenda.next(), None, "when one ends");
        agenda.end(now, &7, None);
        assert_eq!(agenda.next(), Some(now));
        assert_eq!(started(&mut agenda, now), [AT_ONCE]);
    }
    #[test]
    fn those_that_stay_keep_their_times() {
        let now = Instant::now();
        let mut agenda = Agenda::new([1, 2, 3], now);
        assert_eq!(started(&mut agenda, now), [1, 2, 3]);
        agenda.end(now, &1, Some(MINUTE));
        agenda.end(now, &2, Some(MINUTE));
        agenda.set([1, 3, 4], now + SECOND);
        assert_eq!(started(&mut agenda, now + SECOND), [4], "3 is still out");
        assert_eq!(agenda.end(now + SECOND, &3, None), Some(RETRY));
        assert_eq!(agenda.end(now + SECOND, &4, Some(MINUTE)), Some(MINUTE));
        assert_eq!(started(&mut agenda, now + MINUTE), [3, 1], "2 is none of them any more");
        agenda.set([], now + MINUTE);
        assert_eq!(agenda.end(now + MINUTE, &1, Some(MINUTE)), None);
        assert_eq!(agenda.next(), None);
    }

    #[test]
    fn who_goes_and_comes_again_is_looked_up_once() {
        let now = Instant::now();
        let mut agenda = Agenda::new([1], now);
        assert_eq!(started(&mut agenda, now), [1]);
        agenda.set([], now);
        agenda.set([1], now);
        assert_eq!(started(&mut agenda, now), [0; 0], "it is still out");
        assert_eq!(agenda.end(now, &1, Some(MINUTE)), Some(MINUTE));
        assert_eq!(started(&mut agenda, now + MINUTE), [1]);
    }
}
