//! What is told upward, and when.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::net::engine::{Rng, Transmit, jitter};
use crate::net::fault::{Fault, planted};
use crate::net::wire::auth::{Key, Purpose, TRAILER};
use crate::net::wire::{Ping, Pong, Request, RequestBody, SIGNED_HEARTBEAT};
use crate::types::Name;

/// Between two heartbeats to a superior.
pub const INTERVAL: Duration = Duration::from_secs(3);

/// The least time between two, however often the version changes: a superior checks no node more
/// often, and each level of the cascade may wait so long.
const SPACING: Duration = Duration::from_millis(250);

/// After which news is told again, as one datagram may be lost: long enough for the check that it
/// asks for. One that brings no news costs a superior next to nothing.
const REPEATS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The least time between two that a superior has refused.
const PONG_SPACING: Duration = Duration::from_secs(1);

/// How long a superior's last challenge is believed in: it asks for a new one every two minutes,
/// so one that has not for longer does not hear us, and may at another address.
const CHALLENGE_LIFE: Duration = Duration::from_secs(180);

/// How many heartbeats may await their answer: those of more than any round trip.
const REMEMBERED: usize = 8;

/// A datagram that leaves from listening sockets: what answers it comes to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What is sent.
    pub transmit: Transmit,
    /// The listening socket; none: every one of the receiver's family.
    pub via: Option<SocketAddr>,
}

/// The heartbeats of a server to its superiors.
#[derive(Debug)]
pub struct Heartbeats {
    name: Option<Name>,
    key: Option<Key>,
    advertise: Option<SocketAddr>,
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
    /// How often the news is still to be told.
    again: usize,
    /// The numbers of the latest heartbeats: a Pong answers one of them, once.
    sent: VecDeque<u64>,
    challenge: Option<Challenge>,
    /// When a Pong was last answered.
    hurried: Option<Instant>,
}

/// What a superior asks heartbeats to carry.
#[derive(Debug, Clone, Copy)]
struct Challenge {
    value: u64,
    /// The listening socket that it was sent to: by that address the superior knows us.
    via: SocketAddr,
    at: Instant,
}

impl Heartbeats {
    /// Of a server that is called `name` and offers nothing yet.
    pub fn new(name: Option<Name>, rng: Rng) -> Self {
        let superiors = BTreeMap::new();
        let (key, advertise, offering, version, seq) = (None, None, false, 0, 0);
        Self { name, key, advertise, superiors, offering, version, seq, rng }
    }

    /// Signs with this key, and asks to be reached at this address, from now on.
    pub fn set_identity(&mut self, key: Option<Key>, advertise: Option<SocketAddr>) {
        (self.key, self.advertise) = (key, advertise);
    }

    /// Replaces the superiors.
    pub fn set_superiors(&mut self, now: Instant, addrs: impl IntoIterator<Item = SocketAddr>) {
        let mut before = std::mem::take(&mut self.superiors);
        for addr in addrs {
            let first = Superior { next: self.offering.then_some(now), ..Superior::default() };
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
            let first = if planted(Fault::StartNotTold) { now + INTERVAL } else { now };
            superior.next = Some(superior.last.map_or(first, |last| now.max(last + SPACING)));
            superior.again = REPEATS.len();
        }
    }

    /// A superior has refused a heartbeat that was sent from the listening socket `via`: the next
    /// one leaves at once, with what it asks for. Returns whether it was one that awaits that.
    ///
    /// The number tells which superior it is: a signed answer may come from another address than
    /// the one that was asked.
    pub fn handle_pong(&mut self, now: Instant, via: SocketAddr, pong: Pong) -> bool {
        let Some((superior, index)) = self.superiors.values_mut().find_map(|superior| {
            let index = superior.sent.iter().position(|seq| *seq == pong.seq)?;
            Some((superior, index))
        }) else {
            return false;
        };
        superior.sent.drain(..=index);
        superior.challenge = Some(Challenge { value: pong.challenge, via, at: now });
        // One that refuses everything is not to be answered as fast as it can ask.
        let next = superior.hurried.map_or(now, |last| now.max(last + PONG_SPACING));
        (superior.hurried, superior.next) = (Some(next), Some(next));
        self.seq = self.seq.max(pong.last_seq);
        true
    }

    /// The next heartbeat to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let due = |superior: &Superior| superior.next.is_some_and(|next| next <= now);
        let (&to, superior) = self.superiors.iter_mut().find(|(_, superior)| due(superior))?;
        superior.last = Some(now);
        superior.next = match REPEATS.get(REPEATS.len() - superior.again) {
            Some(&pause) => Some(now + pause),
            None => self.offering.then(|| now + jitter(INTERVAL, &mut self.rng)),
        };
        superior.again = superior.again.saturating_sub(1);
        superior.challenge = superior.challenge.filter(|c| now < c.at + CHALLENGE_LIFE);
        self.seq = self.seq.saturating_add(1);
        superior.sent.push_back(self.seq);
        if superior.sent.len() > REMEMBERED {
            superior.sent.pop_front();
        }
        let ping = Ping {
            seq: self.seq,
            challenge: superior.challenge.map_or(0, |challenge| challenge.value),
            version: self.version,
            advertise: self.advertise,
            name: self.name.clone(),
        };
        let request = Request { id: 0, body: RequestBody::Ping(ping) };
        let payload = match &self.key {
            None => request.encode(0),
            Some(key) => {
                let mut payload = request.encode(SIGNED_HEARTBEAT - TRAILER);
                key.sign(Purpose::Ping, &mut payload, 0);
                payload
            }
        };
        let via = superior.challenge.map(|challenge| challenge.via);
        Some(Outgoing { transmit: Transmit { to, payload }, via })
    }

    /// When to call [`Heartbeats::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.superiors.values().filter_map(|superior| superior.next).min()
    }
}
