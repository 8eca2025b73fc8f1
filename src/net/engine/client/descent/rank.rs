//! Who is better, who can still win, and who is near enough to be asked: all that a descent decides
//! by comparing times.

use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;

/// How good a candidate is: the one with the least time is the best, and of two the one that was
/// listed first. Who asks not to be chosen is behind all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// Whether it asks not to be chosen.
    pub(super) reserve: bool,
    /// Its least round-trip time.
    pub(super) rtt: Duration,
    /// Whose it is.
    pub(super) id: CandidateId,
}

impl Score {
    /// Whether it is better than the best so far.
    pub(super) fn beats(self, best: Option<Self>) -> bool {
        best.is_none_or(|best| self < best)
    }

    /// Whether a leaf of this score is asked in the last round beside the `best`: within that, the
    /// noise of a home's access decides the order as much as the distance does.
    pub(super) fn is_finalist_beside(self, best: Self) -> bool {
        self.rtt <= best.rtt * 13 / 10 + Duration::from_millis(8)
    }

    /// Whether a balance server of this score is explored beside the fastest of its level: a leaf
    /// below it can be nearer to the client than it is, by more than anybody would wait for.
    pub(super) fn is_explored_beside(self, fastest: Duration) -> bool {
        self.rtt <= around(fastest)
    }
}

/// How far a descent looks around: farther away, by where the best is, is nobody that anybody would use.
pub(in crate::net::engine::client) fn around(fastest: Duration) -> Duration {
    fastest * 3 + Duration::from_millis(30)
}

/// How long the answer of a balance server is awaited beside the `fastest` of its level, and the
/// outlook up to which a candidate is promising beside that.
pub(super) fn window(fastest: Duration) -> Duration {
    fastest * 3 / 2 + Duration::from_millis(10)
}

/// The last moment at which the answer to a request that was sent then can still win: it must not
/// take longer than `limit`. Silence needs no timeout: it loses by itself.
pub(super) fn can_win_until(sent: Instant, limit: Duration) -> Instant {
    sent + limit
}

/// The less of two times, of which one may not be known.
pub(super) fn least(known: Option<Duration>, rtt: Duration) -> Duration {
    known.map_or(rtt, |known| known.min(rtt))
}
