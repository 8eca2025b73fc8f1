//! What may be wrong, or pass: a server with several addresses is heard from each of them until its superior
//! has answered, and most of them are no node's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::trouble::Trouble;

/// How long it is seen until it is told: longer than a heartbeat with news is repeated fast, each of which asks
/// for the answer by which the sender finds its one address.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it is not seen until it has passed: three heartbeats.
const GAP: Duration = Duration::from_secs(10);

/// How many are known at most: as many as are told of, and as many again.
const MOST: usize = 64;

/// All that are seen of late, with the first and the last time of each.
#[derive(Debug, Default)]
pub(super) struct Suspicions(BTreeMap<Trouble, (Instant, Instant)>);

impl Suspicions {
    /// It is seen. Returns whether it has lasted.
    pub(super) fn last(&mut self, now: Instant, trouble: &Trouble) -> bool {
        if let Some((first, last)) = self.0.get_mut(trouble) {
            if *last + GAP < now {
                *first = now;
            }
            *last = now;
            return *first + PATIENCE <= now;
        }
        self.0.retain(|_, (_, last)| *last + GAP >= now);
        if self.0.len() < MOST {
            self.0.insert(trouble.clone(), (now, now));
        }
        false
    }
}
