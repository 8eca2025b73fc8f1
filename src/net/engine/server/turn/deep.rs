//! Whether a TURN server does what it is for: an allocation from time to time, beside the Binding requests.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;

use super::plan::DeepPlan;
use crate::net::engine::server::ways::Way;
use crate::net::engine::turn::{CheckPlan, TurnCheck, TurnEvent, TurnStep};
use crate::net::engine::{Rng, Transmit, jitter};
use crate::types::TurnFault;

/// Between two checks, about: less than half a minute, so that three silences after it count within 35 s.
const PERIOD: Duration = Duration::from_secs(25);

/// Until the next after an error: it may be over soon, as when a quota has room again.
const PERIOD_FAULTY: Duration = Duration::from_secs(10);

/// Until the next after a silence that does not count yet.
const AGAIN: Duration = Duration::from_millis(250);

/// How long the answer to each of its requests may take: it is sent three times in that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Silences in a row that count: where a tenth is lost each way, one check in twenty-five is one.
const SILENCES: u8 = 3;

/// The deep checks of one TURN server.
#[derive(Debug)]
pub(super) struct Deep {
    addr: SocketAddr,
    plan: DeepPlan,
    /// The one that goes on, and which way it and the one before left.
    check: Option<TurnCheck>,
    way: Way,
    /// What is to be sent, and since when.
    out: VecDeque<(Instant, Transmit)>,
    /// When the next begins; `None`: not before it answers Binding.
    next: Option<Instant>,
    /// Whether the last that counts succeeded.
    proven: bool,
    fault: Option<TurnFault>,
    silences: u8,
    /// Whether it forbids to be shown that it relays.
    unproved: bool,
}

impl Deep {
    pub(super) fn new(addr: SocketAddr, plan: DeepPlan) -> Self {
        Self {
            addr,
            plan,
            check: None,
            way: Way::FIRST,
            out: VecDeque::new(),
            next: None,
            proven: false,
            fault: None,
            silences: 0,
            unproved: false,
        }
    }

    /// Whether the server does what is asked of it.
    pub(super) fn is_proven(&self) -> bool {
        planted!(DeepErrorIgnored => true);
        self.proven
    }

    /// Why it does not; `None`: it does, or nobody knows yet.
    pub(super) fn fault(&self) -> Option<TurnFault> {
        self.fault
    }

    /// Whether it forbids to be shown that it relays.
    pub(super) fn is_unproved(&self) -> bool {
        self.unproved
    }

    /// It answers Binding, and is to be checked at once, where no check goes on.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.check.is_none() && self.next.is_none() {
            self.next = Some(now);
        }
    }

    /// It does not answer any more. What was known of it need not hold when it does again.
    pub(super) fn end(&mut self) {
        (self.check, self.next) = (None, None);
        self.out.clear();
        (self.proven, self.fault, self.silences) = (false, None, 0);
    }

    /// Something came from it. Returns whether it was awaited.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        rng: &mut Rng,
    ) -> bool {
        let Some(check) = &mut self.check else { return false };
        let right = check.handle_datagram(now, from, datagram);
        if right {
            self.go_on(now, rng);
        }
        right
    }

    /// Lets time pass. `way`: which way a check leaves that begins now, `unix`: the seconds since 1970.
    pub(super) fn handle_timeout(&mut self, now: Instant, way: Way, unix: u64, rng: &mut Rng) {
        if self.check.is_none() && self.next.take_if(|next| *next <= now).is_some() {
            let plan = CheckPlan {
                level: self.plan.level(),
                credentials: self.plan.credentials(unix),
                patience: PATIENCE,
                reliable: false,
            };
            self.check = Some(TurnCheck::new(self.addr, plan, now, Rng::from_rng(rng)));
            self.way = way;
        }
        if let Some(check) = &mut self.check {
            check.handle_timeout(now);
            self.go_on(now, rng);
        }
    }

    /// What is to be sent next, and which way.
    pub(super) fn poll_transmit(&mut self) -> Option<(Way, Transmit)> {
        self.out.pop_front().map(|(_, transmit)| (self.way, transmit))
    }

    /// Whether there is something.
    pub(super) fn is_due(&self) -> bool {
        !self.out.is_empty()
    }

    /// When to call [`Deep::handle_timeout`] and [`Deep::poll_transmit`] next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let waits = self.out.front().map(|(since, _)| *since);
        waits.or_else(|| self.check.as_ref().map_or(self.next, TurnCheck::poll_timeout))
    }

    /// Takes in what has come of the check that goes on.
    fn go_on(&mut self, now: Instant, rng: &mut Rng) {
        let Some(check) = &mut self.check else { return };
        while let Some(event) = check.poll_event() {
            match event {
                TurnEvent::Step(TurnStep::Unproved { .. }) => self.unproved = true,
                TurnEvent::Step(TurnStep::Relay { .. }) => self.unproved = false,
                TurnEvent::Step(_) => {}
                TurnEvent::Ended(outcome) => {
                    let pause = match outcome {
                        Ok(()) => {
                            (self.proven, self.fault, self.silences) = (true, None, 0);
                            PERIOD
                        }
                        Err(fault) => {
                            let is_silence = is_silence(fault);
                            self.silences = if is_silence { self.silences + 1 } else { SILENCES };
                            if self.silences >= SILENCES {
                                (self.proven, self.fault) = (false, Some(fault));
                                self.silences = 0;
                                PERIOD_FAULTY
                            } else {
                                AGAIN
                            }
                        }
                    };
                    self.next = Some(now + jitter(pause, rng));
                }
            }
        }
        let transmits = std::iter::from_fn(|| check.poll_transmit(now));
        self.out.extend(transmits.map(|transmit| (now, transmit)));
        if check.poll_timeout().is_none() {
            self.check = None;
        }
    }
}

/// Whether an outcome may come of what the network has lost.
fn is_silence(fault: TurnFault) -> bool {
    matches!(
        fault,
        TurnFault::Silent
            | TurnFault::Closed
            | TurnFault::Unreachable
            | TurnFault::NotStun
            | TurnFault::Unrelayed
    )
}
