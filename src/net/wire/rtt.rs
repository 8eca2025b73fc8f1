//! Round-trip times of nodes: half a byte each, beside the list and in its order.

use std::time::Duration;

use super::proto::put_raw;

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

/// Writes the round-trip times of nodes in their order, each of [`Node::rtt_nibble`](super::Node::rtt_nibble), two a byte,
/// the first in the upper half.
pub fn put_rtts(out: &mut Vec<u8>, mut nibbles: impl ExactSizeIterator<Item = u8>) {
    put_raw(out, 11 << 3 | 2);
    put_raw(out, nibbles.len().div_ceil(2) as u64);
    while let Some(upper) = nibbles.next() {
        out.push(upper << 4 | nibbles.next().unwrap_or(0));
    }
}

/// That of the node at a place of the list.
pub(super) fn rtt_at(packed: &[u8], place: usize) -> Option<Duration> {
    let byte = packed.get(place / 2)?;
    from_nibble(if place.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
}
