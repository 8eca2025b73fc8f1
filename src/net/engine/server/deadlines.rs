//! When things fall due.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How far the first checks are spread: each node this long after the one before, so that
/// thousands of answers do not arrive at once.
const START_STEP: Duration = Duration::from_micros(50);

/// The last of them at this time at most.
const START_SPREAD: Duration = Duration::from_millis(500);

/// How long after the first of many new nodes this one is checked.
pub(super) fn spread(index: usize) -> Duration {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    START_STEP.saturating_mul(index).min(START_SPREAD)
}

/// When something falls due of each address. The next is found without a look at the others. Whoever has
/// a deadline knows it, so it is kept here once: one that moves is found by where it was.
#[derive(Debug, Default)]
pub(super) struct DeadlineOrder(BTreeSet<(Instant, SocketAddr)>);

impl DeadlineOrder {
    /// The deadline of an address was this, and is that.
    pub(super) fn change(
        &mut self,
        addr: SocketAddr,
        before: Option<Instant>,
        after: Option<Instant>,
    ) {
        if before != after {
            before.map(|before| self.0.remove(&(before, addr)));
            self.0.extend(after.map(|after| (after, addr)));
        }
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Those that are due, in their order; among equals, in that of the addresses.
    pub(super) fn due(&self, now: Instant) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().take_while(move |(at, _)| *at <= now).map(|(_, addr)| *addr)
    }
}

/// The same for those who do not know their deadlines.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    of: BTreeMap<SocketAddr, Instant>,
    order: DeadlineOrder,
}

impl Deadlines {
    /// Sets the deadline of an address, or takes it away.
    pub(super) fn set(&mut self, addr: SocketAddr, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.of.insert(addr, at),
            None => self.of.remove(&addr),
        };
        self.order.change(addr, before, at);
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<Instant> {
        self.order.first()
    }

    /// As [`DeadlineOrder::due`].
    pub(super) fn due(&self, now: Instant) -> impl Iterator<Item = SocketAddr> {
        self.order.due(now)
    }
}
