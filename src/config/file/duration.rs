use std::time::Duration;

/// Units and their seconds. `ms` ends in an `s` too, and comes first.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// What a length of time looks like.
pub(super) const HINT: &str =
    "a time is a number of seconds, `5` or `1.5`, or has a unit: `\"500ms\"`, `\"5s\"`, `\"1m\"`";

/// A length of time with its unit, as the command line has it too, but for seconds without one.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let with_unit = |(name, seconds)| Some((text.strip_suffix(name)?, seconds));
    let (number, unit) = UNITS.into_iter().find_map(with_unit)?;
    // Only digits: `f64` also reads `nan`, `inf` and `1e9`.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| plain)?;
    Some(seconds(number * unit))
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
    fn units() {
        for (text, millis) in [
            ("5s", 5_000),
            ("0s", 0),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("1m", 60_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "5", "s", ".s", "-1s", "+1s", "1e3s", "nans", "infs", "5 s", "1m30s", "1d", "٣s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&format!("{}h", "9".repeat(400))), Some(Duration::MAX));
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
