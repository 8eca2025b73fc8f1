//! Who is better, and who is near enough to be asked again or to be asked itself: all that comparing times
//! decides.

use std::time::Duration;

/// How good a TURN server is: of those that have the most of what is preferred the one with the least time is
/// the best, and of two the one that was listed first. One that TURN cannot be spoken with, where UDP is blocked, is behind all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamStanding {
    /// Whether only a web server beside it was measured.
    pub(super) aside: bool,
    /// How much of what the caller prefers it has not.
    pub(super) misses: u8,
    /// The least time that a TCP connection took.
    pub(super) rtt: Duration,
    /// Whose it is.
    pub(super) index: usize,
}

/// TURN servers in the order to try.
#[derive(Debug)]
pub(super) struct StreamRanking {
    pub(super) order: Vec<StreamStanding>,
    /// How many of the first are as near as one another, and in the order of a draw; 0: the least time
    /// comes first.
    pub(super) drawn: usize,
}

/// How often one that is near the best is asked in all: the least of three counts, as noise only adds.
pub(super) const SAMPLES: u32 = 3;

/// Whether one of that time may be the best after all, beside the `best` so far: then it is asked again.
pub(super) fn is_near(rtt: Duration, best: Duration) -> bool {
    rtt <= best * 3 / 2 + Duration::from_millis(20)
}

/// Whether it is asked itself at the end, beside the `best`.
pub(super) fn is_finalist_beside(rtt: Duration, best: Duration) -> bool {
    rtt <= best * 13 / 10 + Duration::from_millis(8)
}
