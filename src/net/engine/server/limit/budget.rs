//! How often an address, the networks around it, a bearer of a cookie and a node may ask.

use std::net::SocketAddr;
use std::time::Duration;

use super::rate::{RateTable, nanos};
use super::table::KeyedHash;
use crate::types::Rates;

/// How many times the budget of its address the bearers of cookies have together: they really are
/// there, and may be a network behind one address.
const BEARERS: u64 = 10;

/// How many times that budget those of them have who ask for the first time: ports of one address
/// that some thousand clients come from at once.
const NEWCOMERS: u64 = 100;

/// What an address and port with a cookie may ask before all others, and again after how long: a
/// descent asks a server three times (docs/selection.md).
const FIRST: u64 = 3;
const FIRST_AGAIN: Duration = Duration::from_secs(10);

/// How many STUN Binding requests stand for one request of ours. An office shares an address, STUN
/// has no cookie to tell who is there, and a response is at most 1.4 times as large as its request.
const BINDINGS: u32 = 10;

/// Heartbeats a second that are heard from one node: it sends five at most (docs/protocol.md).
const HEARTBEATS: u64 = 20;

/// The budgets of all who ask.
#[derive(Debug)]
pub(super) struct Budgets {
    hash: KeyedHash,
    requests: Addresses,
    bindings: Addresses,
    v4_bearers: Bearers,
    v6_bearers: Bearers,
    node: RateTable,
}

/// The budgets of addresses and the networks around them, for one kind of request.
#[derive(Debug)]
struct Addresses {
    v4_address: RateTable,
    v4_network: RateTable,
    v6_subnet: RateTable,
    v6_site: RateTable,
    v6_block: RateTable,
}

/// The budgets of those who bring cookies.
#[derive(Debug)]
struct Bearers {
    /// The first requests of an address and port.
    first: RateTable,
    /// Those of all ports of an address.
    newcomers: RateTable,
    /// All that an address and port asks for, and all ports of an address.
    port: RateTable,
    address: RateTable,
}

impl Budgets {
    /// All of them full.
    pub(super) fn new(rates: &Rates, places: usize, hash: KeyedHash) -> Self {
        let budgets = Self {
            hash,
            requests: Addresses::new(places),
            bindings: Addresses::new(places),
            v4_bearers: Bearers::new(places),
            v6_bearers: Bearers::new(places),
            node: RateTable::new(0, places),
        };
        budgets.limit_to(rates);
        budgets
    }

    /// Other rates from now on. In other tables they would take memory twice over, for as long as an allocator likes.
    pub(super) fn limit_to(&self, rates: &Rates) {
        let [v4, v6] = [rates.v4_32, rates.v6_64].map(u64::from);
        self.requests.limit_to(rates, 1);
        self.bindings.limit_to(rates, BINDINGS);
        self.v4_bearers.limit_to(v4);
        self.v6_bearers.limit_to(v6);
        // Who limits no address limits no node.
        self.node.limit_to(if v4 == 0 && v6 == 0 { 0 } else { HEARTBEATS });
    }

    /// Takes one request from the budgets of an address and its networks. Returns whether all of
    /// them had one left.
    #[inline(always)]
    pub(super) fn take(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.requests.take(self.hash, nanos(uptime), from)
    }

    /// Takes one STUN Binding request from what the same have for these.
    pub(super) fn take_binding(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.bindings.take(self.hash, nanos(uptime), from)
    }

    /// Takes one from what the bearer of a cookie has, and nobody else can use up in its name.
    pub(super) fn take_bearer(&self, uptime: Duration, from: &SocketAddr) -> bool {
        let (bearers, bits) = match from {
            SocketAddr::V4(from) => (&self.v4_bearers, from.ip().to_bits().into()),
            SocketAddr::V6(from) => (&self.v6_bearers, (from.ip().to_bits() >> 64) as u64),
        };
        bearers.take(nanos(uptime), self.hash.of([bits]), self.hash.of_addr(from))
    }

    /// Takes one from what a node has for its heartbeats, and a superior for the answers to them:
    /// hundreds of them may stand in one network. `key`: the number of the one that it is signed
    /// with, 0 if it is not, so that who has no key uses up nothing of who has.
    pub(super) fn take_node(&self, uptime: Duration, from: &SocketAddr, key: u32) -> bool {
        self.take_signed(uptime, from, key.into())
    }

    /// The same for what is sent in its name and is not believed, apart from what it sends itself.
    pub(super) fn take_refused(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.take_signed(uptime, from, u64::MAX)
    }

    fn take_signed(&self, uptime: Duration, from: &SocketAddr, by: u64) -> bool {
        self.node.take(nanos(uptime), self.hash.of([self.hash.of_addr(from), by]), 0)
    }
}

impl Addresses {
    fn new(places: usize) -> Self {
        Self {
            v4_address: RateTable::new(0, places),
            v4_network: RateTable::new(16, places),
            v6_subnet: RateTable::new(0, places),
            v6_site: RateTable::new(16, places),
            v6_block: RateTable::new(32, places),
        }
    }

    /// As `rates` has it, `times` over.
    fn limit_to(&self, rates: &Rates, times: u32) {
        let Self { v4_address, v4_network, v6_subnet, v6_site, v6_block } = self;
        for (table, rate) in [
            (v4_address, rates.v4_32),
            (v4_network, rates.v4_24),
            (v6_subnet, rates.v6_64),
            (v6_site, rates.v6_56),
            (v6_block, rates.v6_48),
        ] {
            table.limit_to(u64::from(rate) * u64::from(times));
        }
    }

    #[inline(always)]
    fn take(&self, hash: KeyedHash, now: u64, from: &SocketAddr) -> bool {
        match from {
            SocketAddr::V4(from) => self.take_v4(hash, now, from.ip().to_bits().into()),
            SocketAddr::V6(from) => self.take_v6(hash, now, (from.ip().to_bits() >> 64) as u64),
        }
    }

    // One hash does for an address and all networks around it.
    #[inline(always)]
    fn take_v4(&self, hash: KeyedHash, now: u64, bits: u64) -> bool {
        let network = hash.of([bits >> 8]);
        take_address(&self.v4_address, now, network, bits & 0xff)
            && take_network(&self.v4_network, now, network, 0)
    }

    #[inline(never)]
    fn take_v6(&self, hash: KeyedHash, now: u64, bits: u64) -> bool {
        let block = hash.of([bits >> 16]);
        take_address(&self.v6_subnet, now, block, bits & 0xffff)
            && take_network(&self.v6_site, now, block, bits >> 8 & 0xff)
            && take_network(&self.v6_block, now, block, 0)
    }
}

impl Bearers {
    fn new(places: usize) -> Self {
        let again = FIRST_AGAIN.as_nanos() as u64;
        Self {
            first: RateTable::with_burst(again, FIRST * again, 0, places),
            newcomers: RateTable::new(0, places),
            port: RateTable::new(16, places),
            address: RateTable::new(0, places),
        }
    }

    /// Of addresses that have `rate` requests a second without a cookie; 0: any number.
    fn limit_to(&self, rate: u64) {
        self.newcomers.limit_to(NEWCOMERS * rate);
        self.port.limit_to(rate);
        self.address.limit_to(BEARERS * rate);
    }

    /// Takes one for a port of an address, both as their hashes: the first ones before all others,
    /// so that no neighbour behind the same address can take them away.
    fn take(&self, now: u64, address: u64, port: u64) -> bool {
        self.is_first(now, port) && self.newcomers.take(now, address, 0)
            || self.port.take(now, port, 0) && self.address.take(now, address, 0)
    }

    fn is_first(&self, now: u64, port: u64) -> bool {
        planted!(NeighboursFirst => false);
        self.first.take(now, port, 0)
    }
}

#[inline(always)]
fn take_address(budgets: &RateTable, now: u64, network: u64, within: u64) -> bool {
    planted!(NoAddressBudget => true);
    budgets.take(now, network, within)
}

#[inline(always)]
fn take_network(budgets: &RateTable, now: u64, network: u64, within: u64) -> bool {
    planted!(NoNetworkBudget => true);
    budgets.take(now, network, within)
}
