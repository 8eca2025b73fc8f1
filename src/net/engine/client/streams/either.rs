//! When HTTPS runs beside a descent by UDP, and which of the two is taken.

use std::time::Duration;

/// How long roots are asked by UDP alone. An answer that comes later than that is rare even by satellite.
pub const HEAD_START: Duration = Duration::from_secs(1);

/// How much longer a descent by UDP may take whose root has answered, where HTTPS has already found a TURN
/// server: UDP passes, and media goes better by it.
pub const YIELDS: Duration = Duration::from_secs(1);

/// Whether HTTPS is tried from now on, beside UDP or in its place: `waited` so long, while UDP has an answer of
/// a root or has not, and has ended in vain or goes on.
pub fn begins_https(waited: Duration, root_answered: bool, ended_in_vain: bool) -> bool {
    ended_in_vain || !root_answered && waited >= HEAD_START
}

/// How long a TURN server that was found by HTTPS is held back for what comes by UDP.
pub fn yields_for(root_answered: bool) -> Duration {
    if root_answered { YIELDS } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_is_first_where_it_passes() {
        let ms = Duration::from_millis;
        for (waited, answered, in_vain, begins) in [
            (ms(0), false, false, false),
            (ms(999), false, false, false),
            (ms(1000), false, false, true),
            (ms(5000), true, false, false),
            (ms(10), false, true, true),
            (ms(10), true, true, true),
        ] {
            assert_eq!(begins_https(waited, answered, in_vain), begins, "{waited:?}");
        }
        assert_eq!((yields_for(true), yields_for(false)), (YIELDS, Duration::ZERO));
    }
}
