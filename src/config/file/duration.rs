use std::time::Duration;

use crate::types::duration;

/// What a length of time looks like.
pub(super) const HINT: &str =
    "a time is a number of seconds, `5` or `1.5`, or has a unit: `\"500ms\"`, `\"5s\"`, `\"1m\"`";

/// A text that is a length of time: it has a unit, for a number without one is none of a text.
pub(super) fn parse(text: &str) -> Option<Duration> {
    text.ends_with(|last: char| last.is_ascii_alphabetic()).then(|| duration(text))?
}

/// So many seconds, none of them negative. One that is too long for a `Duration` is the longest.
pub(super) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX)
}

/// A length of time that [`parse`] reads again.
pub(in crate::config) fn written(time: Duration) -> String {
    match (time.as_secs(), time.subsec_nanos()) {
        (seconds, 0) => format!("{seconds}s"),
        (0, nanos) if nanos % 1_000_000 == 0 => format!("{}ms", nanos / 1_000_000),
        (seconds, nanos) => {
            let fraction = format!("{nanos:09}");
            format!("{seconds}.{}s", fraction.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_has_a_unit() {
        for text in ["5s", "0s", "1.5m", "500ms", "1h"] {
            assert_eq!(parse(text), duration(text), "{text}");
            assert!(parse(text).is_some(), "{text}");
        }
        for text in ["", "5", "1.", "s", "-1s", "1d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn short_forms() {
        for (millis, text) in [(0, "0s"), (5_000, "5s"), (250, "250ms"), (1_250, "1.25s")] {
            assert_eq!(written(Duration::from_millis(millis)), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0..=3_600_u64, nanos in 0..1_000_000_000_u32) {
            let time = Duration::new(seconds, nanos);
            prop_assert_eq!(parse(&written(time)), Some(time));
        }
    }
}
