use std::time::Duration;

use turn_balance::duration;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A length of time that may be waited for.
pub(crate) fn parse(text: &str) -> Result<Duration, TimeError> {
    match duration(text).ok_or(TimeError::Unreadable)? {
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
    fn from_a_millisecond_to_a_day() {
        let read = [
            ("10", 10_000),
            ("0.25s", 250),
            ("1ms", 1),
            ("86400", 86_400_000),
            ("24h", 86_400_000),
        ];
        for (text, millis) in read {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in ["", "-1", "inf", "5d"] {
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
