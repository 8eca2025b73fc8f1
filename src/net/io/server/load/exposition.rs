//! Metrics as programs expose them: the text format of Prometheus (prometheus.io, "Exposition formats",
//! 0.0.4) and OpenMetrics 1.0. Of all that is there one gauge is read, and that strictly.
//!
//! Written here, for the parsers that there are keep all of a text, and bring what dates and regular
//! expressions are read with.

use std::fmt;

/// Why a text does not say how much a gauge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It has no sample of it.
    Missing,
    /// It has one that is no sample: in this line, from 1.
    Malformed(usize),
    /// It is no gauge, but this.
    Type(String),
    /// One of its samples is negative, infinite or no number.
    Value(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it has no such metric"),
            Self::Malformed(line) => write!(f, "line {line} is no sample"),
            Self::Type(kind) => write!(f, "the metric is a {kind}, and no gauge"),
            Self::Value(line) => write!(f, "line {line} has no number that is 0 or more"),
        }
    }
}

/// All samples of a gauge together, whatever labels they have.
pub(super) fn sum(text: &str, metric: &str) -> Result<f64, Unreadable> {
    let mut sum = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line == "# EOF" {
            break;
        }
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.split_ascii_whitespace();
            if let (Some("TYPE"), Some(name), Some(kind)) =
                (words.next(), words.next(), words.next())
                && name == metric
                && !["gauge", "untyped", "unknown"].contains(&kind)
            {
                // What counts for ever would have it fill up and never empty.
                return Err(Unreadable::Type(kind.chars().take(16).collect()));
            }
            continue;
        }
        let Some(rest) = line.strip_prefix(metric) else { continue };
        if !rest.starts_with(['{', ' ', '\t']) {
            continue; // the name goes on
        }
        let value = value(rest).ok_or(Unreadable::Malformed(at + 1))?;
        if !value.is_finite() || value < 0.0 {
            return Err(Unreadable::Value(at + 1));
        }
        sum = Some(sum.unwrap_or(0.0) + value);
    }
    sum.ok_or(Unreadable::Missing)
}

/// The value of a sample, behind its name.
fn value(rest: &str) -> Option<f64> {
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('{') {
        Some(labels) => behind_labels(labels)?,
        None => rest,
    };
    // Behind a `#` stands an exemplar.
    let mut words = rest.split(" #").next()?.split_ascii_whitespace();
    let (value, timestamp, end) = (words.next()?, words.next(), words.next());
    let timed = timestamp.is_none_or(|at| at.parse::<f64>().is_ok());
    let value = value.parse().ok()?;
    (timed && end.is_none()).then_some(value)
}

/// What stands behind labels: in their quotes anything may, with a backslash before a quote.
fn behind_labels(text: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_of_one_metric_are_added() {
        let text = "# HELP a How many\n# TYPE a gauge\na{x=\"1\"} 3\na{x=\"2\",y=\"}\\\" 9\"} 4.5e1 1700000000\n\
                    ab 7\na_total 9\nb{a=\"1\"} 5\n\na 1 # {trace=\"7\"} 1.0\n# EOF\na 1000\n";
        assert_eq!(sum(text, "a"), Ok(49.0));
        assert_eq!(sum(text, "ab"), Ok(7.0));
        assert_eq!(sum(text, "c"), Err(Unreadable::Missing));
        assert_eq!(sum("a 0\r\n", "a"), Ok(0.0));
    }

    #[test]
    fn what_is_no_number_of_clients() {
        for (text, why) in [
            ("", Unreadable::Missing),
            ("# TYPE a gauge\n", Unreadable::Missing),
            ("b 1\na{x=\"1\" 3\n", Unreadable::Malformed(2)),
            ("a\n a one\n", Unreadable::Malformed(2)),
            ("a 1 2 3\n", Unreadable::Malformed(1)),
            ("a 1 soon\n", Unreadable::Malformed(1)),
            ("a 1\na NaN\n", Unreadable::Value(2)),
            ("a +Inf\n", Unreadable::Value(1)),
            ("a -1\n", Unreadable::Value(1)),
            ("# TYPE a counter\na 7\n", Unreadable::Type("counter".into())),
            ("# TYPE a histogram\na 7\n", Unreadable::Type("histogram".into())),
        ] {
            assert_eq!(sum(text, "a"), Err(why), "{text}");
        }
    }

    /// What TURN servers expose, as committed: the first lines of each sample say where it is from.
    #[test]
    fn what_turn_servers_expose() {
        for (text, metric, expected) in [
            (include_str!("samples/eturnal.txt"), "eturnal_turn_open_sessions", 3.0),
            (include_str!("samples/stunner.txt"), "stunner_allocations_active", 42.0),
            (include_str!("samples/coturn.txt"), "turn_total_allocations", 5.0),
            (include_str!("samples/turn-rs.txt"), "allocated", 2.0),
        ] {
            assert_eq!(sum(text, metric), Ok(expected), "{metric}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([ab] ?(\\{[a-c\"\\\\=,}]{0,9})? ?[0-9.eE+#-]{0,5}\n?){0,9}") {
            if let Ok(sum) = sum(&text, "a") {
                prop_assert!(sum.is_finite() && sum >= 0.0);
            }
        }
    }
}
