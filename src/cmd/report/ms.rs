use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Milliseconds: two decimals in text unless it says otherwise, microseconds in JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ms(pub(crate) f64);

impl From<Duration> for Ms {
    fn from(time: Duration) -> Self {
        Self(time.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.*}", f.precision().unwrap_or(2), self.0)
    }
}

impl Serialize for Ms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0 * 1e3).round() / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds() {
        let time = Ms::from(Duration::from_nanos(11_970_400));
        assert_eq!(format!("{time} {time:.3}"), "11.97 11.970");
        for (ms, json) in [(time, "11.97"), (Ms(38.2), "38.2"), (Ms(0.0004), "0.0")] {
            assert_eq!(serde_json::to_string(&ms).unwrap(), json);
        }
    }
}
