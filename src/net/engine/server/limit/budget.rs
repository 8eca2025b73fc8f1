//! How often an address, the networks around it, a bearer of a cookie and a node may ask.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::table::{KeyedHash, place, table};
use crate::types::Rates;

/// How many times the budget of its address the bearer of a cookie has: it really is there, and may
/// be a network behind one address.
const BEARER: u64 = 10;

/// Heartbeats a second that are heard from one listed node: it sends five at most (docs/protocol.md).
const HEARTBEATS: u64 = 20;

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// The budgets of all who ask.
#[derive(Debug)]
pub(super) struct Budgets {
    hash: KeyedHash,
    v4_address: RateTable,
    v4_network: RateTable,
    v6_subnet: RateTable,
    v6_site: RateTable,
    v6_block: RateTable,
    v4_bearer: RateTable,
    v6_bearer: RateTable,
    node: RateTable,
}

impl Budgets {
    /// All of them full.
    pub(super) fn new(rates: &Rates, places: usize, hash: KeyedHash) -> Self {
        let budgets = |rate: u64, rotation| RateTable {
            cost: SECOND.checked_div(rate).unwrap_or(0),
            rotation,
            paid_back: table(places),
        };
        let [v4, v6] = [rates.v4_32, rates.v6_64].map(u64::from);
        Self {
            hash,
            v4_address: budgets(v4, 0),
            v4_network: budgets(rates.v4_24.into(), 16),
            v6_subnet: budgets(v6, 0),
            v6_site: budgets(rates.v6_56.into(), 16),
            v6_block: budgets(rates.v6_48.into(), 32),
            v4_bearer: budgets(BEARER * v4, 0),
            v6_bearer: budgets(BEARER * v6, 0),
            // Who limits no address limits no node.
            node: budgets(if v4 == 0 && v6 == 0 { 0 } else { HEARTBEATS }, 0),
        }
    }

    /// Takes one request from the budgets of an address and its networks. Returns whether all of
    /// them had one left.
    #[inline(always)]
    pub(super) fn take(&self, uptime: Duration, from: &SocketAddr) -> bool {
        let now = nanos(uptime);
        match from {
            SocketAddr::V4(from) => self.take_v4(now, from.ip().to_bits().into()),
            SocketAddr::V6(from) => self.take_v6(now, (from.ip().to_bits() >> 64) as u64),
        }
    }

    /// Takes one from what the bearer of a cookie has: ten times the budget, of the address alone,
    /// that nobody else can use up in its name.
    pub(super) fn take_bearer(&self, uptime: Duration, from: &SocketAddr) -> bool {
        let (budgets, bits) = match from {
            SocketAddr::V4(from) => (&self.v4_bearer, from.ip().to_bits().into()),
            SocketAddr::V6(from) => (&self.v6_bearer, (from.ip().to_bits() >> 64) as u64),
        };
        budgets.take(nanos(uptime), self.hash.of([bits]), 0)
    }

    /// Takes one from what a listed node has for its heartbeats: hundreds of nodes may stand in one
    /// network.
    pub(super) fn take_node(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.node.take(nanos(uptime), self.hash.of_addr(from), 0)
    }

    // One hash does for an address and all networks around it.
    #[inline(always)]
    fn take_v4(&self, now: u64, bits: u64) -> bool {
        let network = self.hash.of([bits >> 8]);
        self.v4_address.take_address(now, network, bits & 0xff)
            && self.v4_network.take_network(now, network, 0)
    }

    #[inline(never)]
    fn take_v6(&self, now: u64, bits: u64) -> bool {
        let block = self.hash.of([bits >> 16]);
        self.v6_subnet.take_address(now, block, bits & 0xffff)
            && self.v6_site.take_network(now, block, bits >> 8 & 0xff)
            && self.v6_block.take_network(now, block, 0)
    }
}

/// The budgets of one kind.
#[derive(Debug)]
struct RateTable {
    /// What a request costs, in ns; 0: nothing.
    cost: u64,
    /// By how much a hash is rotated for its place here: who shares one budget with a stranger need
    /// not share the next.
    rotation: u32,
    /// When what was taken from each will be paid back, in ns since the start (the generic cell
    /// rate algorithm: ITU-T I.371, annex A). Their number is a power of two.
    paid_back: Box<[AtomicU64]>,
}

impl RateTable {
    #[inline(always)]
    fn take_address(&self, now: u64, network: u64, within: u64) -> bool {
        planted!(NoAddressBudget => true);
        self.take(now, network, within)
    }

    #[inline(always)]
    fn take_network(&self, now: u64, network: u64, within: u64) -> bool {
        planted!(NoNetworkBudget => true);
        self.take(now, network, within)
    }

    /// Takes from the budget of what has this place within a network. All that is in one network
    /// lies side by side.
    #[inline(always)]
    fn take(&self, now: u64, network: u64, within: u64) -> bool {
        let hash = network.rotate_right(self.rotation).wrapping_add(within);
        // Twice the rate at once: the last of them may be paid back two seconds from now.
        self.cost == 0
            || place(&self.paid_back, hash).is_none_or(|at| take(at, now, self.cost, 2 * SECOND))
    }
}

/// The budget of what all bare answers together may weigh beyond the amplification limit.
#[derive(Debug)]
pub(super) struct ByteBudget {
    /// Bytes a second; 0: none.
    rate: u64,
    /// When what was taken will be paid back, in ns since the start.
    paid_back: AtomicU64,
}

impl ByteBudget {
    pub(super) fn new(rate: u64) -> Self {
        Self { rate, paid_back: AtomicU64::new(0) }
    }

    pub(super) fn take(&self, uptime: Duration, bytes: usize) -> bool {
        let cost = (bytes as u64 * SECOND).checked_div(self.rate);
        cost.is_some_and(|cost| take(&self.paid_back, nanos(uptime), cost, SECOND))
    }
}

fn nanos(uptime: Duration) -> u64 {
    uptime.as_nanos() as u64
}

/// Takes from one budget, all in nanoseconds: what it costs, and how much may be taken at once.
fn take(paid_back: &AtomicU64, now: u64, cost: u64, most: u64) -> bool {
    let mut before = paid_back.load(Ordering::Relaxed);
    loop {
        let after = before.max(now) + cost;
        if after > now + most {
            return false;
        }
        match paid_back.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(changed) => before = changed,
        }
    }
}
