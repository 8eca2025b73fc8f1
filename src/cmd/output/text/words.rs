use std::collections::BTreeMap;
use std::fmt::Display;

use turn_balance::escaped;

/// A number of things: `1 candidate`, `41 candidates`.
pub(crate) fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// What a server is labelled with: `region=eu,tier=gold`; `None`: nothing.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Option<String> {
    let all: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!all.is_empty()).then(|| escaped(&all.join(",")))
}

/// The text, or `-` for none.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
