//! One request that is out: its bytes, and when they are sent again (RFC 8489, section 6.2.1).

use std::time::{Duration, Instant};

use rand::RngExt as _;

use super::plan::CheckPlan;
use crate::net::engine::{Rng, later};
use crate::net::wire::stun::{TurnRequest, TurnSignature};

/// After which a request is sent again for the first time, each further time after twice as long.
const AGAIN: Duration = Duration::from_millis(500);

/// How often one request is sent at most: for 3.5 s, which is longer than anybody waits.
const TRIES: u32 = 4;

#[derive(Debug)]
pub(super) struct Outstanding {
    /// What an answer must bring back; `None`: it has none.
    proof: Option<(u128, u16)>,
    payload: Vec<u8>,
    /// When it is sent first.
    first: Instant,
    patience: Duration,
    sent: u32,
    tries: u32,
}

impl Outstanding {
    /// A request, to be sent now.
    pub(super) fn asked(
        request: TurnRequest,
        signature: Option<&TurnSignature<'_>>,
        plan: &CheckPlan,
        now: Instant,
        rng: &mut Rng,
    ) -> Self {
        let transaction = rng.random::<u128>() >> 32;
        let payload = request.encode(transaction, signature);
        let tries = if plan.reliable { 1 } else { TRIES };
        let proof = Some((transaction, request.method()));
        Self { proof, payload, first: now, patience: plan.patience, sent: 0, tries }
    }

    /// An indication, to be sent now, and again: what comes of it may be lost behind the server, however
    /// it gets there.
    pub(super) fn indicated(payload: Vec<u8>, plan: &CheckPlan, now: Instant) -> Self {
        Self { proof: None, payload, first: now, patience: plan.patience, sent: 0, tries: TRIES }
    }

    /// Whether it is to be sent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.sent < self.tries && self.next_try() <= now && !self.is_overdue(now)
    }

    /// Notes that it is sent, and gives its bytes.
    pub(super) fn send(&mut self, now: Instant) -> Vec<u8> {
        if self.sent == 0 {
            self.first = now;
        }
        self.sent += 1;
        self.payload.clone()
    }

    /// Its bytes, whenever that is.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.payload.clone()
    }

    pub(super) fn is_answered_by(&self, transaction: u128, method: u16) -> bool {
        self.sent > 0 && self.proof == Some((transaction, method))
    }

    /// How long ago it was sent first.
    pub(super) fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.first)
    }

    /// Whether no answer is awaited any more.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.sent > 0 && self.end() <= now
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Instant {
        if self.sent < self.tries { self.next_try().min(self.end()) } else { self.end() }
    }

    fn next_try(&self) -> Instant {
        // 0, then after 1, 3 and 7 times as long.
        later(self.first, AGAIN.saturating_mul((1 << self.sent) - 1))
    }

    fn end(&self) -> Instant {
        later(self.first, self.patience)
    }
}
