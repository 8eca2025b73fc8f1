//! Why a descent ends with nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::{Ending, out_of_service, used};
use crate::net::engine::client::descent::candidate_id::CandidateId;
use crate::net::engine::client::descent::candidates::MOST_RETRIES;
use crate::net::engine::client::descent::down::deepest;
use crate::net::engine::client::descent::entry::Entry;
use crate::net::engine::client::descent::failure::Failure;
use crate::net::engine::client::descent::left_out::{is_left_out, left_out};
use crate::net::engine::client::descent::options::Refusal;
use crate::net::engine::client::descent::report::CandidateState;
use crate::net::engine::client::descent::role::Role;
use crate::net::wire::State;

impl Ending<'_> {
    /// Where those are listed whom the caller's policy leaves out.
    pub(in crate::net::engine::client::descent) fn ruled_out(&self) -> Vec<SocketAddr> {
        let out = self.candidates.iter().filter(|(_, entry)| is_left_out(entry));
        out.map(|(_, entry)| used(entry).addr).collect()
    }

    /// Why it ends with nothing: whoever there is may not be used, or the deepest level says.
    pub(in crate::net::engine::client::descent) fn failure(&self) -> Failure {
        let left_out = left_out(self.candidates, &self.options.policy);
        if left_out.is_empty() {
            return self.failure_of_all();
        }
        let is_other = |entry: &&Entry| {
            // A balance server that leads on is none itself.
            let serves = entry.role != Role::Balance || entry.state != State::Offering;
            let allowed = entry.refused != Some(Refusal::Policy) && !entry.beside;
            allowed && (serves || entry.is_silent())
        };
        let others = self.candidates.iter().map(|(_, entry)| entry).filter(is_other);
        let others = Vec::from_iter(others);
        let silent = others.iter().filter(|entry| entry.is_silent()).count();
        let allowed = others.len();
        let others = (allowed > 0).then(|| Box::new(self.failure_of_all()));
        Failure::RuledOut {
            left_out,
            others,
            allowed,
            silent,
            unoffered: self.unoffered.count(self.candidates),
            unresolved: self.unresolved.clone(),
        }
    }

    /// The deepest level says, of those whom the policy lets be used.
    fn failure_of_all(&self) -> Failure {
        // What a leaf names is no level of its own before the leaf has answered, and named it.
        let counts = |entry: &Entry| {
            let leaf = entry.via.filter(|_| entry.beside).map(|leaf| &self.candidates[leaf]);
            let named = leaf.is_none_or(|leaf| leaf.rtt.is_some() && leaf.role == Role::Leaf);
            named && entry.refused != Some(Refusal::Policy)
        };
        let entries = || self.candidates.iter().map(|(_, entry)| entry).filter(|e| counts(e));
        let deepest = entries().map(|entry| entry.level).max().unwrap_or(0);
        let deepest_silent = entries().filter(|e| e.is_silent()).map(|e| e.level).max();
        let awaited = |level| entries().any(|entry| entry.level == level && entry.is_awaited());
        let any_answer = |level| entries().any(|entry| entry.level == level && entry.rtt.is_some());
        let answered = match deepest_silent {
            None => true,
            Some(level) if awaited(level) => level < deepest && any_answer(deepest),
            Some(level) => any_answer(level),
        };
        if answered && let Some(failure) = self.dead_end() {
            return failure;
        }
        let level = deepest_silent.unwrap_or(deepest);
        let here = || entries().filter(|entry| entry.is_silent() && entry.level == level);
        let via = here().next().and_then(|entry| entry.via);
        let below = via.map(|via| self.parent(via));
        let here: Vec<_> = here().filter(|entry| entry.via == via).collect();
        let (asked, unresolved) = (here.len(), self.unresolved.clone());
        match here.first().and_then(|entry| Some((entry.addr, entry.obstacle?))) {
            Some((addr, obstacle)) if here.iter().all(|entry| !entry.is_awaited()) => {
                Failure::Unreachable { level, asked, below, addr, obstacle, unresolved }
            }
            _ => {
                let waited = self.elapsed.min(self.options.timeout);
                let answered_from = here.iter().find_map(|entry| entry.answered_from).map(Box::new);
                Failure::NoAnswer { level, asked, below, waited, answered_from, unresolved }
            }
        }
    }

    fn dead_end(&self) -> Option<Failure> {
        // Who lists those whom the policy leaves out is not to blame for that.
        let listers = self.candidates.iter().filter(|(_, entry)| is_left_out(entry));
        let blameless: BTreeSet<_> = listers.filter_map(|(_, entry)| entry.via).collect();
        let counts = |(id, entry): &(CandidateId, &Entry)| {
            let blameless = entry.state == State::Offering && blameless.contains(id);
            let may_lead = entry.role != Role::Turn && !is_left_out(entry);
            entry.rtt.is_some() && may_lead && !blameless
        };
        let answered = self.candidates.iter().filter(counts);
        let (at, entry) = answered.max_by_key(|(id, entry)| (entry.level, Reverse(*id)))?;
        let refused = entry.state == State::Offering;
        let (fault, nodes) = (self.unoffered.fault(at), self.unoffered.of_nodes(at));
        // That of its own TURN server is told beside that.
        let all_full = entry.state == State::Full && entry.turn.is_none();
        let nodes = nodes.or(all_full.then_some(CandidateState::Full));
        // It has answered, and with nothing but cookies.
        let evasive = entry.retries > MOST_RETRIES && entry.list.is_empty() && entry.turn.is_none();
        let (level, at, unresolved) = (entry.level, self.parent(at), self.unresolved.clone());
        if refused && evasive {
            let state = CandidateState::Silent;
            return Some(Failure::DeadEnd { level, state, fault, nodes, at, unresolved });
        }
        if refused && self.is_limited(entry) {
            return Some(Failure::Limited { level, at, unresolved });
        }
        let state = if refused { CandidateState::Refused } else { out_of_service(entry.state)? };
        Some(Failure::DeadEnd { level, state, fault, nodes, at, unresolved })
    }

    /// Whether the limits, and neither time nor scope, kept what a server lists from being asked.
    fn is_limited(&self, lister: &Entry) -> bool {
        let too_deep = lister.level >= deepest(self.options) && !lister.list.is_empty();
        let below = |entry: &Entry| entry.level == lister.level + 1;
        let may_be = |entry: &Entry| below(entry) && entry.refused.is_none();
        let unasked = |entry: &Entry| may_be(entry) && entry.sent() == 0;
        let in_time = self.elapsed < self.options.timeout;
        in_time && (too_deep || self.candidates.iter().any(|(_, entry)| unasked(entry)))
    }
}
