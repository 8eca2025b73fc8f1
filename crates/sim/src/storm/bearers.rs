//! Who has a cookie: what each may have for it, and what nobody may take from them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use turn_balance::Rates;
use turn_balance::internals::wire::ProbeReply;

use super::budgets::{Meter, Pace};

/// The bearers of one server's cookies.
#[derive(Debug, Default)]
pub(crate) struct Bearers {
    /// When each cookie was handed out, and to whom.
    cookies: BTreeMap<(SocketAddr, Vec<u8>), Instant>,
    first: BTreeMap<SocketAddr, Pace>,
    ports: BTreeMap<SocketAddr, Meter>,
    addresses: BTreeMap<IpAddr, Meter>,
    /// How often each who brings one has asked.
    asked: BTreeMap<SocketAddr, u32>,
    /// Of those who have asked three times at most: how often they did, and were answered.
    newcomers: (u32, u32),
}

/// How long a cookie is good, give or take the second that it was made in.
const GOOD: Duration = Duration::from_secs(120);
const GIVE_OR_TAKE: Duration = Duration::from_secs(1);

/// What a newcomer may ask before all others.
const FIRST: u32 = 3;

impl Bearers {
    /// Whether this may be a good cookie of an asker.
    pub(crate) fn knows(&self, now: Instant, from: SocketAddr, cookie: &[u8]) -> bool {
        let made = self.cookies.get(&(from, cookie.to_vec()));
        made.is_some_and(|made| now - *made < GOOD + GIVE_OR_TAKE)
    }

    /// Somebody asks.
    pub(crate) fn asks(&mut self, now: Instant, from: SocketAddr, cookie: &[u8], answerable: bool) {
        let made = self.cookies.get(&(from, cookie.to_vec()));
        let good = made.is_some_and(|made| now - *made < GOOD - GIVE_OR_TAKE);
        if good && answerable {
            *self.asked.entry(from).or_default() += 1;
            self.newcomers.0 += u32::from(self.is_new(from));
        }
    }

    /// And is answered.
    pub(crate) fn is_answered(
        &mut self,
        now: Instant,
        from: SocketAddr,
        cookie: &[u8],
        reply: &ProbeReply,
    ) {
        if reply.retry {
            self.cookies.insert((from, reply.cookie.clone()), now);
        } else if self.knows(now, from, cookie) && self.is_new(from) {
            self.newcomers.1 += 1;
        }
    }

    fn is_new(&self, from: SocketAddr) -> bool {
        self.asked.get(&from).is_some_and(|asked| *asked <= FIRST)
    }

    /// Whether a bearer may have one more answer: its first ones, or some of what its port and its
    /// address have, with those that need no cookie.
    pub(crate) fn may_have(&mut self, uptime: Duration, from: SocketAddr, rates: &Rates) -> bool {
        let first = self.first.entry(from).or_default();
        if first.give(uptime, Duration::from_secs(10), FIRST) {
            return true;
        }
        let rates = rates.v4_24(0).v6_56(0).v6_48(0);
        let port = self.ports.entry(from).or_default();
        let address = self.addresses.entry(from.ip()).or_default();
        port.give(uptime, from.ip(), &rates, 2) && address.give(uptime, from.ip(), &rates, 11)
    }

    /// Whether newcomers ask in vain. Some share a place in the server's tables with others.
    pub(crate) fn starve(&self) -> bool {
        let (asked, answered) = self.newcomers;
        asked >= 30 && 4 * answered < 3 * asked
    }
}
