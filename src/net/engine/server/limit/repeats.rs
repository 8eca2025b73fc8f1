//! Whether a bare request repeats the one before it: two old servers that answer each other's
//! answers come to an end by that.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::table::{KeyedHash, place, table};

/// A bare id from one address and port is answered once in this time.
const PAUSE: Duration = Duration::from_secs(1);

/// The last bare id of each address and port.
#[derive(Debug)]
pub(super) struct Repeats {
    hash: KeyedHash,
    /// Each with the millisecond of its answer.
    last: Box<[AtomicU64]>,
}

impl Repeats {
    pub(super) fn new(places: usize, hash: KeyedHash) -> Self {
        Self { hash, last: table(places) }
    }

    /// Whether a request has the id of the last one from there, and comes too soon. Notes it.
    pub(super) fn repeats(&self, uptime: Duration, from: &SocketAddr, id: u32) -> bool {
        planted!(RepeatAnswered => false);
        // Never 0, which stands where nobody has asked.
        let ms = (uptime.as_millis() as u32).max(1);
        let Some(place) = place(&self.last, self.hash.of_addr(from)) else { return false };
        let before = place.load(Ordering::Relaxed);
        let since = u128::from(ms.wrapping_sub(before as u32));
        let again = before != 0 && before >> 32 == u64::from(id);
        if again && since < PAUSE.as_millis() {
            return true;
        }
        place.store(u64::from(id) << 32 | u64::from(ms), Ordering::Relaxed);
        false
    }
}
