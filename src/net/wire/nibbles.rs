//! What is told of nodes in half a byte each, beside the list and in its order.

use super::proto::put_raw;

/// Writes a field of such, two a byte, the first in the upper half.
pub(super) fn put_nibbles(
    out: &mut Vec<u8>,
    field: u64,
    mut nibbles: impl ExactSizeIterator<Item = u8>,
) {
    put_raw(out, field << 3 | 2);
    put_raw(out, nibbles.len().div_ceil(2) as u64);
    while let Some(upper) = nibbles.next() {
        out.push(upper << 4 | nibbles.next().unwrap_or(0));
    }
}

/// That of the node at a place of the list; 0 where there is none.
pub(super) fn nibble_at(packed: &[u8], place: usize) -> u8 {
    let byte = packed.get(place / 2).copied().unwrap_or(0);
    if place.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}
