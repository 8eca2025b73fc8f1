//! The documents: what a command has found, as JSON says it and as text, tables and trees are
//! rendered from.

#[cfg(test)]
pub(crate) mod examples;
mod ping;
mod probe;
mod trace;

pub(crate) use ping::{Ping, Reply};
pub(crate) use probe::{Probe, Runner, Step};
pub(crate) use trace::{Candidate, Count, CountReport, Trace};

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::diagnostics::{Fault, Report};

/// A document, or a line of a stream: those say what they are.
#[derive(Debug, Serialize)]
pub(crate) struct Document<T> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    body: T,
}

impl<T> Document<T> {
    pub(crate) fn whole(schema: &'static str, body: T) -> Self {
        let kind = None;
        Self { schema, kind, body }
    }

    pub(crate) fn part(schema: &'static str, kind: &'static str, body: T) -> Self {
        let kind = Some(kind);
        Self { schema, kind, body }
    }
}

/// A document as one line.
pub(crate) fn line(document: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(document).map_err(|error| Fault::Output(error.into()))
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl From<&Report> for Problem {
    fn from(report: &Report) -> Self {
        Self { kind: report.kind, message: report.message() }
    }
}

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
        assert_eq!(line(&time).unwrap(), "11.97");
        assert_eq!(line(&Ms(38.2)).unwrap(), "38.2");
        assert_eq!(line(&Ms(0.0004)).unwrap(), "0.0");
    }
}
