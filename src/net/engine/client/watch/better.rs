//! Who is worth a move: two that are about as far would else be exchanged for ever.

use std::cmp::Ordering;
use std::time::Duration;

/// For how many measurements in a row one must be better.
const MEASUREMENTS: u8 = 3;

/// By how much at least. What the access of a home adds to a round trip varies by a few milliseconds
/// from one to the next.
const MARGIN: Duration = Duration::from_millis(10);

/// Whether one is worth a move from another: each by how much of what is preferred it has not, and its time.
pub(super) fn is_worth_a_move((misses, rtt): (u8, Duration), other: (u8, Duration)) -> bool {
    match misses.cmp(&other.0) {
        Ordering::Less => true,
        Ordering::Equal => is_clearly_better(rtt, other.1),
        Ordering::Greater => false,
    }
}

/// Whether one at `rtt` is clearly better than one at `other`: by 10 ms and a third at least.
fn is_clearly_better(rtt: Duration, other: Duration) -> bool {
    planted!(WatchFlaps => rtt < other);
    rtt + MARGIN <= other && rtt * 3 <= other * 2
}

/// Whether it was that for long enough.
pub(super) fn lasts(measurements: u8) -> bool {
    planted!(WatchHasty => measurements > 0);
    measurements >= MEASUREMENTS
}
