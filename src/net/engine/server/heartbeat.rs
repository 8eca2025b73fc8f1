//! What is told upward, and when.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::deadlines::Deadlines;
use super::incoming::LocalAddr;
use crate::net::engine::{Rng, Transmit, jitter};
use crate::net::wire::auth::{Key, Purpose, TRAILER};
use crate::net::wire::{Ping, Pong, Request, RequestBody, SEQ_END, SIGNED_HEARTBEAT};
use crate::types::Name;

/// Between two heartbeats to a superior.
pub const INTERVAL: Duration = Duration::from_secs(3);

/// The least time between two, however often the version changes: a superior checks no node more
/// often, and each level of the cascade may wait so long.
const SPACING: Duration = Duration::from_millis(250);

/// After which news is told again, as one datagram may be lost: long enough for the check that it
/// asks for. One that brings no news costs a superior next to nothing.
const REPEATS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The same where the server asks not to be chosen any more: it may end soon. Beyond that it goes on as
/// if it offered something, so that nobody who has missed all of these takes it for well.
const DRAINING_REPEATS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// The least time between two that a superior has refused.
const PONG_SPACING: Duration = Duration::from_secs(1);

/// How long a superior's last challenge is believed in: it asks for a new one every two minutes,
/// so one that has not for longer does not hear us, and may at another address.
const CHALLENGE_LIFE: Duration = Duration::from_secs(180);

/// How many heartbeats may await their answer: those of more than any round trip.
const REMEMBERED: usize = 8;

/// The most that the count of heartbeats rises by, each time at random: who knows one number, another
/// superior perhaps, does not know the next. They last for 2^32 heartbeats, 136 years of one a second.
const MOST_STEP: u64 = 1 << 32;

/// What leads are whole multiples of, and the count starts below: much more than it rises by while
/// two addresses of one superior answer, so that they give the same lead.
const LEAD_UNIT: u64 = 1 << 48;

/// A datagram that leaves from listening sockets: what answers it comes to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What is sent.
    pub transmit: Transmit,
    /// The listening socket; `None`: every one of the receiver's family.
    pub via: Option<LocalAddr>,
}

/// The heartbeats of a server to its superiors.
#[derive(Debug)]
pub struct Heartbeats {
    name: Option<Name>,
    key: Option<Key>,
    advertise: Option<SocketAddr>,
    superiors: BTreeMap<SocketAddr, Superior>,
    /// When each is told again; those to whom there is nothing to tell have no place here.
    next: Deadlines,
    tells: Tells,
    version: u64,
    /// Rises with each heartbeat, to whichever superior. It starts anywhere: two starts within two
    /// minutes are not to have nearly the same.
    count: u64,
    rng: Rng,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// Nothing, once it is known that it is nothing.
    Nothing,
    /// That there is something.
    Offering,
    /// That the server asks not to be chosen any more.
    Draining,
}

/// What a superior has heard of us.
#[derive(Debug, Default)]
struct Superior {
    last: Option<Instant>,
    /// How often the news is still to be told.
    again: usize,
    /// The numbers of the latest heartbeats: a Pong answers one of them, once.
    sent: VecDeque<u64>,
    /// How far its numbers are ahead of the count: above what it heard before this start.
    lead: u64,
    challenge: Option<Challenge>,
    /// When a Pong was last answered.
    hurried: Option<Instant>,
}

/// What a superior asks heartbeats to carry.
#[derive(Debug, Clone, Copy)]
struct Challenge {
    value: u64,
    /// The listening socket that it was sent to: by that address the superior knows us.
    via: LocalAddr,
    at: Instant,
}

impl Heartbeats {
    /// Of a server that is called `name` and offers nothing yet.
    pub fn new(name: Option<Name>, mut rng: Rng) -> Self {
        Self {
            name,
            key: None,
            advertise: None,
            superiors: BTreeMap::new(),
            next: Deadlines::default(),
            tells: Tells::Nothing,
            version: 0,
            count: rng.random_range(0..LEAD_UNIT),
            rng,
        }
    }

    /// Signs with this key, and asks to be reached at this address, from now on.
    pub fn set_identity(&mut self, key: Option<Key>, advertise: Option<SocketAddr>) {
        (self.key, self.advertise) = (key, advertise);
    }

    /// Is called that from now on.
    pub fn set_name(&mut self, name: Option<Name>) {
        self.name = name;
    }

    /// Replaces the superiors.
    pub fn set_superiors(&mut self, now: Instant, addrs: impl IntoIterator<Item = SocketAddr>) {
        let mut before = std::mem::take(&mut self.superiors);
        for addr in addrs {
            let superior = before.remove(&addr).unwrap_or_else(|| {
                self.next.set(addr, self.goes_on().then_some(now));
                Superior::default()
            });
            self.superiors.insert(addr, superior);
        }
        before.into_keys().for_each(|gone| self.next.set(gone, None));
    }

    /// Notes what there is to tell, and the version of that. A change is told at once, also the change
    /// to nothing: the superior asks back and hears it.
    pub fn set_offer(&mut self, now: Instant, tells: Tells, version: u64) {
        if version == self.version {
            return;
        }
        let news = is_news(self.tells, tells);
        (self.tells, self.version) = (tells, version);
        let repeats = self.repeats().len();
        for (addr, superior) in self.superiors.iter_mut().filter(|_| news) {
            let next = superior.last.map_or(first(now), |last| now.max(last + SPACING));
            self.next.set(*addr, Some(next));
            superior.again = repeats;
        }
    }

    /// A Pong came to the listening socket `via`: the superior at `from` has refused a heartbeat. The
    /// next one leaves at once, with what it asks for. Returns whether it answers one that was sent
    /// there.
    ///
    /// Its number proves that whoever has made it has seen the heartbeat, or was told of it; only its
    /// source says that this was the superior, not another one that has the key.
    pub fn handle_pong(
        &mut self,
        now: Instant,
        via: LocalAddr,
        from: SocketAddr,
        pong: Pong,
    ) -> bool {
        let Some(addr) = self.asked(from, pong.seq) else { return false };
        let Some(superior) = self.superiors.get_mut(&addr) else { return false };
        let (index, lead) = (superior.sent_as(pong.seq), lead(pong.last_seq, self.count));
        let Some((index, lead)) = index.zip(lead) else { return false };
        superior.sent.drain(..=index);
        superior.challenge = Some(Challenge { value: pong.challenge, via, at: now });
        superior.lead = lead;
        // One that refuses everything is not to be answered as fast as it can ask.
        let next = superior.hurried.map_or(now, |last| now.max(last + PONG_SPACING));
        superior.hurried = Some(next);
        self.next.set(addr, Some(next));
        true
    }

    /// Whether a superior says there, with the number of a heartbeat that it was sent and that it has not
    /// answered otherwise, what is wrong with that.
    pub fn handle_notice(&self, from: SocketAddr, seq: u64) -> bool {
        self.superiors.get(&from).is_some_and(|superior| superior.sent_as(seq).is_some())
    }

    /// The superior that a Pong from there is of.
    fn asked(&self, from: SocketAddr, seq: u64) -> Option<SocketAddr> {
        planted!(PongOfAnybody => {
            let sent = |superior: &Superior| superior.sent_as(seq).is_some();
            self.superiors.iter().find(|(_, superior)| sent(superior)).map(|(addr, _)| *addr)
        });
        self.superiors.contains_key(&from).then_some(from)
    }

    /// The next heartbeat to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let to = self.next.due(now).next()?;
        self.count = self.count.saturating_add(self.rng.random_range(1..=MOST_STEP));
        let seq = self.count.saturating_add(self.lead_of(to));
        let (repeats, goes_on) = (self.repeats(), self.goes_on());
        let superior = self.superiors.get_mut(&to)?;
        superior.last = Some(now);
        let next = match repeats.get(repeats.len().saturating_sub(superior.again)) {
            Some(&pause) => Some(now + pause),
            None => goes_on.then(|| now + jitter(INTERVAL, &mut self.rng)),
        };
        self.next.set(to, next);
        superior.again = superior.again.saturating_sub(1);
        superior.challenge = superior.challenge.filter(|c| now < c.at + CHALLENGE_LIFE);
        superior.sent.push_back(seq);
        if superior.sent.len() > REMEMBERED {
            superior.sent.pop_front();
        }
        let ping = Ping {
            seq,
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

    /// Whether it is told for as long as it holds.
    fn goes_on(&self) -> bool {
        self.tells != Tells::Nothing
    }

    /// After which it is told again first.
    fn repeats(&self) -> &'static [Duration] {
        if self.tells == Tells::Draining { &DRAINING_REPEATS } else { &REPEATS }
    }

    /// How far the numbers for a superior are ahead of the count.
    fn lead_of(&self, superior: SocketAddr) -> u64 {
        planted!(NumbersShared => {
            self.superiors.values().map(|superior| superior.lead).max().unwrap_or(0)
        });
        self.superiors.get(&superior).map_or(0, |superior| superior.lead)
    }

    /// The superiors, and when each was told last.
    pub(super) fn superiors(&self) -> impl Iterator<Item = (SocketAddr, Option<Instant>)> {
        self.superiors.iter().map(|(addr, superior)| (*addr, superior.last))
    }

    /// When to call [`Heartbeats::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next.first()
    }
}

impl Superior {
    /// Which of its heartbeats that still await an answer has this number.
    fn sent_as(&self, seq: u64) -> Option<usize> {
        self.sent.iter().position(|sent| *sent == seq)
    }
}

/// Whether a change of this kind is told at once.
fn is_news(before: Tells, after: Tells) -> bool {
    planted!(DrainingNotTold => after == Tells::Offering);
    before != Tells::Nothing || after != Tells::Nothing
}

/// The least lead that takes the count up to what a superior says it has heard; `None`: there is
/// no number above that.
///
/// Each Pong tells it anew, so that it falls again when the superior has forgotten. A superior that
/// is known by two addresses, and knows this server by one, sees the numbers to both as one row:
/// they have one count and, but for one start in ten thousand and then for two minutes, one lead.
fn lead(last_seq: u64, count: u64) -> Option<u64> {
    let lead = last_seq.saturating_sub(count).checked_next_multiple_of(LEAD_UNIT);
    lead.filter(|lead| *lead < SEQ_END)
}

/// When to tell for the first time.
fn first(now: Instant) -> Instant {
    planted!(StartNotTold => now + INTERVAL);
    now
}
