//! How often somebody may ask.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how many it is kept who has asked lately. More at once share what one may: nobody can fill the
/// memory, and those who were there before are not shut out.
const MOST: usize = 16_384;

/// So many in a row, and then one after another with a pause.
#[derive(Debug)]
pub(super) struct Allowance<K> {
    pause: Duration,
    burst: Duration,
    askers: Mutex<Askers<K>>,
}

/// Who has asked lately.
#[derive(Debug)]
struct Askers<K> {
    /// When what each has used up is full again.
    full_again: BTreeMap<K, Instant>,
    /// The same, by that.
    by_time: BTreeSet<(Instant, K)>,
    /// That of all who find no room.
    others: Option<Instant>,
}

impl<K: Ord + Clone> Allowance<K> {
    /// So many a second, and so many at once.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let pause = Duration::from_secs(1) / rate.max(1);
        Self { pause, burst: pause * burst.max(1), askers: Mutex::default() }
    }

    /// Takes one from somebody's; else says after how long there will be one again.
    ///
    /// # Errors
    /// That time: he has used all of it up.
    pub(super) fn take(&self, who: &K, now: Instant) -> Result<(), Duration> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = askers.has_room_for(who, now);
        let full = if has_room { askers.full_again.get(who).copied() } else { askers.others };
        let full = full.unwrap_or(now).max(now) + self.pause;
        match full.duration_since(now).checked_sub(self.burst) {
            None | Some(Duration::ZERO) => {
                if has_room {
                    askers.set(who, full);
                } else {
                    askers.others = Some(full);
                }
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }
}

impl<K: Ord + Clone> Askers<K> {
    /// Whether somebody is known, or may be: another goes for him who has used up nothing any more, one for
    /// each who comes.
    fn has_room_for(&mut self, who: &K, now: Instant) -> bool {
        if self.full_again.len() < MOST || self.full_again.contains_key(who) {
            return true;
        }
        if self.by_time.first().is_none_or(|(full, _)| *full > now) {
            return false;
        }
        if let Some((_, gone)) = self.by_time.pop_first() {
            self.full_again.remove(&gone);
        }
        true
    }

    fn set(&mut self, who: &K, full: Instant) {
        if let Some(before) = self.full_again.insert(who.clone(), full) {
            self.by_time.remove(&(before, who.clone()));
        }
        self.by_time.insert((full, who.clone()));
    }
}

impl<K> Default for Askers<K> {
    fn default() -> Self {
        Self { full_again: BTreeMap::new(), by_time: BTreeSet::new(), others: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_after_another() {
        let quota = Allowance::new(10, 3);
        let start = Instant::now();
        let take = |who: u32, ms| quota.take(&who, start + Duration::from_millis(ms)).is_ok();
        assert_eq!([0, 0, 0, 0].map(|at| take(1, at)), [true, true, true, false]);
        assert!(take(2, 0), "another has his own");
        assert_eq!([99, 100, 100].map(|at| take(1, at)), [false, true, false]);
        assert_eq!(quota.take(&1, start), Err(Duration::from_millis(200)));
        assert_eq!([900, 900, 900, 900].map(|at| take(1, at)), [true, true, true, false]);
    }

    #[test]
    fn those_who_find_no_room_share_it() {
        let quota = Allowance::new(1, 2);
        let now = Instant::now();
        assert!((0..MOST).all(|who| quota.take(&who, now).is_ok()));
        let more = (MOST..MOST + 9).filter(|who| quota.take(who, now).is_ok()).count();
        assert_eq!(more, 2);
        assert!(quota.take(&0, now).is_ok(), "who was there before has what was his");
        let later = now + Duration::from_secs(9);
        assert!((MOST..MOST + 9).all(|who| quota.take(&who, later).is_ok()));
    }

    #[test]
    fn each_who_comes_takes_the_place_of_one() {
        let quota = Allowance::new(1, 2);
        let now = Instant::now();
        assert!((0..MOST).all(|who| quota.take(&who, now).is_ok()));
        assert!(quota.take(&0, now).is_ok());
        let kept = |quota: &Allowance<usize>| {
            let askers = quota.askers.lock().unwrap();
            assert_eq!(askers.full_again.len(), askers.by_time.len());
            (askers.full_again.len(), askers.full_again.contains_key(&0))
        };
        let later = now + Duration::from_secs(1);
        assert!((MOST..MOST + 9).all(|who| quota.take(&who, later).is_ok()));
        assert_eq!(kept(&quota), (MOST, true), "no others are looked at for them");
        // All have their turn but the one who has used up something, and two more share what is left.
        let taken = (MOST + 9..3 * MOST).filter(|who| quota.take(who, later).is_ok()).count();
        assert_eq!(taken, MOST - 1 - 9 + 2);
        assert_eq!(kept(&quota), (MOST, true));
    }
}
