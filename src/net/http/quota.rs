//! How often somebody may ask.

use std::collections::BTreeMap;
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
    /// When what each has used up is full again; `None` stands for all who find no room.
    full_again: Mutex<BTreeMap<Option<K>, Instant>>,
}

impl<K: Ord + Clone> Allowance<K> {
    /// So many a second, and so many at once.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let pause = Duration::from_secs(1) / rate.max(1);
        Self { pause, burst: pause * burst.max(1), full_again: Mutex::default() }
    }

    /// Takes one from somebody's; else says after how long there will be one again.
    ///
    /// # Errors
    /// That time: he has used all of it up.
    pub(super) fn take(&self, who: &K, now: Instant) -> Result<(), Duration> {
        let mut full_again = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(who.clone());
        if full_again.len() >= MOST && !full_again.contains_key(&key) {
            full_again.retain(|_, full| *full > now);
            if full_again.len() >= MOST {
                key = None;
            }
        }
        let full = full_again.get(&key).copied().unwrap_or(now).max(now) + self.pause;
        match full.duration_since(now).checked_sub(self.burst) {
            None | Some(Duration::ZERO) => {
                full_again.insert(key, full);
                Ok(())
            }
            Some(wait) => Err(wait),
        }
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
}
