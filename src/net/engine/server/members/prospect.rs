//! A place where somebody says that a node is: how often it is asked, and who pays for that.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::member::PATIENCE;
use super::node::NodeState;
use crate::net::engine::Transmit;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::server::ways::{Route, Way, Ways};
use crate::net::wire::auth::{Keys, Purpose, TRAILER};
use crate::net::wire::{Extras, SHORT_REQUEST, View};

/// How many bytes a heartbeat pays for, for each of its own: as much as a stranger's request may
/// draw. IP and UDP headers count on both sides.
const AMPLIFICATION: usize = 3;

/// How long it is asked, and remembered, after the last heartbeat that names it: four of those.
const FORGOTTEN: Duration = Duration::from_secs(12);

/// Between two checks, doubled with each that stays without answer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How often it is doubled at most: to 16 s.
const DOUBLED: u32 = 6;

/// A place that a heartbeat names, and where nothing has answered yet.
#[derive(Debug)]
pub(super) struct Prospect {
    place: SocketAddr,
    /// The key of the heartbeat, which its checks are signed with.
    key: u32,
    /// When it was named first, and last.
    since: Instant,
    heard: Instant,
    /// Bytes that the last heartbeat still pays for.
    credit: usize,
    /// What a check takes of them at most.
    cost: usize,
    next: Instant,
    /// How many checks have stayed without answer, here or where the same sender has said before
    /// that a node is.
    silent: u32,
    route: Route,
    exchange: Exchange,
}

/// A heartbeat that names a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) from: SocketAddr,
    pub(super) place: SocketAddr,
    /// The number of the key that it is rightly signed with.
    pub(super) key: u32,
    /// Its bytes of UDP payload.
    pub(super) len: usize,
    /// Whether a node has answered there some minutes ago: then one does not wait longer each time.
    pub(super) known: bool,
}

impl Prospect {
    /// How many requests are remembered.
    const REMEMBERED: usize = 4;

    /// Named now, in the place of what the same sender named before: to name another does not make
    /// up for the silence there.
    pub(super) fn new(now: Instant, claim: Claim, before: Option<&Self>) -> Self {
        let mut prospect = Self {
            place: claim.place,
            key: claim.key,
            since: now,
            heard: now,
            credit: 0,
            cost: headers(claim.place) + SHORT_REQUEST + TRAILER,
            next: before.map_or(now, |before| before.next),
            silent: before.map_or(0, |before| before.silent),
            route: Route::default(),
            exchange: Exchange::new(Owner::Check),
        };
        prospect.hear(now, claim);
        prospect
    }

    /// Named again. A heartbeat pays for what is sent until the next one, so that nothing is saved
    /// up for later.
    pub(super) fn hear(&mut self, now: Instant, claim: Claim) {
        self.heard = now;
        self.credit = AMPLIFICATION * (headers(claim.from) + claim.len);
        if claim.known {
            (self.next, self.silent) = (self.next.min(now + FIRST_PAUSE), 0);
        }
    }

    /// Whether it is the same as one that a heartbeat names.
    pub(super) fn names(&self, claim: &Claim) -> bool {
        (self.place, self.key) == (claim.place, claim.key)
    }

    pub(super) fn place(&self) -> SocketAddr {
        self.place
    }

    pub(super) fn key(&self) -> u32 {
        self.key
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    pub(super) fn state(&self) -> NodeState {
        NodeState { addr: self.place, due: self.deadline(), until: None, joined: true }
    }

    /// Whether the node may still be found here alone.
    pub(super) fn is_looked_for(&self, now: Instant) -> bool {
        now < self.since + PATIENCE
    }

    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        self.heard + FORGOTTEN <= now
    }

    /// When it is checked next, if that is paid for.
    pub(super) fn check_due(&self) -> Option<Instant> {
        is_paid(self.credit, self.cost).then_some(self.next)
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Instant {
        let end = self.heard + FORGOTTEN;
        self.check_due().map_or(end, |due| due.min(end))
    }

    /// A check that is sent now: a short one, for nobody there has agreed to be asked. That it is
    /// answered is all that is of interest.
    pub(super) fn check(
        &mut self,
        now: Instant,
        token: Token,
        keys: &Keys,
        ways: &mut Ways,
    ) -> Transmit {
        self.route.ask(now, ways);
        self.exchange.sent(now, token, QUESTION, ());
        self.exchange.keep_newest(Self::REMEMBERED);
        let mut payload = self.exchange.encode(token, QUESTION);
        if let Some(key) = keys.get(self.key) {
            key.sign(Purpose::Probe, &mut payload, 0);
        }
        self.credit = self.credit.saturating_sub(headers(self.place) + payload.len());
        self.next = now + FIRST_PAUSE * (1 << self.silent.min(DOUBLED));
        self.silent = self.silent.saturating_add(1);
        Transmit { to: self.place, payload }
    }

    pub(super) fn way(&self) -> Way {
        self.route.way()
    }

    /// Whether an answer is to one of the checks.
    pub(super) fn is_answered_by(&self, proof: Proof) -> bool {
        matches!(self.exchange.judge(proof), Judged::Right { .. })
    }

    /// It asks for the check again, with this cookie.
    pub(super) fn retry(&mut self, proof: Proof, cookie: Vec<u8>) {
        self.exchange.accept(proof);
        self.exchange.set_cookie(cookie);
        // The id takes from one byte to five.
        let longest = self.exchange.encode(Token { id: u32::MAX, nonce: u64::MAX }, QUESTION);
        self.cost = headers(self.place) + longest.len() + TRAILER;
    }
}

const QUESTION: Query = Query::Probe {
    view: View::Flat,
    names: false,
    extras: Extras { urls: false, down: false, labels: false },
    size: SHORT_REQUEST as u16,
};

/// Bytes of IP and UDP headers.
fn headers(addr: SocketAddr) -> usize {
    if addr.is_ipv4() { 28 } else { 48 }
}

fn is_paid(credit: usize, cost: usize) -> bool {
    planted!(ProspectUnpaid => true);
    credit >= cost
}
