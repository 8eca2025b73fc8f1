//! Names that cannot be looked up, and when that is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::net::engine::server::trouble::REMIND;
use crate::types::Endpoint;

/// Those names.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<Endpoint, NameFailure>);

/// Why one cannot be looked up.
#[derive(Debug)]
pub(super) struct NameFailure {
    pub(super) since: Instant,
    pub(super) cause: String,
    told: Instant,
}

impl Failures {
    /// A look-up has failed. Returns whether that is to be told: at first, and then as rarely as all that
    /// stays wrong.
    pub(super) fn fail(&mut self, now: Instant, name: &Endpoint, cause: String) -> bool {
        let Some(failure) = self.0.get_mut(name) else {
            self.0.insert(name.clone(), NameFailure { since: now, cause, told: now });
            return true;
        };
        failure.cause = cause;
        let tell = now >= failure.told + REMIND;
        if tell {
            failure.told = now;
        }
        tell
    }

    /// One has not. Returns how long they failed, if the one before it did.
    pub(super) fn end(&mut self, now: Instant, name: &Endpoint) -> Option<Duration> {
        let NameFailure { since, .. } = self.0.remove(name)?;
        Some(now.saturating_duration_since(since))
    }

    pub(super) fn get(&self, name: &Endpoint) -> Option<&NameFailure> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.keys()
    }

    /// Those stay of which this says so.
    pub(super) fn retain(&mut self, stays: impl Fn(&Endpoint) -> bool) {
        self.0.retain(|name, _| stays(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_wrong_is_told_once_and_then_rarely() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let name = Endpoint::Srv("_tb._udp.example.org".to_owned());
        let told = |failures: &mut Failures, after: Duration| {
            failures.fail(start + after, &name, "silent".to_owned())
        };
        let second = Duration::from_secs(1);
        assert!(told(&mut failures, Duration::ZERO));
        assert!(!told(&mut failures, second) && !told(&mut failures, REMIND - second));
        assert!(told(&mut failures, REMIND) && !told(&mut failures, REMIND + second));
        assert_eq!(failures.end(start + 2 * REMIND, &name), Some(2 * REMIND));
        assert_eq!(failures.end(start + 2 * REMIND, &name), None);
        assert!(told(&mut failures, 2 * REMIND), "it is another");
    }
}
