//! Which signed heartbeats are new: a tag alone says nothing of when it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::net::engine::Rng;
use crate::net::fault::{Fault, planted};
use crate::net::wire::Ping;
use crate::net::wire::auth::Key;

/// How long a challenge is given out. It is good for this and the next epoch, so that a node needs
/// a new one once a minute or two, and a datagram that was recorded is of no use after that.
const EPOCH: Duration = Duration::from_secs(60);

/// How long a sequence number is remembered: as long as a challenge can be good.
const MEMORY: Duration = Duration::from_secs(120);

/// What knows a heartbeat that is new from one that was recorded.
#[derive(Debug)]
pub(super) struct ReplayFilter {
    /// A secret of this start: no challenge of an earlier one is good.
    boot: Key,
    start: Instant,
    heard: BTreeMap<SocketAddr, (u64, Instant)>,
    order: BTreeSet<(Instant, SocketAddr)>,
}

/// What a heartbeat with a right tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// New.
    Fresh,
    /// Without a challenge that is good: it may be old. This one is good, and this is the last
    /// sequence number of the address.
    Stale { challenge: u64, last_seq: u64 },
    /// With a good challenge and a number that does not rise.
    Replayed,
    /// There is no room to remember it.
    Full,
}

impl ReplayFilter {
    /// Without memory, and with a secret of its own.
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        let boot = Key::new(0, &rng.random());
        Self { boot, start: now, heard: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Judges a heartbeat that came from an address; `room`: of how many addresses to remember
    /// something at most.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ping: &Ping,
        room: usize,
    ) -> Freshness {
        while let Some(&(at, addr)) = self.order.first().filter(|(at, _)| *at + MEMORY <= now) {
            self.order.remove(&(at, addr));
            self.heard.remove(&addr);
        }
        let epoch = now.saturating_duration_since(self.start).as_secs() / EPOCH.as_secs();
        let before = self.heard.get(&from).copied();
        let last_seq = before.map_or(0, |(seq, _)| seq);
        let good = |epoch| ping.challenge == self.challenge(from, epoch);
        let known = good(epoch) || epoch.checked_sub(1).is_some_and(good);
        if !known && !planted(Fault::ChallengeIgnored) {
            return Freshness::Stale { challenge: self.challenge(from, epoch), last_seq };
        }
        if ping.seq <= last_seq && !planted(Fault::SequenceIgnored) {
            return Freshness::Replayed;
        }
        match before {
            Some((_, at)) => drop(self.order.remove(&(at, from))),
            None if self.heard.len() >= room && !planted(Fault::GuardWithoutBound) => {
                return Freshness::Full;
            }
            None => {}
        }
        self.heard.insert(from, (ping.seq, now));
        self.order.insert((now, from));
        Freshness::Fresh
    }

    /// How many addresses it remembers something of.
    pub(super) fn len(&self) -> usize {
        self.heard.len()
    }

    /// What a heartbeat from an address must carry. Never 0, which is no challenge.
    fn challenge(&self, from: SocketAddr, epoch: u64) -> u64 {
        let ip = match from.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut bytes = [0; 26];
        bytes[..16].copy_from_slice(&ip.octets());
        bytes[16..18].copy_from_slice(&from.port().to_be_bytes());
        bytes[18..].copy_from_slice(&epoch.to_be_bytes());
        self.boot.digest(&bytes).max(1)
    }
}
