//! Who is worth a move: two that are about as far would else be exchanged for ever.

use std::time::Duration;

/// For how many measurements in a row one must be better.
const MEASUREMENTS: u8 = 3;

/// By how much at least. What the access of a home adds to a round trip varies by a few milliseconds
/// from one to the next.
const MARGIN: Duration = Duration::from_millis(10);

/// Whether one at `rtt` is clearly better than one at `other`: by 10 ms and a third at least.
pub(super) fn is_clearly_better(rtt: Duration, other: Duration) -> bool {
    planted!(WatchFlaps => rtt < other);
    rtt + MARGIN <= other && rtt * 3 <= other * 2
}

/// Whether it was that for long enough.
pub(super) fn lasts(measurements: u8) -> bool {
    planted!(WatchHasty => measurements > 0);
    measurements >= MEASUREMENTS
}
