//! How many answers each prefix may have: an exact table, where the product's is of fixed size.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use turn_balance::Rates;

/// When what was given to each prefix is paid back, in ns.
#[derive(Debug, Default)]
pub(crate) struct Meter(BTreeMap<(u8, u128), u64>);

const SECOND: u64 = 1_000_000_000;

impl Meter {
    /// Gives an answer to an address. Returns whether the budgets of all its prefixes had one left;
    /// `times` what they usually have.
    pub(crate) fn give(&mut self, now: Duration, ip: IpAddr, rates: &Rates, times: u32) -> bool {
        let prefixes = prefixes(ip, rates);
        let each = |rate: u32| SECOND.checked_div(u64::from(rate * times));
        let prefixes: Vec<_> =
            prefixes.filter_map(|(key, rate)| Some((key, each(rate)?))).collect();
        let now = now.as_nanos() as u64;
        let paid_back = |key| self.0.get(key).copied().unwrap_or(0).max(now);
        let within = prefixes.iter().all(|(key, each)| paid_back(key) + each <= now + 2 * SECOND);
        if within {
            for (key, each) in prefixes {
                let at = self.0.entry(key).or_default();
                *at = (*at).max(now) + each;
            }
        }
        within
    }
}

fn prefixes(ip: IpAddr, rates: &Rates) -> impl Iterator<Item = ((u8, u128), u32)> {
    let prefixes = match ip {
        IpAddr::V4(ip) => {
            let bits = u128::from(ip.to_bits());
            vec![((32, bits), rates.v4_32), ((24, bits >> 8), rates.v4_24)]
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            let of = |len: u8| (len, bits >> (128 - len));
            vec![(of(64), rates.v6_64), (of(56), rates.v6_56), (of(48), rates.v6_48)]
        }
    };
    prefixes.into_iter()
}

/// Bytes that go beyond the amplification limit.
#[derive(Debug, Default)]
pub(crate) struct Bytes(u64);

impl Bytes {
    pub(crate) fn give(&mut self, now: Duration, bytes: usize, rate: u64) -> bool {
        let Some(cost) = (bytes as u64 * SECOND).checked_div(rate) else { return false };
        let now = now.as_nanos() as u64;
        let after = self.0.max(now) + cost;
        let within = after <= now + SECOND;
        if within {
            self.0 = after;
        }
        within
    }
}

/// Of one who gets `burst` at once, and one more after each pause.
#[derive(Debug, Default)]
pub(crate) struct Pace(Duration);

impl Pace {
    pub(crate) fn give(&mut self, now: Duration, pause: Duration, burst: u32) -> bool {
        let after = self.0.max(now) + pause;
        let within = after <= now + pause * burst;
        if within {
            self.0 = after;
        }
        within
    }
}
