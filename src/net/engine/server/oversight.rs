//! Whether a server's superiors check it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::trouble::{Trouble, Troubles};

/// Until one has, from the first heartbeat on: a check follows it within a round trip.
pub const FIRST: Duration = Duration::from_secs(10);

/// Since the last check that was seen: of a node that is online there are five in that time.
pub const LATER: Duration = Duration::from_secs(15);

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Oversight {
    /// When the last check of each was seen that is known by its address.
    superiors: BTreeMap<SocketAddr, Option<Instant>>,
    /// When any was seen last, also one from elsewhere.
    last: Option<Instant>,
    /// Since when they are told that there is something to offer; who has nothing is not checked by
    /// everybody.
    since: Option<Instant>,
    /// Whether it is known that none checks.
    unchecked: bool,
}

impl Oversight {
    /// These are the superiors from now on.
    pub(super) fn set_superiors(
        &mut self,
        now: Instant,
        addrs: &[SocketAddr],
        troubles: &mut Troubles,
    ) {
        let before = std::mem::take(&mut self.superiors);
        let last = |addr: &SocketAddr| (*addr, before.get(addr).copied().flatten());
        self.superiors = addrs.iter().map(last).collect();
        if before.is_empty() && self.since.is_some() {
            self.since = Some(now);
        }
        self.judge(now, troubles);
    }

    /// Whether they are told of an offer.
    pub(super) fn set_telling(&mut self, now: Instant, telling: bool, troubles: &mut Troubles) {
        self.since = if telling { self.since.or(Some(now)) } else { None };
        self.judge(now, troubles);
    }

    /// A check came from there.
    pub(super) fn note(&mut self, now: Instant, from: SocketAddr, troubles: &mut Troubles) {
        for (addr, last) in &mut self.superiors {
            if addr.ip() == from.ip() {
                *last = Some(now);
            }
        }
        self.last = Some(now);
        self.judge(now, troubles);
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant, troubles: &mut Troubles) {
        if !self.unchecked {
            self.judge(now, troubles);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline().filter(|_| !self.unchecked)
    }

    /// The superiors, and when each was last seen to check, as far as it is known by its address.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketAddr, Option<Instant>)> {
        self.superiors.iter().map(|(addr, last)| (*addr, *last))
    }

    /// Whether a check of a superior that is known by its address was seen of late.
    pub(super) fn has_checked(&self, now: Instant, superior: SocketAddr) -> bool {
        let last = self.superiors.get(&superior).copied().flatten();
        last.is_some_and(|last| now < last + LATER)
    }

    fn judge(&mut self, now: Instant, troubles: &mut Troubles) {
        let unchecked = self.deadline().is_some_and(|deadline| deadline <= now);
        if unchecked == self.unchecked {
            return;
        }
        self.unchecked = unchecked;
        match unchecked {
            true => troubles.set(now, Trouble::Unchecked { ever: self.last.is_some() }, true),
            false => troubles.keep(now, |trouble| !matches!(trouble, Trouble::Unchecked { .. })),
        }
    }

    /// When the next one must have been seen.
    fn deadline(&self) -> Option<Instant> {
        let first = self.since.filter(|_| !self.superiors.is_empty())? + FIRST;
        Some(self.last.map_or(first, |last| first.max(last + LATER)))
    }
}
