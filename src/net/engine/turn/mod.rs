//! Whether a TURN server does what it is for: one check, from Binding to a datagram that it relays.
//! It stands between `exchange` and the engine's two halves, which both may use it.

mod login;
mod outstanding;
mod plan;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt as _;

use self::login::Login;
use self::outstanding::Outstanding;
use super::{Rng, Transmit};
use crate::net::wire::stun::{
    Integrity, TurnMessage, TurnOutcome, TurnRequest, is_stun, send_indication,
};
use crate::types::{Scope, TurnFault, TurnHealth};

pub use self::plan::CheckPlan;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEvent {
    /// A step succeeded.
    Step(TurnStep),
    /// All steps did, or one did not: the last event. What is left to do is to let the allocation go.
    Ended(Result<(), TurnFault>),
}

/// What a TURN server has done. Each round-trip time is that of the one request that did it, from
/// when it was first sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnStep {
    /// It answered Binding.
    Binding {
        /// After how long.
        rtt: Duration,
    },
    /// It allocated.
    Allocate {
        /// After how long.
        rtt: Duration,
        /// Where it relays.
        relayed: SocketAddr,
    },
    /// It relayed a datagram, to its own relayed address and back.
    Relay {
        /// After how long.
        rtt: Duration,
        /// Where it relays.
        relayed: SocketAddr,
    },
    /// It forbids its own relayed address as a peer, so nothing shows whether it relays.
    Unproved {
        /// Where it relays.
        relayed: SocketAddr,
    },
}

/// Where a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Binding,
    Allocate,
    Permit(SocketAddr),
    Send(SocketAddr, [u8; COOKIE]),
    Release,
    /// As `Release`, where nobody has granted anything: as many more times, and nothing is awaited.
    Farewell(u8),
    Over,
}

/// Bytes of what is relayed: nobody can guess them.
const COOKIE: usize = 16;

/// One check of one TURN server.
#[derive(Debug)]
pub struct TurnCheck {
    peer: SocketAddr,
    plan: CheckPlan,
    stage: Stage,
    /// What is asked now.
    request: Outstanding,
    login: Login,
    /// Whether an IPv6 address is asked for: where the server says that it has no other.
    v6: bool,
    /// Whether the server may hold an allocation.
    may_hold: bool,
    /// Whether it has said so.
    holds: bool,
    /// The address that makes it of no use.
    blamed: Option<SocketAddr>,
    ended: bool,
    /// Whether something came from the server that is no STUN.
    strange: bool,
    events: VecDeque<TurnEvent>,
    rng: Rng,
}

impl TurnCheck {
    /// No check sends more than so many datagrams, whatever comes: eleven requests at most (Binding; five
    /// times Allocate: bare, signed, for another realm, with another nonce, for IPv6; CreatePermission and
    /// Refresh, each with another nonce too; what is to be relayed), each of them four times.
    pub const MOST_DATAGRAMS: usize = 4 * 11;

    /// Of the server at this address, from `now` on.
    pub fn new(peer: SocketAddr, plan: CheckPlan, now: Instant, mut rng: Rng) -> Self {
        let request = Outstanding::asked(TurnRequest::Binding, None, &plan, now, &mut rng);
        let login = Login::new(plan.credentials.clone());
        let mut check = Self {
            peer,
            plan,
            stage: Stage::Binding,
            request,
            login,
            v6: false,
            may_hold: false,
            holds: false,
            blamed: None,
            ended: false,
            strange: false,
            events: VecDeque::new(),
            rng,
        };
        if check.plan.level == TurnHealth::None {
            check.end(now, Ok(()));
        }
        check
    }

    /// A datagram came, or a message of a stream. Returns whether it is what was awaited.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> bool {
        if from != self.peer || self.stage == Stage::Over {
            return false;
        }
        match (TurnMessage::decode(datagram), self.stage) {
            (Some(TurnMessage::Data(data)), Stage::Send(relayed, cookie)) if data == cookie => {
                let rtt = self.request.took(now);
                self.step(TurnStep::Relay { rtt, relayed });
                self.end(now, Ok(()));
                true
            }
            (Some(TurnMessage::Response { transaction, method, outcome }), _)
                if self.request.is_answered_by(transaction, method)
                    && self.is_genuine(datagram, &outcome) =>
            {
                self.answered(now, outcome);
                true
            }
            _ => {
                self.strange |= !is_stun(datagram);
                false
            }
        }
    }

    /// The way there says why nothing comes: nothing listens, there is none, a stream ended, what came
    /// by it is no STUN.
    pub fn handle_fault(&mut self, now: Instant, fault: TurnFault) {
        match self.stage {
            Stage::Release | Stage::Farewell(_) => self.stage = Stage::Over,
            Stage::Over => {}
            _ => self.end(now, Err(fault)),
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.request.is_overdue(now) {
            return;
        }
        match self.stage {
            Stage::Release => self.stage = Stage::Over,
            Stage::Over => {}
            Stage::Send(..) => self.end(now, Err(TurnFault::Unrelayed)),
            _ if self.strange => self.end(now, Err(TurnFault::NotStun)),
            _ => self.end(now, Err(TurnFault::Silent)),
        }
    }

    /// Whoever wanted to know does not any more: what is left is to let the allocation go.
    pub fn abandon(&mut self, now: Instant) {
        if !self.ended {
            self.release(now);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if !self.is_due(now) {
            return None;
        }
        if let Stage::Farewell(more) = self.stage {
            self.stage = more.checked_sub(1).map_or(Stage::Over, Stage::Farewell);
            return Some(Transmit { to: self.peer, payload: self.request.bytes() });
        }
        let payload = self.request.send(now);
        self.may_hold |= self.stage == Stage::Allocate;
        Some(Transmit { to: self.peer, payload })
    }

    /// Whether there is one.
    pub fn is_due(&self, now: Instant) -> bool {
        self.stage != Stage::Over && self.request.is_due(now)
    }

    /// What came of the check since the last call.
    pub fn poll_event(&mut self) -> Option<TurnEvent> {
        self.events.pop_front()
    }

    /// The address that an outcome is about: that of no use where it relays, or the server that it sends
    /// to.
    pub fn blamed(&self) -> Option<SocketAddr> {
        self.blamed
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; `None`: it is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.stage != Stage::Over).then(|| self.request.next())
    }

    /// Whether the server has said this. What grants a signed request is signed; a refusal need not be,
    /// and one that asks for other credentials cannot.
    fn is_genuine(&self, datagram: &[u8], outcome: &TurnOutcome) -> bool {
        match (self.login.judge(datagram), outcome) {
            (Integrity::Right, _) => true,
            (Integrity::Absent, outcome) => matches!(outcome, TurnOutcome::Refused { .. }),
            (Integrity::Wrong, outcome) => {
                matches!(outcome, TurnOutcome::Refused { code: 401 | 438, .. })
            }
        }
    }

    fn answered(&mut self, now: Instant, outcome: TurnOutcome) {
        if let TurnOutcome::Refused { code: 300, alternate, .. } = &outcome {
            self.blamed = *alternate;
        }
        match (self.stage, outcome) {
            (Stage::Over | Stage::Farewell(_), _) => {}
            (Stage::Binding, TurnOutcome::Refused { code: 300, .. }) => {
                self.end(now, Err(TurnFault::Moved));
            }
            // A server that refuses is alive.
            (Stage::Binding, _) => {
                self.step(TurnStep::Binding { rtt: self.request.took(now) });
                match self.plan.level {
                    TurnHealth::Allocate | TurnHealth::Relay => self.allocate(now),
                    _ => self.end(now, Ok(())),
                }
            }
            (Stage::Allocate, TurnOutcome::Granted { relayed }) => self.allocated(now, relayed),
            (Stage::Permit(relayed), TurnOutcome::Granted { .. }) => self.send(now, relayed),
            (Stage::Permit(relayed), TurnOutcome::Refused { code: 403, .. }) => {
                self.step(TurnStep::Unproved { relayed });
                self.end(now, Ok(()));
            }
            (stage, TurnOutcome::Refused { code, realm, nonce, .. }) => {
                self.may_hold &= stage != Stage::Allocate;
                self.refused(now, code, realm, nonce);
            }
            (Stage::Release | Stage::Send(..), TurnOutcome::Granted { .. }) => {
                self.stage = Stage::Over;
            }
        }
    }

    /// Asks again, where another answer can be hoped for.
    fn refused(&mut self, now: Instant, code: u16, realm: Option<String>, nonce: Option<Vec<u8>>) {
        if code == 440 && self.stage == Stage::Allocate && !self.v6 {
            self.v6 = true;
            return self.allocate(now);
        }
        match (self.login.challenged(code, realm, nonce), self.stage) {
            (Ok(()), Stage::Allocate) => self.allocate(now),
            (Ok(()), Stage::Permit(relayed)) => self.permit(now, relayed),
            (Ok(()), Stage::Release) => self.ask(now, TurnRequest::Release),
            (Err(fault), _) => self.handle_fault(now, fault),
            (Ok(()), _) => self.stage = Stage::Over,
        }
    }

    fn allocate(&mut self, now: Instant) {
        self.stage = Stage::Allocate;
        self.ask(now, TurnRequest::Allocate { v6: self.v6 });
    }

    /// The server has an allocation. An address that reaches less far than the server itself is of use to
    /// nobody who comes from where it is asked.
    fn allocated(&mut self, now: Instant, relayed: Option<SocketAddr>) {
        self.login.accepted();
        self.holds = true;
        let reaches = |relayed: &SocketAddr| {
            let asked = Scope::of(self.peer.ip()).unwrap_or(Scope::Loopback);
            relayed.port() != 0 && asked.allows(relayed.ip())
        };
        let Some(relayed) = relayed.filter(reaches) else {
            self.blamed = relayed;
            return self.end(now, Err(TurnFault::UselessAddress));
        };
        self.step(TurnStep::Allocate { rtt: self.request.took(now), relayed });
        match self.plan.level {
            TurnHealth::Relay => self.permit(now, relayed),
            _ => self.end(now, Ok(())),
        }
    }

    fn permit(&mut self, now: Instant, relayed: SocketAddr) {
        self.stage = Stage::Permit(relayed);
        self.ask(now, TurnRequest::CreatePermission(relayed));
    }

    fn send(&mut self, now: Instant, relayed: SocketAddr) {
        self.login.accepted();
        let cookie: [u8; COOKIE] = self.rng.random();
        let bytes = send_indication(self.rng.random(), relayed, &cookie);
        self.stage = Stage::Send(relayed, cookie);
        self.request = Outstanding::indicated(bytes, &self.plan, now);
    }

    fn step(&mut self, step: TurnStep) {
        self.events.push_back(TurnEvent::Step(step));
    }

    /// The outcome is known.
    fn end(&mut self, now: Instant, outcome: Result<(), TurnFault>) {
        self.ended = true;
        self.events.push_back(TurnEvent::Ended(outcome));
        self.release(now);
    }

    fn release(&mut self, now: Instant) {
        if !self.may_hold {
            return self.stage = Stage::Over;
        }
        self.login.accepted();
        // Who has not answered Allocate is not waited for once more; one Refresh of two arrives.
        self.stage = if self.holds { Stage::Release } else { Stage::Farewell(1) };
        self.ask(now, TurnRequest::Release);
    }

    fn ask(&mut self, now: Instant, request: TurnRequest) {
        let signature = self.login.signature();
        self.request =
            Outstanding::asked(request, signature.as_ref(), &self.plan, now, &mut self.rng);
    }
}
