//! Whether a TURN server lives: asked with STUN Binding (RFC 8489).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::deep::Deep;
use super::impostor::Impostor;
use super::plan::DeepPlan;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::server::distance::Distance;
use crate::net::engine::server::ways::{Route, Way, Ways};
use crate::net::engine::{Rng, Transmit, jitter};
use crate::types::TurnFault;

/// Between two checks, from the first request of one to that of the next: three that fail and the word of
/// it take less than 11 s.
const PERIOD: Duration = Duration::from_secs(3);

/// Until the next after the first answer of one that was down: it is back soon after its restart.
const SOON: Duration = Duration::from_secs(1);

/// How long an answer may take, from the first request on: the longest way round the earth and a busy
/// server take less than half of that.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many requests a check is while none is answered: at 10 % loss each way seven in a thousand
/// checks fail, and three in a row once in a hundred days.
const COPIES: u8 = 3;

/// Between two of these.
const APART: Duration = Duration::from_millis(250);

/// Checks that fail in a row after which it is down: one, or two, say nothing.
const FAILURES: u8 = 3;

/// Answers in a row after which it is up again; one suffices at the start.
const SUCCESSES: u8 = 2;

/// How long an answer keeps it up, whatever happens to who asks: three checks that fail end sooner.
const GOOD_FOR: Duration = Duration::from_secs(11);

/// The checks of one TURN server.
#[derive(Debug)]
pub(super) struct Health {
    addr: SocketAddr,
    answers: bool,
    /// Checks in a row that speak against what is held.
    against: u8,
    /// How many of these change it.
    needed: u8,
    /// Failures in a row.
    failed: u8,
    /// When the next request is due, if it is not an answer that is awaited.
    next: Option<Instant>,
    /// When the check that is out began, if one is, and how many requests it has sent.
    began: Option<Instant>,
    sent: u8,
    exchange: Exchange,
    /// Until when its last answer counts.
    until: Option<Instant>,
    distance: Distance,
    route: Route,
    impostor: Impostor,
    /// What else it must do.
    deep: Option<Box<Deep>>,
}

impl Health {
    /// Of a TURN server that is down until it answers, and does what else it must; it is asked first at
    /// this moment.
    pub(super) fn new(addr: SocketAddr, first: Instant, deep: Option<Deep>) -> Self {
        Self {
            addr,
            answers: false,
            against: 0,
            needed: 1,
            failed: 0,
            next: Some(first),
            began: None,
            sent: 0,
            exchange: Exchange::new(Owner::Health),
            until: None,
            distance: Distance::default(),
            route: Route::default(),
            impostor: Impostor::default(),
            deep: deep.map(Box::new),
        }
    }

    /// What else it must do is asked by another from now on.
    pub(super) fn ask_as(&mut self, now: Instant, plan: &DeepPlan) {
        self.deep.iter_mut().for_each(|deep| deep.ask_as(now, plan.clone()));
    }

    /// Whether it may be offered, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        planted!(HealthIgnored => true);
        let proven = self.deep.as_ref().is_none_or(|deep| deep.is_proven());
        self.answers && proven && !self.impostor.is_found()
    }

    /// Why it may not; `None`: it may, or nobody knows yet.
    pub(super) fn fault(&self) -> Option<TurnFault> {
        match self.answers {
            _ if self.impostor.is_found() => Some(TurnFault::Balance),
            true => self.deep.as_ref().and_then(|deep| deep.fault()),
            false => (self.failed >= FAILURES).then_some(TurnFault::Silent),
        }
    }

    /// Whether it forbids what would show that it relays.
    pub(super) fn is_unproved(&self) -> bool {
        self.deep.as_ref().is_some_and(|deep| deep.is_unproved())
    }

    /// Until when it is up, if nothing more is heard of it.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until.filter(|_| self.is_up())
    }

    /// The round-trip time to it, as steady as a list wants it.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.distance.shown()
    }

    /// The same as it is now.
    pub(super) fn recent_rtt(&self) -> Option<Duration> {
        self.distance.recent()
    }

    /// A datagram came to a socket that it is asked from. Returns whether it is an answer that is
    /// awaited.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        rng: &mut Rng,
    ) -> bool {
        if from != self.addr {
            return false;
        }
        let deep = self.deep.as_mut();
        if deep.is_some_and(|deep| deep.handle_datagram(now, from, datagram, rng)) {
            return true;
        }
        let Some(proof) = Proof::of_binding(datagram) else {
            return self.impostor.handle_datagram(datagram);
        };
        let Judged::Right { sent, .. } = self.exchange.judge(proof) else { return false };
        self.deep.iter_mut().for_each(|deep| deep.begin(now));
        self.distance.measure(now.saturating_duration_since(sent));
        self.route.answered();
        self.until = Some(now + good_for());
        let began = self.began.unwrap_or(now);
        self.failed = 0;
        self.end(true);
        let (from, pause) = if self.answers { (began, jitter(PERIOD, rng)) } else { (now, SOON) };
        self.next = Some((from + pause).max(now));
        true
    }

    /// Lets time pass. `unix`: the seconds since 1970.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        unix: u64,
        rng: &mut Rng,
    ) {
        let Self { deep, route, .. } = self;
        deep.iter_mut().for_each(|deep| deep.handle_timeout(now, route, ways, unix, rng));
        let Some(began) = self.began.filter(|_| self.fails().is_some_and(|at| at <= now)) else {
            return;
        };
        self.failed = self.failed.saturating_add(1);
        if self.failed >= FAILURES {
            // From here on it is not known to be the one that it was.
            self.needed = if self.answers { self.needed } else { SUCCESSES };
        }
        self.end(false);
        if !self.answers {
            self.deep.iter_mut().for_each(|deep| deep.end());
        }
        self.next = Some((began + PERIOD).max(now));
    }

    /// The next request to send, and which way.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        rng: &mut Rng,
    ) -> Option<(Way, Transmit)> {
        if let Some(request) = self.deep.as_mut().and_then(|deep| deep.poll_transmit(now)) {
            return Some(request);
        }
        if !self.is_due(now) {
            return None;
        }
        let to = self.addr;
        let sends = |route: &Route, payload| Some((route.way(), Transmit { to, payload }));
        if self.began.is_none() {
            self.began = Some(now);
            self.sent = 0;
            if let Some(probe) = self.impostor.ask(now, rng) {
                // Before the request: so its answer, if there is one, is there before that one's.
                return sends(&self.route, probe);
            }
        }
        self.route.ask(now, ways);
        let token = Token::from(rng.random::<u128>() >> 32);
        self.exchange.sent(now, token, Query::Binding, ());
        self.sent += 1;
        self.next = (self.sent < self.copies()).then_some(now + APART);
        sends(&self.route, self.exchange.encode(token, Query::Binding))
    }

    /// Whether [`Health::handle_timeout`] has something to do.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        let deep = self.deep.as_ref().and_then(|deep| deep.poll_timeout());
        self.fails().into_iter().chain(deep).any(|at| at <= now)
    }

    /// Whether there is a request to send.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let deep = self.deep.as_ref().is_some_and(|deep| deep.is_due(now));
        deep || self.next.is_some_and(|next| next <= now)
    }

    /// When to call [`Health::handle_timeout`] and [`Health::poll_transmit`] next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let deep = self.deep.as_ref().and_then(|deep| deep.poll_timeout());
        [self.next, self.fails(), deep].into_iter().flatten().min()
    }

    /// When the check that is out has failed.
    fn fails(&self) -> Option<Instant> {
        self.began.map(|began| began + PATIENCE)
    }

    /// Those who are silent for good are asked with one alone.
    fn copies(&self) -> u8 {
        if self.failed < FAILURES { COPIES } else { 1 }
    }

    /// A check ends.
    fn end(&mut self, answered: bool) {
        self.began = None;
        self.exchange.forget();
        self.against = if answered == self.answers { 0 } else { self.against + 1 };
        if answered && !self.answers && self.against == 1 {
            self.impostor.suspect();
        }
        if self.against >= self.needed {
            self.answers = answered;
            self.against = 0;
            self.needed = if answered { failures() } else { SUCCESSES };
        }
    }
}

fn good_for() -> Duration {
    planted!(LateTurnExpiry => Duration::from_secs(30));
    GOOD_FOR
}

fn failures() -> u8 {
    planted!(LateTurnExpiry => 6);
    FAILURES
}
