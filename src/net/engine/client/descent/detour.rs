//! The way to IPv4 where a host has none of its own: whose requests wait until it is known whether
//! the network has a NAT64, and what is used in place of a listed address.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::copies::SPACING;
use super::options::Options;
use super::role::Role;
use super::schedule::{PATIENCE, Schedule};
use crate::types::Nat64;

/// What is known of it, but for the NAT64 itself, by which candidates are judged too.
#[derive(Debug, Default)]
pub(super) struct Detour {
    /// Whether this host has no IPv4 at all; else it may have a way to some addresses.
    closed: bool,
    /// Whether a NAT64 is being sought.
    sought: bool,
    /// Who waits for that, and how many requests to each were due.
    held: BTreeMap<CandidateId, u32>,
}

/// An address to use, and how it is listed where that is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) addr: SocketAddr,
    pub(super) listed: Option<SocketAddr>,
}

impl Used {
    /// A listed address, for which another is used if there is one.
    pub(super) fn by(way: Option<SocketAddr>, listed: SocketAddr) -> Self {
        Self { addr: way.unwrap_or(listed), listed: way.map(|_| listed) }
    }
}

impl Detour {
    /// A NAT64 is sought from now on, by a host that has no IPv4 at all (`closed`), or not to all
    /// addresses.
    pub(super) fn seek(&mut self, closed: bool) {
        self.sought = true;
        self.closed |= closed;
    }

    /// Where to send a request to a candidate that is due; `None`: it waits until that is known, or must
    /// not be sent.
    pub(super) fn way(
        &mut self,
        id: CandidateId,
        candidates: &mut Candidates,
        schedule: &mut Schedule,
        options: &Options,
    ) -> Option<SocketAddr> {
        let closed = self.is_closed(candidates[id].addr);
        if closed && !self.sought {
            divert(id, candidates, options);
        }
        let entry = &candidates[id];
        let waits = closed && self.sought;
        if waits || entry.refused.is_some() {
            schedule.expect_only(id, entry, entry.exchange.newest_unanswered());
            if waits {
                self.hold(id);
            }
            return None;
        }
        Some(entry.way.unwrap_or(entry.addr))
    }

    /// This host could not send to a candidate: it is sent to by another way, or waits for one. Returns
    /// whether it is.
    pub(super) fn finds_way(
        &mut self,
        now: Instant,
        id: CandidateId,
        candidates: &mut Candidates,
        schedule: &mut Schedule,
        options: &Options,
    ) -> bool {
        if self.sought && Nat64::may_lead_to(candidates[id].addr) {
            self.hold(id);
            schedule.expect_only(id, &candidates[id], None);
            return true;
        }
        let diverted = divert(id, candidates, options);
        if diverted {
            schedule.plan(id, &candidates[id], now);
        }
        diverted
    }

    /// It is known whether there is a NAT64: who may not be asked after all is given up, and those who
    /// have waited are asked.
    pub(super) fn open(
        &mut self,
        now: Instant,
        candidates: &mut Candidates,
        schedule: &mut Schedule,
        options: &Options,
    ) {
        self.sought = false;
        for id in refuse_by_end(candidates, options) {
            schedule.give_up(id);
        }
        if self.held.is_empty() {
            return;
        }
        for (id, requests) in std::mem::take(&mut self.held) {
            for copy in 0..requests {
                schedule.plan(id, &candidates[id], now + SPACING * copy);
            }
        }
        schedule.be_patient(now, PATIENCE);
    }

    /// Whether a candidate waits.
    pub(super) fn holds(&self, id: CandidateId) -> bool {
        self.held.contains_key(&id)
    }

    /// Whether nothing can be decided before it is known: nothing is in hand, or it alone tells how to
    /// reach the TURN server in hand.
    pub(super) fn decides(&self, in_hand: Option<SocketAddr>) -> bool {
        self.sought && in_hand.map_or(!self.held.is_empty(), |turn| self.is_closed(turn))
    }

    /// What to use for the TURN server of a candidate. One that was not asked itself is where the
    /// candidate is that names it: behind a NAT64 or not.
    pub(super) fn turn_of(
        &self,
        id: CandidateId,
        candidates: &Candidates,
        options: &Options,
    ) -> Option<Used> {
        let (turn, beside) = (candidates[id].turn?, candidates[id].way.is_some());
        let asked = candidates.at(turn).and_then(|at| candidates[at].way);
        let behind = beside || self.is_closed(turn);
        Some(Used::by(asked.or_else(|| options.nat64.way_to(turn).filter(|_| behind)), turn))
    }

    fn is_closed(&self, addr: SocketAddr) -> bool {
        self.closed && Nat64::may_lead_to(addr)
    }

    /// One more request to a candidate waits.
    fn hold(&mut self, id: CandidateId) {
        *self.held.entry(id).or_default() += 1;
    }
}

/// Sends to a candidate by way of a NAT64, where one leads to it and it is not so already.
fn divert(id: CandidateId, candidates: &mut Candidates, options: &Options) -> bool {
    let way = options.nat64.way_to(candidates[id].addr);
    way.is_some_and(|way| candidates.divert(id, way))
}

/// Refuses those that may not be asked after all, now that it is known where datagrams to them end.
/// Returns who they are.
fn refuse_by_end(candidates: &mut Candidates, options: &Options) -> Vec<CandidateId> {
    let mut refused = Vec::new();
    for id in Vec::from_iter(candidates.iter().map(|(id, _)| id)) {
        let entry = &candidates[id];
        let itself = match entry.role {
            _ if entry.via.is_none() => Ok(()), // a root
            Role::Turn => options.judge(entry.root, entry.addr),
            Role::Leaf | Role::Balance => options.judge_server(entry.root, entry.addr),
        };
        let turn = entry.turn.map_or(Ok(()), |turn| options.judge(entry.root, turn));
        let (by_word, answered) = (itself.is_ok(), entry.rtt.is_some());
        match itself.and(turn) {
            // The list's word; its own may be another.
            Err(_) if by_word && !answered => candidates.forget_turn(id),
            Err(refusal) if entry.refused.is_none() => {
                candidates.refuse(id, refusal);
                refused.push(id);
            }
            _ => {}
        }
    }
    refused
}
