use toml::de::DeTable;

use super::reader::Reader;
use super::value;
use crate::config::check::place::Place;
use crate::config::model::{BareAnswers, RequestLimits};
use crate::types::Rates;

const FIELDS: [&str; 8] =
    ["exempt", "bare-answers", "bare-bytes", "ipv4-32", "ipv4-24", "ipv6-64", "ipv6-56", "ipv6-48"];

/// `[limits]`
pub(super) fn limits(reader: &mut Reader<'_>, table: &DeTable<'_>) -> RequestLimits {
    reader.fields(table, &FIELDS);
    let mut limits = RequestLimits::default();
    if let Some(value) = table.get("exempt") {
        limits.exempt = reader.prefixes(value);
    }
    if let Some(value) = table.get("bare-answers") {
        let answers = value::choice(value, "bare-answers", &BareAnswers::ALL, BareAnswers::as_str);
        limits.bare_answers = reader.keep(answers).unwrap_or_default();
    }
    if let Some(value) = table.get("bare-bytes") {
        let bytes = value::number(value, 0..=u32::MAX);
        limits.bare_bytes = reader.keep_at(Place::BareBytes, value, bytes).unwrap_or_default();
    }
    limits.rates = rates(reader, table);
    limits
}

fn rates(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Rates {
    let mut rate = |key, default| {
        let rate = table.get(key).map(|value| value::number(value, 0..=u32::MAX));
        rate.and_then(|rate| reader.keep(rate)).unwrap_or(default)
    };
    let default = Rates::default();
    Rates {
        v4_32: rate("ipv4-32", default.v4_32),
        v4_24: rate("ipv4-24", default.v4_24),
        v6_64: rate("ipv6-64", default.v6_64),
        v6_56: rate("ipv6-56", default.v6_56),
        v6_48: rate("ipv6-48", default.v6_48),
    }
}
