use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Units and their seconds; none is seconds. `ms` ends in an `s` too, and comes first.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// A length of time as the command line has it: `10`, `1.5` and `2s` are seconds; `500ms`, `1m` and
/// `1h` are not.
pub(crate) fn parse(text: &str) -> Result<Duration, TimeError> {
    let with_unit = |(name, seconds)| Some((text.strip_suffix(name)?, seconds));
    let (number, unit) = UNITS.into_iter().find_map(with_unit).unwrap_or((text, 1.0));
    // Only digits: `f64` also reads `nan`, `inf` and `1e9`.
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(TimeError::Unreadable);
    }
    let number: f64 = number.parse().map_err(|_| TimeError::Unreadable)?;
    let time = Duration::try_from_secs_f64(number * unit).unwrap_or(Duration::MAX);
    match time {
        time if time < SHORTEST => Err(TimeError::TooShort),
        time if time > LONGEST => Err(TimeError::TooLong),
        time => Ok(time),
    }
}

/// A text that is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    #[error("a time is seconds, `10` or `1.5`, or has a unit, `500ms`, `2s`, `1m` or `1h`")]
    Unreadable,
    #[error("a time is at least `1ms`")]
    TooShort,
    #[error("a time is at most a day, `24h`")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_other_units() {
        let read = [
            ("10", 10_000),
            ("1.5", 1_500),
            (".5", 500),
            ("2s", 2_000),
            ("500ms", 500),
            ("0.25s", 250),
            ("1ms", 1),
            ("86400", 86_400_000),
            ("1m", 60_000),
            ("1.5m", 90_000),
            ("24h", 86_400_000),
        ];
        for (text, millis) in read {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        let unreadable = [
            "", ".", "s", "ms", "-1", "+1", "nan", "inf", "1e3", "1.2.3", "5d", "5 s", "1m30s",
            "m", "٣",
        ];
        for text in unreadable {
            assert_eq!(parse(text), Err(TimeError::Unreadable), "{text}");
        }
        for text in ["0", "0.0", "0ms", "0.9ms", "0.0001"] {
            assert_eq!(parse(text), Err(TimeError::TooShort), "{text}");
        }
        let endless = "9".repeat(400);
        for text in ["86401", "86400001ms", "25h", &endless] {
            assert_eq!(parse(text), Err(TimeError::TooLong), "{text}");
        }
    }
}
