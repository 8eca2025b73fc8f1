//! How full the TURN servers beside nodes are, as half a byte tells it.

use crate::types::Load;

/// Into so many steps the way to full is cut.
const STEPS: u32 = 14;

/// 0, not known; 1 to 14, within the fourteenth that ends there; 15, full.
pub(super) fn to_nibble(load: Option<Load>) -> u8 {
    match load {
        None => 0,
        Some(load) if load.is_full() => 15,
        Some(load) => 1 + (u32::from(load.percent()) * STEPS / 100) as u8,
    }
}

/// The middle of the fourteenth, of the last one up to where it is full.
pub(super) fn from_nibble(nibble: u8) -> Option<Load> {
    match u32::from(nibble) {
        0 => None,
        14 => Some(Load::of_percent(u32::from(Load::FULL) - 1)),
        15 => Some(Load::of_percent(100)),
        step => Some(Load::of_percent((2 * step - 1) * 100 / (2 * STEPS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_half_a_byte_tells_is_read_as_what_it_told() {
        assert_eq!(
            (0..16).map(|n| to_nibble(from_nibble(n))).collect::<Vec<_>>(),
            Vec::from_iter(0..16)
        );
        let told = (0..=100).map(|percent| to_nibble(Some(Load::of_percent(percent))));
        let told: Vec<_> = told.collect();
        assert!(told.is_sorted() && told[0] == 1 && told[94] == 14 && told[95] == 15, "{told:?}");
    }
}
