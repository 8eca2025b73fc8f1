//! Who asks too often, and how much an answer may weigh: a server that answers strangers must not
//! be anybody's weapon.

mod budget;
mod cookie;
mod exempt;
mod rate;
mod repeats;
mod table;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::drop::DropReason;
use crate::net::engine::Rng;
use crate::net::wire::{Id, MAX_ANSWER};
use crate::types::{Prefix, Rates};
use budget::Budgets;
use cookie::{Cookie, CookieKey};
use exempt::Exempt;
use rate::SharedBudget;
use repeats::Repeats;
use table::KeyedHash;

/// How many times a request's size an answer may have, headers counted, where nothing shows that
/// the asker is at its address (RFC 9000, section 8.1, has the same).
const AMPLIFICATION: usize = 3;

/// Tags of peer messages that are judged a second, of all senders together: one takes a fifth of a
/// microsecond with the processor's instructions for SHA-256, and two without.
const JUDGEMENTS: u64 = 200_000;

/// What strangers are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimiterSettings {
    /// Requests a second, for an address and for the networks around it; twice as many at once.
    pub rates: Rates,
    /// Who is neither limited nor suspected.
    pub exempt: Vec<Prefix>,
    /// Bytes a second, of all answers together, that may go beyond the amplification limit to bare
    /// requests; 0: none may.
    pub bare_bytes: u64,
    /// Places in each of the tables, 8 bytes each; as many as the next power of two.
    pub places: usize,
}

impl Default for LimiterSettings {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            exempt: Prefix::LOOPBACK.into(),
            bare_bytes: 0,
            places: 1 << 16,
        }
    }
}

/// Counts what each address and network asks for, in tables of fixed size: those that a keyed hash
/// puts in one place share its budget. All workers share it, without a lock.
#[derive(Debug)]
pub struct Limiter {
    started: Instant,
    exempt: Exempt,
    budgets: Arc<Budgets>,
    cookies: CookieKey,
    repeats: Arc<Repeats>,
    /// Bytes that may go beyond the amplification limit.
    beyond: SharedBudget,
    judgements: SharedBudget,
}

/// Who asks, when, and with what.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    /// How long the limiter has been there.
    pub(super) uptime: Duration,
    pub(super) from: &'a SocketAddr,
    pub(super) datagram: &'a [u8],
    pub(super) id: Id,
}

/// What an asker may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// An answer of so many bytes at most.
    Answer { room: usize },
    /// One node, in so many bytes at most.
    OneNode { room: usize },
    /// A retry reply: a cookie to come back with.
    Retry,
    /// Nothing: it comes too often.
    TooOften,
    /// Nothing: it repeats itself, in a loop perhaps.
    Repeated,
}

impl Limiter {
    /// A limiter with all budgets full.
    pub fn new(settings: LimiterSettings, now: Instant, rng: &mut Rng) -> Self {
        let LimiterSettings { rates, exempt, bare_bytes, places } = settings;
        let hash = KeyedHash::new(rng);
        Self {
            started: now,
            exempt: Exempt::new(&exempt),
            budgets: Arc::new(Budgets::new(&rates, places, hash)),
            cookies: CookieKey::new(rng),
            repeats: Arc::new(Repeats::new(places, hash)),
            beyond: SharedBudget::new(bare_bytes, Duration::from_secs(1)),
            judgements: SharedBudget::new(JUDGEMENTS, Duration::from_millis(100)),
        }
    }

    /// One with other settings that goes on where this one is, in the same tables: the cookies that it has given are
    /// good, and what was taken is paid back when it was to be.
    #[must_use]
    pub fn reload(&self, settings: LimiterSettings) -> Self {
        self.budgets.limit_to(&settings.rates);
        let limiter = Self {
            started: self.started,
            exempt: Exempt::new(&settings.exempt),
            budgets: self.budgets.clone(),
            cookies: self.cookies.clone(),
            repeats: self.repeats.clone(),
            beyond: SharedBudget::new(settings.bare_bytes, Duration::from_secs(1)),
            judgements: SharedBudget::new(JUDGEMENTS, Duration::from_millis(100)),
        };
        limiter.beyond.take_over(&self.beyond);
        limiter.judgements.take_over(&self.judgements);
        limiter
    }

    /// When it came to be.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// What one may have that reads a nonce, and brings this cookie or none.
    #[inline(always)]
    pub(super) fn admit(&self, asker: Asker, cookie: &[u8], rng: &mut Rng) -> Admission {
        if self.exempt.contains(asker.from) {
            return Admission::Answer { room: MAX_ANSWER };
        }
        let free = self.budgets.take(asker.uptime, asker.from);
        let room = amplified(asker.from, asker.datagram.len());
        // A cookie costs more to judge than most requests to answer.
        if free && (room == MAX_ANSWER || cookie.is_empty()) {
            return Admission::Answer { room };
        }
        self.admit_bearer(asker.uptime, asker.from, cookie, free.then_some(room), rng)
    }

    /// What one may have whose cookie counts; `free`: the room that it has also without. Out of
    /// line, and so in scalars: what is passed by reference must lie in memory.
    #[inline(never)]
    fn admit_bearer(
        &self,
        uptime: Duration,
        from: &SocketAddr,
        cookie: &[u8],
        free: Option<usize>,
        rng: &mut Rng,
    ) -> Admission {
        let known = self.cookies.verify(cookie, uptime, *from);
        match free {
            _ if known && self.budgets.take_bearer(uptime, from) => {
                Admission::Answer { room: MAX_ANSWER }
            }
            Some(room) => Admission::Answer { room },
            // Every second time: so much is enough for one that is there.
            None if rng.random() => Admission::Retry,
            None => Admission::TooOften,
        }
    }

    /// What one may have that reads no nonce, and so cannot show that it is at its address; `full`:
    /// the bytes of a full answer.
    pub(super) fn admit_bare(&self, asker: Asker, full: usize, rng: &mut Rng) -> Admission {
        let Asker { uptime, from, id, .. } = asker;
        // Before all else: of two servers that talk on for ever each may be exempt.
        if self.may_loop(from) && self.repeats.repeats(uptime, from, id.get()) {
            return Admission::Repeated;
        }
        if self.exempt.contains(from) {
            return Admission::Answer { room: MAX_ANSWER };
        }
        let room = amplified(from, asker.datagram.len());
        if !self.budgets.take(uptime, from) {
            return match rng.random_ratio(1, 4) {
                true => Admission::OneNode { room },
                false => Admission::TooOften,
            };
        }
        let beyond = full > room && self.beyond.take(uptime, full);
        Admission::Answer { room: if beyond { MAX_ANSWER } else { room } }
    }

    /// Takes one STUN Binding request. Returns how long a response may be.
    ///
    /// # Errors
    /// It comes too often.
    pub(super) fn admit_binding(
        &self,
        uptime: Duration,
        from: &SocketAddr,
        len: usize,
    ) -> Result<usize, DropReason> {
        let free = self.exempt.contains(from) || self.budgets.take_binding(uptime, from);
        free.then(|| amplified(from, len)).ok_or(DropReason::Limited)
    }

    /// Takes one judgement of a tag from what all senders have together: until a tag is judged it
    /// is charged to nobody, as anybody can send in anybody's name.
    ///
    /// # Errors
    /// There are too many to judge.
    pub(super) fn admit_judgement(&self, uptime: Duration) -> Result<(), DropReason> {
        self.judgements.take(uptime, 1).then_some(()).ok_or(DropReason::Limited)
    }

    /// Takes a heartbeat, or an answer to one, from the budget of who sends it; `key`: the number
    /// of the one that it is rightly signed with, `None` for an unsigned one of a listed node.
    ///
    /// # Errors
    /// It comes too often.
    pub(super) fn admit_peer(
        &self,
        uptime: Duration,
        from: &SocketAddr,
        key: Option<u32>,
    ) -> Result<(), DropReason> {
        let free = self.exempt.contains(from)
            || self.budgets.take_node(uptime, from, key.unwrap_or_default());
        free.then_some(()).ok_or(DropReason::Limited)
    }

    /// Whether one more may be told of that a peer has sent and that is not believed.
    pub(super) fn admit_refused(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.budgets.take_refused(uptime, from)
    }

    /// A cookie for an asker.
    pub(super) fn cookie(&self, uptime: Duration, from: &SocketAddr) -> Cookie {
        self.cookies.issue(uptime, *from)
    }

    /// Whether what comes from there may be the answer to an answer.
    fn may_loop(&self, from: &SocketAddr) -> bool {
        planted!(ExemptLoop => !self.exempt.contains(from));
        true
    }
}

/// The most bytes of UDP payload that may answer a request: IP and UDP headers count on both sides
/// (28 bytes for IPv4, 48 for IPv6).
fn amplified(from: &SocketAddr, len: usize) -> usize {
    let headers = if from.is_ipv4() { 28 } else { 48 };
    (amplification() * (headers + len) - headers).min(MAX_ANSWER)
}

fn amplification() -> usize {
    planted!(Amplification => 10);
    AMPLIFICATION
}
