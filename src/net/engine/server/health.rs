//! Whether the TURN server beside a leaf lives: asked with STUN Binding (RFC 8489).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::ways::Way;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit};

/// Between two checks while it lives: three that fail and the word of it take less than 11 s.
const PERIOD: Duration = Duration::from_secs(3);

/// Between two while it does not: it is back soon after its restart.
const PERIOD_DOWN: Duration = Duration::from_secs(1);

/// How long an answer may take. It stands beside the leaf: a busy one answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Failures in a row after which it is down: one lost datagram, or two, say nothing.
const FAILURES: u32 = 3;

/// Failures in a row after which the next request leaves from another port, which no NAT on the path
/// knows: when it is taken to be down, and then every ten seconds or so, for no NAT forgets silence sooner.
const FAILURES_A_WAY: u32 = 10;

/// Answers in a row after which it is up again; one suffices at the start.
const SUCCESSES: u32 = 2;

/// The checks of one TURN server.
#[derive(Debug)]
pub struct Health {
    turn: SocketAddr,
    up: bool,
    /// Results in a row that speak against what is held.
    against: u32,
    /// How many of these change it.
    needed: u32,
    /// Failures in a row.
    silent: u32,
    way: Way,
    next: Instant,
    /// The request that is out, if one is.
    exchange: Exchange,
    rng: Rng,
}

impl Health {
    /// Of a TURN server that is down until it answers.
    pub fn new(turn: SocketAddr, now: Instant, rng: Rng) -> Self {
        Self {
            turn,
            up: false,
            against: 0,
            needed: 1,
            silent: 0,
            way: Way::FIRST,
            next: now,
            exchange: Exchange::new(Owner::Health),
            rng,
        }
    }

    /// Whether it lives, as far as is known.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Which way it is asked.
    pub fn way(&self) -> Way {
        self.way
    }

    /// A datagram came to the socket that it is asked from. Returns whether it is the answer that is
    /// awaited.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> bool {
        let proof = Proof::of_binding(datagram).filter(|_| from == self.turn);
        let judged = proof.map(|proof| self.exchange.judge(proof));
        let right = matches!(judged, Some(Judged::Right { .. }));
        if right {
            self.result(now, true);
        }
        right
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.result(now, false);
        }
    }

    /// The next request to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.next > now || !self.exchange.is_empty() {
            return None;
        }
        let token = Token::from(self.rng.random::<u128>() >> 32);
        self.exchange.sent(now, token, Query::Binding, ());
        self.next = now + if self.up { PERIOD } else { PERIOD_DOWN };
        Some(Transmit { to: self.turn, payload: self.exchange.encode(token, Query::Binding) })
    }

    /// When to call [`Health::handle_timeout`] and [`Health::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Instant {
        self.deadline().unwrap_or(self.next)
    }

    /// When the request that is out has failed.
    fn deadline(&self) -> Option<Instant> {
        self.exchange.oldest().map(|sent| sent + PATIENCE)
    }

    fn result(&mut self, now: Instant, answered: bool) {
        self.exchange.forget();
        self.next = self.next.max(now);
        self.silent = if answered { 0 } else { self.silent.saturating_add(1) };
        if self.silent % FAILURES_A_WAY == FAILURES {
            self.way = self.way.next();
        }
        self.against = if answered == self.up { 0 } else { self.against + 1 };
        if self.against >= self.needed {
            self.up = answered;
            self.against = 0;
            self.needed = if answered { FAILURES } else { SUCCESSES };
        }
    }
}
