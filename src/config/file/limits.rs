//! What strangers are allowed.

use toml::de::DeTable;

use super::Reader;
use crate::config::check::Place;
use crate::config::{BareAnswers, value};
use crate::types::Rates;

impl Reader<'_> {
    pub(super) fn limits(&mut self, limits: &DeTable<'_>) {
        let rates = ["ipv4-32", "ipv4-24", "ipv6-64", "ipv6-56", "ipv6-48"];
        let others = ["exempt", "bare-answers", "bare-bytes"];
        self.fields(limits, &[&others[..], &rates].concat());
        if let Some(value) = limits.get("exempt") {
            let items = self.keep(value::list(value)).unwrap_or_default();
            let prefixes = items.iter().filter_map(|item| self.keep(value::prefix(item)));
            self.config.limits.exempt = prefixes.collect();
        }
        if let Some(value) = limits.get("bare-answers") {
            let choices = BareAnswers::ALL.map(BareAnswers::as_str);
            if let Some(i) = self.keep(value::choice(value, "bare-answers", &choices)) {
                self.config.limits.bare_answers = BareAnswers::ALL[i];
            }
        }
        if let Some(value) = limits.get("bare-bytes") {
            let bytes = value::number(value, 0..=u32::MAX);
            let bytes = self.keep_at(Place::BareBytes, value, bytes);
            self.config.limits.bare_bytes = bytes.unwrap_or_default();
        }
        let mut rate = |key| {
            let value = limits.get(key)?;
            self.keep(value::number(value, 0..=u32::MAX))
        };
        let default = Rates::default();
        self.config.limits.rates = Rates {
            v4_32: rate("ipv4-32").unwrap_or(default.v4_32),
            v4_24: rate("ipv4-24").unwrap_or(default.v4_24),
            v6_64: rate("ipv6-64").unwrap_or(default.v6_64),
            v6_56: rate("ipv6-56").unwrap_or(default.v6_56),
            v6_48: rate("ipv6-48").unwrap_or(default.v6_48),
        };
    }
}
