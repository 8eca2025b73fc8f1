//! Whether a TURN server does what it is for: an allocation from time to time, beside the Binding requests.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;

use super::plan::DeepPlan;
use crate::net::engine::server::ways::{Route, Way, Ways};
use crate::net::engine::turn::{CheckPlan, TurnCheck, TurnEvent, TurnStep};
use crate::net::engine::{Rng, Transmit, jitter};
use crate::types::{TurnCredentials, TurnFault};

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
    /// The one that goes on. What it sends waits there, so that its deadline knows of it.
    check: Option<TurnCheck>,
    /// Which way it and the one before left, and who asked.
    way: Way,
    credentials: Option<TurnCredentials>,
    /// Whether the server may still hold that port for the one before: for who asked, or an allocation.
    spent: bool,
    /// When the next begins; `None`: not before it answers Binding.
    next: Option<Instant>,
    /// Whether the last that counts succeeded.
    proven: bool,
    fault: Option<TurnFault>,
    silences: u8,
    /// Why the last did not, whether that counts or not.
    doubt: Option<TurnFault>,
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
            credentials: None,
            spent: false,
            next: None,
            proven: false,
            fault: None,
            silences: 0,
            doubt: None,
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

    /// It is asked by another from now on: at once, where that may mend what is wrong.
    pub(super) fn ask_as(&mut self, now: Instant, plan: DeepPlan) {
        self.plan = plan;
        if !self.proven && self.check.is_none() {
            self.next = self.next.map(|next| next.min(now));
        }
    }

    /// It answers Binding, and is to be checked at once, where no check goes on.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.check.is_none() && self.next.is_none() {
            self.next = Some(now);
        }
    }

    /// It does not answer any more. What was known of it need not hold when it does again.
    pub(super) fn end(&mut self) {
        self.spent |= self.check.take().is_some();
        self.next = None;
        (self.proven, self.fault, self.silences, self.doubt) = (false, None, 0, None);
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

    /// Lets time pass. `route`: how the server is asked, `unix`: the seconds since 1970.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        route: &mut Route,
        ways: &mut Ways,
        unix: u64,
        rng: &mut Rng,
    ) {
        if self.check.is_none() && self.next.take_if(|next| *next <= now).is_some() {
            self.take_port(now, route, ways, unix);
            let plan = CheckPlan {
                level: self.plan.level(),
                credentials: self.credentials.clone(),
                patience: PATIENCE,
                reliable: false,
            };
            self.check = Some(TurnCheck::new(self.addr, plan, now, Rng::from_rng(rng)));
        }
        if let Some(check) = &mut self.check {
            check.handle_timeout(now);
            self.go_on(now, rng);
        }
    }

    /// What is to be sent next, and which way.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(Way, Transmit)> {
        let transmit = self.check.as_mut()?.poll_transmit(now)?;
        self.drop_what_is_over();
        Some((self.way, transmit))
    }

    /// Whether there is something.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.check.as_ref().is_some_and(|check| check.is_due(now))
    }

    /// When to call [`Deep::handle_timeout`] and [`Deep::poll_transmit`] next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.check.as_ref().map_or(self.next, TurnCheck::poll_timeout)
    }

    /// Where the next check leaves from, and as whom. A server that has refused somebody may know the port
    /// by his name for a minute: another name gets a 437 there (coturn's reading of RFC 8656, section 7.2),
    /// which says nothing of the server. So after a failure it is another port, or the same name.
    fn take_port(&mut self, now: Instant, route: &mut Route, ways: &mut Ways, unix: u64) {
        let moves = self.spent && route.leave(now, ways);
        if !self.spent || moves || route.way() != self.way {
            self.credentials = self.plan.credentials(unix);
        }
        self.way = route.way();
    }

    /// Takes in what has come of the check that goes on.
    fn go_on(&mut self, now: Instant, rng: &mut Rng) {
        while let Some(event) = self.check.as_mut().and_then(TurnCheck::poll_event) {
            match event {
                TurnEvent::Step(TurnStep::Unproved { .. }) => self.unproved = true,
                TurnEvent::Step(TurnStep::Relay { .. }) => self.unproved = false,
                TurnEvent::Step(_) => {}
                TurnEvent::Ended(outcome) => {
                    self.spent = outcome.is_err();
                    let pause = match outcome {
                        Ok(()) => self.did(),
                        Err(fault) => self.failed(fault),
                    };
                    self.next = Some(now + jitter(pause, rng));
                }
            }
        }
        self.drop_what_is_over();
    }

    /// A check that has said its last word is none any more.
    fn drop_what_is_over(&mut self) {
        if self.check.as_ref().is_some_and(|check| check.poll_timeout().is_none()) {
            self.check = None;
        }
    }

    /// It does what is asked of it. Returns when it is checked next.
    fn did(&mut self) -> Duration {
        (self.proven, self.fault, self.silences, self.doubt) = (true, None, 0, None);
        PERIOD
    }

    /// It does not. Returns when it is checked next.
    fn failed(&mut self, fault: TurnFault) -> Duration {
        self.silences = if may_pass(fault) { self.silences + 1 } else { SILENCES };
        // What is about the port alone hides nothing that was found before.
        let fault = if is_of_port(fault) { self.doubt.unwrap_or(fault) } else { fault };
        self.doubt = Some(fault);
        if self.silences < SILENCES {
            return AGAIN;
        }
        (self.proven, self.fault, self.silences) = (false, Some(fault), 0);
        PERIOD_FAULTY
    }
}

/// Whether an outcome says that the port which is asked from is another's (437).
fn is_of_port(fault: TurnFault) -> bool {
    fault == TurnFault::Refused(437)
}

/// Whether an outcome may come of what the network has lost, or of the port.
fn may_pass(fault: TurnFault) -> bool {
    is_of_port(fault)
        || matches!(
            fault,
            TurnFault::Silent
                | TurnFault::Closed
                | TurnFault::Unreachable
                | TurnFault::NotStun
                | TurnFault::Unrelayed
        )
}
