//! How often what is offered is encoded.

use std::time::{Duration, Instant};

/// So many changes in a row are encoded at once: those of a start, or of one failure.
const AT_ONCE: u32 = 4;

/// After which one of these is made up for, and so between those that come without end: with
/// 10,000 nodes one takes a few milliseconds of a core. What a client asks is no fresher than its round
/// trip, and a superior hears of news every 250 ms at most, so each level waits no longer for this.
const PAUSE: Duration = Duration::from_millis(50);

/// The times that something was encoded (the generic cell rate algorithm: ITU-T I.371, annex A).
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When all of them are made up for.
    rested: Option<Instant>,
}

impl Pace {
    /// When something may be encoded next.
    pub(super) fn next(&self) -> Option<Instant> {
        planted!(EncodesWithoutEnd => None);
        self.rested?.checked_sub(PAUSE * (AT_ONCE - 1))
    }

    /// Something is encoded, sooner than that where it must be.
    pub(super) fn note(&mut self, now: Instant) {
        let rested = self.rested.map_or(now, |rested| rested.max(now)) + PAUSE;
        self.rested = Some(rested.min(now + PAUSE * AT_ONCE));
    }
}
