use std::time::Duration;

/// Units and their seconds; none is seconds. `ms` ends in an `s` too, and comes first.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// A length of time as the command line and a configuration have it: `10`, `1.5` and `2s` are seconds;
/// `500ms`, `1m` and `1h` are not. One that is too long for a `Duration` is the longest.
pub fn duration(text: &str) -> Option<Duration> {
    let with_unit = |(name, seconds)| Some((text.strip_suffix(name)?, seconds));
    let (number, unit) = UNITS.into_iter().find_map(with_unit).unwrap_or((text, 1.0));
    // Only digits: `f64` also reads `nan`, `inf` and `1e9`.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| plain)?;
    Some(Duration::try_from_secs_f64(number * unit).unwrap_or(Duration::MAX))
}

/// One as the log has it: whole seconds.
#[cfg(feature = "server")]
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "server")]
    #[test]
    fn the_log_has_whole_seconds() {
        assert_eq!(seconds(Duration::from_nanos(41_380_130_809)), "41s");
    }

    #[test]
    fn seconds_and_other_units() {
        for (text, millis) in [
            ("10", 10_000),
            ("0", 0),
            ("0s", 0),
            (".5", 500),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration(&format!("{}h", "9".repeat(400))), Some(Duration::MAX));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "", ".", "s", "ms", ".s", "-1", "+1", "-1s", "+1s", "nan", "inf", "1e3", "1e3s",
            "nans", "infs", "1.2.3", "5d", "5 s", "1m30s", "m", "\u{663}", "\u{663}s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
