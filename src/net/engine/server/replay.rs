//! Which signed heartbeats are new: a tag alone says nothing of when it was made.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::RngExt;

use super::deadlines::Deadlines;
use crate::net::engine::Rng;
use crate::net::wire::auth::Key;
use crate::net::wire::{Ping, SEQ_END};

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
    /// The last sequence number of each address.
    heard: BTreeMap<SocketAddr, u64>,
    /// Until when each is remembered.
    until: Deadlines,
}

/// What a heartbeat with a right tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// New.
    Fresh,
    /// Without a challenge that is good: it may be old. This one is good, and this is the last
    /// sequence number of the address.
    Stale { challenge: u64, last_seq: u64 },
    /// With a good challenge and a number that does not rise, or is none.
    Replayed,
    /// There is no room to remember it.
    Full,
}

impl ReplayFilter {
    /// Without memory, and with a secret of its own.
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        let boot = Key::new(0, &rng.random());
        Self { boot, start: now, heard: BTreeMap::new(), until: Deadlines::default() }
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
        self.forget(now);
        let epoch = now.saturating_duration_since(self.start).as_secs() / EPOCH.as_secs();
        let before = self.heard.get(&from).copied();
        let last_seq = before.unwrap_or(0);
        if !self.is_good(ping.challenge, from, epoch) {
            return Freshness::Stale { challenge: self.challenge(from, epoch), last_seq };
        }
        if !is_number(ping.seq) || !rises(ping.seq, last_seq) {
            return Freshness::Replayed;
        }
        if before.is_none() && !self.has_room(room) {
            return Freshness::Full;
        }
        self.heard.insert(from, ping.seq);
        self.until.set(from, Some(now + MEMORY));
        Freshness::Fresh
    }

    fn forget(&mut self, now: Instant) {
        for addr in Vec::from_iter(self.until.due(now)) {
            self.until.set(addr, None);
            self.heard.remove(&addr);
        }
    }

    /// Whether a challenge is that of this epoch or of the one before.
    fn is_good(&self, challenge: u64, from: SocketAddr, epoch: u64) -> bool {
        planted!(ChallengeIgnored => true);
        let good = |epoch| challenge == self.challenge(from, epoch);
        good(epoch) || epoch.checked_sub(1).is_some_and(good)
    }

    fn has_room(&self, room: usize) -> bool {
        planted!(NumbersWithoutBound => true);
        self.heard.len() < room
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

/// Whether others can rise above it: whoever can send in a node's name once must not mute it.
fn is_number(seq: u64) -> bool {
    planted!(NumbersWithoutEnd => true);
    seq < SEQ_END
}

fn rises(seq: u64, last_seq: u64) -> bool {
    planted!(SequenceIgnored => true);
    seq > last_seq
}
