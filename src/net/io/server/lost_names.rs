//! Host names of the configuration that stand for no address, because they cannot be looked up.

use std::collections::BTreeMap;
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::types::{Endpoint, TroubleStatus};

/// Those names, since when, and what the system says.
#[derive(Debug, Default)]
pub(super) struct LostNames(ArcSwap<BTreeMap<Endpoint, (Instant, String)>>);

impl LostNames {
    /// One could not be looked up, and nothing is known of it.
    pub(super) fn lose(&self, now: Instant, name: &Endpoint, cause: &str) {
        let mut names = self.0.load().as_ref().clone();
        names.entry(name.clone()).or_insert((now, String::new())).1 = cause.to_owned();
        self.0.store(names.into());
    }

    /// Those stay of which this says so.
    pub(super) fn retain(&self, stays: impl Fn(&Endpoint) -> bool) {
        let names = self.0.load();
        if names.keys().any(|name| !stays(name)) {
            let mut names = names.as_ref().clone();
            names.retain(|name, _| stays(name));
            self.0.store(names.into());
        }
    }

    /// What is wrong with them.
    pub(super) fn troubles(&self, now: Instant) -> Vec<TroubleStatus> {
        let names = self.0.load();
        let told = |(name, (since, cause)): (&Endpoint, &(Instant, String))| {
            let what = format!("it cannot look up `{name}`: {cause}");
            TroubleStatus::new("lost-name", what, now.saturating_duration_since(*since))
        };
        names.iter().map(told).collect()
    }
}
