use std::time::{Duration, Instant};

use super::measured_turn::ASKED;

/// How long an answer is awaited until the selection is asked again.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How long those who stand by have to say that they are not to be used either, before one is moved to that has
/// not spoken: more than most round trips.
const WORDS: Duration = Duration::from_millis(500);

/// The measurement that is on, or was last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    pub(super) began: Instant,
    /// How often the selection was asked.
    pub(super) asked: u8,
    /// How long the answer is awaited; `None`: it has ended.
    pub(super) until: Option<Instant>,
    /// How long the words of those who stand by are; `None`: no more.
    pub(super) words: Option<Instant>,
}

impl Measurement {
    pub(super) fn begin(now: Instant) -> Self {
        Self { began: now, asked: 1, until: Some(now + PATIENCE), words: Some(now + WORDS) }
    }

    /// Whether the time for words is over just now.
    pub(super) fn end_of_words(&mut self, now: Instant) -> bool {
        self.words.take_if(|until| *until <= now).is_some()
    }
}

/// How often the selection is asked in vain at most.
pub(super) fn asked_at_most() -> u8 {
    planted!(WatchLeavesEarly => 1);
    ASKED
}
