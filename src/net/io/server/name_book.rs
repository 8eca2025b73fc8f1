//! What the names of the configuration stand for, for whoever looks at the server.

use std::net::SocketAddr;
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::types::{Endpoint, NameStatus, TroubleStatus};

/// All of them, and hosts that SRV records name and that cannot be looked up.
#[derive(Debug, Default)]
pub(super) struct NameBook(ArcSwap<Vec<NameEntry>>);

/// One of them.
#[derive(Debug)]
pub(super) struct NameEntry {
    pub(super) name: Endpoint,
    /// Whether the configuration has it.
    pub(super) configured: bool,
    /// Its addresses, by its newest answer.
    pub(super) addrs: Vec<SocketAddr>,
    /// Those that it has dropped, and that are online all the same.
    pub(super) kept: Vec<SocketAddr>,
    /// Since when it cannot be looked up, and what is said of that.
    pub(super) fault: Option<(Instant, String)>,
}

impl NameBook {
    /// This is how they are from now on.
    pub(super) fn write(&self, entries: Vec<NameEntry>) {
        self.0.store(entries.into());
    }

    /// What the configuration's stand for.
    pub(super) fn statuses(&self) -> Vec<NameStatus> {
        let status = |entry: &NameEntry| {
            let NameEntry { name, addrs, kept, .. } = entry;
            NameStatus::new(name.clone(), addrs.clone(), kept.clone())
        };
        self.0.load().iter().filter(|entry| entry.configured).map(status).collect()
    }

    /// What is wrong with them.
    pub(super) fn troubles(&self, now: Instant) -> Vec<TroubleStatus> {
        let trouble = |NameEntry { name, addrs, kept, fault, .. }: &NameEntry| {
            let (since, cause) = fault.as_ref()?;
            let what = format!("it cannot look up `{}`: {cause}", name.plain());
            let (word, what) = match addrs.len() + kept.len() {
                0 => ("lost-name", what),
                stay => ("stale-name", format!("{what}; {stay} of before stay")),
            };
            Some(TroubleStatus::new(word, what, now.saturating_duration_since(*since)))
        };
        self.0.load().iter().filter_map(trouble).collect()
    }
}
