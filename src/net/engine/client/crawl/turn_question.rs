//! One TURN server, asked with STUN Binding until it answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::net::engine::client::descent::Obstacle;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit, later};

/// As long as the first request for a list is awaited.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct TurnQuestion {
    to: SocketAddr,
    exchange: Exchange,
    next: Instant,
    pause: Duration,
    end: Instant,
    told: Option<TurnTold>,
    rng: Rng,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnTold {
    Answers(Duration),
    Nothing,
    Unreachable(Obstacle),
}

impl TurnQuestion {
    pub(super) fn new(to: SocketAddr, patience: Duration, now: Instant, rng: Rng) -> Self {
        let (exchange, end) = (Exchange::new(Owner::Client), later(now, patience));
        Self { to, exchange, next: now, pause: FIRST_PAUSE, end, told: None, rng }
    }

    pub(super) fn told(&self) -> Option<TurnTold> {
        self.told
    }

    /// When it is given up.
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let Some(proof) = Proof::of_binding(datagram) else { return };
        if let Judged::Right { sent, .. } = self.exchange.judge(proof) {
            self.told = Some(TurnTold::Answers(now.saturating_duration_since(sent)));
        }
    }

    pub(super) fn handle_unreachable(&mut self) {
        self.told.get_or_insert(TurnTold::Unreachable(Obstacle::Path));
    }

    pub(super) fn handle_icmp(&mut self, obstacle: Obstacle, quoted: &[u8]) {
        if self.exchange.is_quoted(quoted) {
            self.told.get_or_insert(TurnTold::Unreachable(obstacle));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if now >= self.end {
            self.told.get_or_insert(TurnTold::Nothing);
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.told.is_some() || now < self.next {
            return None;
        }
        self.next = later(now, self.pause);
        self.pause *= 2;
        let token = Token { id: self.rng.random(), nonce: self.rng.random() };
        self.exchange.sent(now, token, Query::Binding, ());
        Some(Transmit { to: self.to, payload: self.exchange.encode(token, Query::Binding) })
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.told.is_none().then_some(self.next.min(self.end))
    }
}
