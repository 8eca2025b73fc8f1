//! One TURN server that is measured: what it was asked, and what is known of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::change::WatchReason;
use crate::net::engine::client::descent::outcome::out_of_service;
use crate::net::engine::client::descent::{
    CandidateState, Contender, RunnerUp, Selection, View, Why,
};
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{Extras, ProbeReply, SHORT_REQUEST};

/// Of how many requests answers still count: those of more than a minute.
const REMEMBERED: usize = 64;

/// How many measurements in a row have no answer until it is gone; and how often the selection is asked in
/// one.
pub(super) const ASKED: u8 = 3;

/// Whom a request is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// The TURN server itself.
    Turn,
    /// The leaf that names it.
    Leaf,
}

/// A TURN server, and the leaf that names it where there is one.
#[derive(Debug)]
pub(super) struct MeasuredTurn {
    pub(super) contender: Contender,
    turn: Exchange,
    leaf: Exchange,
    /// Whether the TURN server is asked itself.
    binds: bool,
    /// The least round trip of this measurement.
    least: Option<Duration>,
    /// That of the last one that had an answer.
    pub(super) rtt: Duration,
    /// When it last gave a sign of life.
    pub(super) answered: Instant,
    /// When its leaf, or a descent, last told what it says of itself.
    spoke: Instant,
    /// For how many measurements in a row it was clearly better than the selection.
    pub(super) better: u8,
    /// How many had no answer in a row.
    pub(super) missed: u8,
    renamed: bool,
    /// Whether the caller's policy leaves it out, by the last descent.
    ruled_out: bool,
}

impl MeasuredTurn {
    /// One that has answered a descent. `verifies`: leaves are not taken at their word.
    pub(super) fn new(contender: Contender, verifies: bool, now: Instant) -> Self {
        let binds = verifies || contender.leaf.is_none();
        Self {
            turn: Exchange::new(Owner::Client),
            leaf: Exchange::new(Owner::Client),
            binds,
            least: None,
            rtt: contender.selection.rtt,
            answered: now,
            spoke: now,
            better: 0,
            missed: 0,
            renamed: false,
            ruled_out: false,
            contender,
        }
    }

    /// Another descent has found it.
    pub(super) fn found_again(&mut self, contender: Contender, now: Instant) {
        let verified = self.is_verified() || contender.selection.verified;
        (self.renamed, self.ruled_out, self.spoke) = (false, false, now);
        // On the word of its leaf it lives only where it never has answered itself.
        if contender.selection.verified || !self.lives_by_itself() {
            (self.answered, self.missed) = (now, 0);
        }
        if self.contender.leaf != contender.leaf {
            self.leaf = Exchange::new(Owner::Client);
        }
        self.contender = contender;
        self.contender.selection.verified = verified;
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.contender.selection.turn
    }

    /// Whether the TURN server itself has ever answered.
    pub(super) fn is_verified(&self) -> bool {
        self.contender.selection.verified
    }

    /// How much of what is preferred it has not.
    pub(super) fn misses(&self) -> u8 {
        self.contender.misses
    }

    /// A descent has ruled out what is listed there.
    pub(super) fn note_ruled_out(&mut self, listed: &[SocketAddr]) {
        let of = [Some(self.contender.listed()), self.contender.leaf];
        self.ruled_out |= of.into_iter().flatten().any(|addr| listed.contains(&addr));
    }

    /// Whether it stands where a draw has put it.
    pub(super) fn was_drawn(&self) -> bool {
        self.contender.selection.drawn.is_some()
    }

    /// Why it is not to be used, as its leaf says.
    pub(super) fn out_of_service(&self) -> Option<WatchReason> {
        planted!(WatchStays => None);
        let renamed = self.renamed.then_some(WatchReason::Renamed);
        let ruled_out = self.ruled_out.then_some(WatchReason::RuledOut);
        ruled_out.or(self.contender.says.map(WatchReason::Says)).or(renamed)
    }

    /// Whether it cannot stand by any more.
    pub(super) fn is_gone(&self) -> bool {
        self.missed >= ASKED || self.out_of_service().is_some()
    }

    /// Whether it may serve all the same where there is nobody else.
    pub(super) fn is_reserve(&self) -> bool {
        let reserve = [CandidateState::Draining, CandidateState::Full];
        !self.ruled_out && self.contender.says.is_some_and(|says| reserve.contains(&says))
    }

    /// Whether its leaf has not spoken since then.
    pub(super) fn may_yet_speak(&self, began: Instant) -> bool {
        self.contender.leaf.is_some() && self.spoke < began
    }

    /// Those whose answer is a sign of life: of one that has ever answered itself no leaf's word counts.
    pub(super) fn signs(&self) -> &'static [Whom] {
        match (self.binds, self.lives_by_itself()) {
            (true, true) => &[Whom::Turn],
            (true, false) => &[Whom::Turn, Whom::Leaf],
            (false, _) => &[Whom::Leaf],
        }
    }

    /// Whom a measurement asks once, for what it says alone.
    pub(super) fn hearsay(&self) -> Option<Whom> {
        (self.signs() == [Whom::Turn] && self.contender.leaf.is_some()).then_some(Whom::Leaf)
    }

    /// A measurement begins.
    pub(super) fn begin(&mut self) {
        self.least = None;
    }

    /// A measurement has ended. Returns what it came to, if anything has answered.
    pub(super) fn end(&mut self, began: Instant) -> Option<Duration> {
        if self.answered < began {
            self.missed = self.missed.saturating_add(1);
            return None;
        }
        self.missed = 0;
        self.rtt = self.least?;
        self.least
    }

    /// The sockets are others from now on: no answer to what was asked can come.
    pub(super) fn forget(&mut self) {
        self.turn.forget();
        self.leaf.forget();
        (self.least, self.better, self.missed) = (None, 0, 0);
    }

    /// The bytes of a request that is sent now.
    pub(super) fn ask(&mut self, whom: Whom, now: Instant, rng: &mut Rng) -> Option<Transmit> {
        let (to, query, exchange) = match whom {
            Whom::Turn => (self.addr(), Query::Binding, &mut self.turn),
            Whom::Leaf => {
                let (view, names, extras) = (View::Flat, false, Extras::default());
                let query = Query::Probe { view, names, extras, size: SHORT_REQUEST as u16 };
                (self.contender.leaf?, query, &mut self.leaf)
            }
        };
        let token = Token { id: rng.random(), nonce: rng.random_range(1..=u64::MAX) };
        exchange.sent(now, token, query, ());
        exchange.keep_newest(REMEMBERED);
        Some(Transmit { to, payload: exchange.encode(token, query) })
    }

    /// A Binding response came from an address. Returns whether it is one of its.
    pub(super) fn hear_binding(&mut self, now: Instant, from: SocketAddr, proof: Proof) -> bool {
        if from != self.addr() {
            return false;
        }
        let Judged::Right { sent, .. } = self.turn.judge(proof) else { return false };
        self.turn.accept(proof);
        self.contender.selection.verified = true;
        self.sample(now, sent);
        self.answered = now;
        true
    }

    /// A leaf's reply came from an address. Returns whether it is that of its leaf.
    pub(super) fn hear_reply(
        &mut self,
        now: Instant,
        from: SocketAddr,
        proof: Proof,
        reply: &ProbeReply,
    ) -> bool {
        if self.contender.leaf != Some(from) {
            return false;
        }
        let Judged::Right { sent, .. } = self.leaf.judge(proof) else { return false };
        self.leaf.accept(proof);
        // It is reached by the same path.
        let near = from.ip() == self.addr().ip();
        if !self.lives_by_itself() {
            self.answered = now;
            self.sample(now, sent);
        } else if near {
            self.sample(now, sent);
        }
        if reply.retry {
            self.leaf.set_cookie(reply.cookie.clone());
        } else {
            self.spoke = now;
            self.contender.says = out_of_service(reply.state);
            self.contender.selection.load = reply.load;
            let lists = !reply.nodes.is_empty() || !reply.hosts.is_empty();
            self.renamed = lists || reply.turn != Some(self.contender.listed());
        }
        true
    }

    /// As if a descent had selected it now, beside those who stand by.
    pub(super) fn selection(&self, standbys: &[Self]) -> Selection {
        let runner_up = |standby: &Self| {
            let Selection { turn, listed, name, verified, load, labels, urls, .. } =
                standby.contender.selection.clone();
            let preferred = standby.misses() <= self.misses();
            let (rtt, why) = (standby.rtt, if preferred { Why::Slower } else { Why::Unpreferred });
            RunnerUp { turn, listed, name, rtt, verified, load, labels, urls, why }
        };
        Selection {
            rtt: self.rtt,
            runners_up: standbys.iter().map(runner_up).collect(),
            ..self.contender.selection.clone()
        }
    }

    fn lives_by_itself(&self) -> bool {
        planted!(WatchTurnIgnored => false);
        self.binds && self.is_verified()
    }

    fn sample(&mut self, now: Instant, sent: Instant) {
        let rtt = now.saturating_duration_since(sent);
        self.least = Some(self.least.map_or(rtt, |least| least.min(rtt)));
    }
}
