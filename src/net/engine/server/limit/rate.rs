//! Budgets that fill again as time passes: the generic cell rate algorithm (ITU-T I.371, annex A).
//!
//! Of each is kept when what was taken from it will be paid back, in nanoseconds since the start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::table::{place, table};

/// In nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;

/// The budgets of one kind.
#[derive(Debug)]
pub(super) struct RateTable {
    /// What a request costs, in ns; 0: nothing.
    cost: AtomicU64,
    /// How much of that may be taken at once, in ns.
    burst: u64,
    /// By how much a hash is rotated for its place here: who shares one budget with a stranger need
    /// not share the next.
    rotation: u32,
    /// Their number is a power of two.
    paid_back: Box<[AtomicU64]>,
}

impl RateTable {
    /// Any number of requests, until it is limited; then twice as many at once as in a second.
    pub(super) fn new(rotation: u32, places: usize) -> Self {
        Self::with_burst(0, 2 * SECOND, rotation, places)
    }

    /// One request in `cost` ns, and at once as many as are paid back in `burst`.
    pub(super) fn with_burst(cost: u64, burst: u64, rotation: u32, places: usize) -> Self {
        Self { cost: AtomicU64::new(cost), burst, rotation, paid_back: table(places) }
    }

    /// So many requests a second from now on; 0: any number. What was taken is paid back when it was to be.
    pub(super) fn limit_to(&self, rate: u64) {
        self.cost.store(SECOND.checked_div(rate).unwrap_or(0), Ordering::Relaxed);
    }

    /// Takes from the budget of what has this place within a network. All that is in one network
    /// lies side by side.
    #[inline(always)]
    pub(super) fn take(&self, now: u64, network: u64, within: u64) -> bool {
        let hash = network.rotate_right(self.rotation).wrapping_add(within);
        let cost = self.cost.load(Ordering::Relaxed);
        cost == 0 || place(&self.paid_back, hash).is_none_or(|at| take(at, now, cost, self.burst))
    }
}

/// One budget, of all together.
#[derive(Debug)]
pub(super) struct SharedBudget {
    /// Units a second; 0: none.
    rate: u64,
    /// How much may be taken at once, in ns.
    burst: u64,
    paid_back: AtomicU64,
}

impl SharedBudget {
    /// So much a second, and at once as much as is paid back in `burst`.
    pub(super) fn new(rate: u64, burst: Duration) -> Self {
        Self { rate, burst: nanos(burst), paid_back: AtomicU64::new(0) }
    }

    /// Goes on where another one was.
    pub(super) fn take_over(&self, before: &Self) {
        self.paid_back.store(before.paid_back.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn take(&self, uptime: Duration, units: usize) -> bool {
        let cost = (units as u64 * SECOND).checked_div(self.rate);
        cost.is_some_and(|cost| take(&self.paid_back, nanos(uptime), cost, self.burst))
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}

/// Takes from one budget, all in nanoseconds: what it costs, and how much may be taken at once.
fn take(paid_back: &AtomicU64, now: u64, cost: u64, burst: u64) -> bool {
    let mut before = paid_back.load(Ordering::Relaxed);
    loop {
        let after = before.max(now) + cost;
        if after > now + burst {
            return false;
        }
        match paid_back.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(changed) => before = changed,
        }
    }
}
