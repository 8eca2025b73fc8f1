//! Round-trip times of nodes, as half a byte tells them.

use std::time::Duration;

use super::nibbles::put_nibbles;

/// What a node's round-trip time is told in: as fine as is of use beside the noise of an access
/// network (docs/selection.md), and coarse enough that half a byte goes up to a quarter of a second.
const RTT_UNIT: Duration = Duration::from_millis(16);

pub(super) fn to_nibble(rtt: Option<Duration>) -> u8 {
    rtt.map_or(0, |rtt| 1 + (rtt.as_micros() / RTT_UNIT.as_micros()).min(14) as u8)
}

/// The middle of the unit.
pub(super) fn from_nibble(nibble: u8) -> Option<Duration> {
    nibble.checked_sub(1).map(|units| RTT_UNIT * units.into() + RTT_UNIT / 2)
}

/// Writes the round-trip times of nodes in their order, each of [`Node::rtt_nibble`](super::Node::rtt_nibble).
pub fn put_rtts(out: &mut Vec<u8>, nibbles: impl ExactSizeIterator<Item = u8>) {
    put_nibbles(out, 11, nibbles);
}
