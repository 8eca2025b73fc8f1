//! Whether a bare request may be an answer to an answer: an old server that has nothing to offer
//! answers with what reads as a bare request, and would go on for ever.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::rate::{RateTable, nanos};
use super::table::{KeyedHash, place, table};

/// A bare id from one address and port is answered once in this time.
const PAUSE: Duration = Duration::from_secs(1);

/// So many bare requests of one address and port are answered at once, whatever their ids, and one
/// more after each such time. A client asks a server once or twice from a port; what goes round in a
/// loop comes back sooner than this, and ends with the first that is not answered.
const AT_ONCE: u64 = 8;
const ONE_MORE: Duration = Duration::from_secs(10);

/// The bare requests of each address and port.
#[derive(Debug)]
pub(super) struct Repeats {
    hash: KeyedHash,
    /// The last id of each, with the millisecond of its answer.
    last: Box<[AtomicU64]>,
    /// How many of each were answered.
    answers: RateTable,
}

impl Repeats {
    pub(super) fn new(places: usize, hash: KeyedHash) -> Self {
        let cost = nanos(ONE_MORE);
        let answers = RateTable::with_burst(cost, AT_ONCE * cost, 0, places);
        Self { hash, last: table(places), answers }
    }

    /// Whether a request has the id of the last one from there and comes too soon, or is one of
    /// too many. Notes it.
    pub(super) fn repeats(&self, uptime: Duration, from: &SocketAddr, id: u32) -> bool {
        let hash = self.hash.of_addr(from);
        self.repeats_id(uptime, hash, id) || self.is_one_too_many(uptime, hash)
    }

    fn repeats_id(&self, uptime: Duration, from: u64, id: u32) -> bool {
        planted!(RepeatAnswered => false);
        // Never 0, which stands where nobody has asked.
        let ms = (uptime.as_millis() as u32).max(1);
        let Some(place) = place(&self.last, from) else { return false };
        let before = place.load(Ordering::Relaxed);
        let since = u128::from(ms.wrapping_sub(before as u32));
        let again = before != 0 && before >> 32 == u64::from(id);
        if again && since < PAUSE.as_millis() {
            return true;
        }
        place.store(u64::from(id) << 32 | u64::from(ms), Ordering::Relaxed);
        false
    }

    fn is_one_too_many(&self, uptime: Duration, from: u64) -> bool {
        planted!(IdsAlternate => false);
        !self.answers.take(nanos(uptime), from, 0)
    }
}
