//! What is told upward, and when.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Rng, Transmit, jitter};
use crate::net::wire::{Name, Ping, Request, RequestBody};

/// Between two heartbeats to a superior.
pub const INTERVAL: Duration = Duration::from_secs(3);

/// The least time between two, however often the version changes.
const SPACING: Duration = Duration::from_secs(1);

/// The heartbeats of a server to its superiors.
#[derive(Debug)]
pub struct Heartbeats {
    name: Option<Name>,
    superiors: BTreeMap<SocketAddr, Superior>,
    offering: bool,
    version: u64,
    seq: u64,
    rng: Rng,
}

/// When a superior heard of us and will again; `next` is none where there is nothing to tell.
#[derive(Debug, Default)]
struct Superior {
    last: Option<Instant>,
    next: Option<Instant>,
}

impl Heartbeats {
    /// Of a server that is called `name` and offers nothing yet.
    pub fn new(name: Option<Name>, rng: Rng) -> Self {
        let superiors = BTreeMap::new();
        Self { name, superiors, offering: false, version: 0, seq: 0, rng }
    }

    /// Replaces the superiors.
    pub fn set_superiors(&mut self, now: Instant, addrs: impl IntoIterator<Item = SocketAddr>) {
        let mut before = std::mem::take(&mut self.superiors);
        for addr in addrs {
            let first = Superior { last: None, next: self.offering.then_some(now) };
            self.superiors.insert(addr, before.remove(&addr).unwrap_or(first));
        }
    }

    /// Notes what the server offers. A change is told at once, also the change to nothing: the
    /// superior asks back and hears it.
    pub fn set_offer(&mut self, now: Instant, offering: bool, version: u64) {
        if version == self.version {
            return;
        }
        let news = offering || self.offering;
        (self.offering, self.version) = (offering, version);
        for superior in self.superiors.values_mut().filter(|_| news) {
            superior.next = Some(superior.last.map_or(now, |last| now.max(last + SPACING)));
        }
    }

    /// The next heartbeat to send, from every listening socket of the superior's family.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let due = |superior: &Superior| superior.next.is_some_and(|next| next <= now);
        let (&to, superior) = self.superiors.iter_mut().find(|(_, superior)| due(superior))?;
        superior.last = Some(now);
        superior.next = self.offering.then(|| now + jitter(INTERVAL, &mut self.rng));
        self.seq += 1;
        let ping = Ping {
            seq: self.seq,
            version: self.version,
            name: self.name.clone(),
            ..Ping::default()
        };
        let request = Request { id: 0, body: RequestBody::Ping(ping) };
        Some(Transmit { to, payload: request.encode(0) })
    }

    /// When to call [`Heartbeats::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.superiors.values().filter_map(|superior| superior.next).min()
    }
}
