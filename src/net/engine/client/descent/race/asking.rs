//! Whom the race asks: the roots, whoever leads further down, and all of them again where nobody speaks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Race;
use crate::net::engine::client::descent::candidate_id::CandidateId;
use crate::net::engine::client::descent::copies::{
    MOST_COPIES, PAD_ALL, copies_for_more, deal, is_to_leaf, outlook, spacing,
};
use crate::net::engine::client::descent::down::deepest;
use crate::net::engine::client::descent::entry::{BINDING_REQUEST, Entry};
use crate::net::engine::client::descent::options::Strategy;
use crate::net::engine::client::descent::report::Unasked;
use crate::net::engine::client::descent::reserve;
use crate::net::engine::client::descent::role::Role;
use crate::net::engine::client::descent::schedule::{
    MOST_ROOT_PATIENCE, PATIENCE, ROOT_PATIENCE, ROOT_SPACING,
};

impl Race {
    /// Takes in roots, which are asked by [`ask_new_roots`](Self::ask_new_roots).
    pub(in crate::net::engine::client::descent) fn add_roots(&mut self, roots: &[SocketAddr]) {
        for &root in roots {
            self.add(Entry::root(root));
        }
    }

    /// Asks the roots that were not asked before, unless their level is won.
    pub(in crate::net::engine::client::descent) fn ask_new_roots(&mut self, now: Instant) {
        let first = self.options.strategy == Strategy::First;
        if first && self.levels.is_explored(0) {
            return;
        }
        let new = |(id, entry): &(CandidateId, &Entry)| {
            let asked = entry.sent() > 0 || self.schedule.awaits(*id) || self.detour.holds(*id);
            entry.via.is_none() && !asked
        };
        let new: Vec<_> = self.candidates.iter().filter(new).map(|(id, _)| id).collect();
        let copies = if first { 1 } else { 2 };
        for &id in &new {
            (0..copies).for_each(|copy| self.plan(id, now + ROOT_SPACING * copy));
        }
        // Those that were asked before are not to wait longer for it.
        let patient = self.schedule.patience_ends() > now + ROOT_PATIENCE;
        if self.levels.len() == 1 && !new.is_empty() && patient {
            self.schedule.be_patient(now, ROOT_PATIENCE);
        }
    }

    /// Goes down into the balance servers whose answers are fast enough.
    pub(super) fn go_down(&mut self, now: Instant) {
        for level in 0..self.levels.len() {
            let (candidates, best) = (&self.candidates, self.best);
            let next = self.levels.to_explore(level, candidates, best, self.options.strategy);
            for id in next {
                self.explore(now, id, 0);
            }
        }
    }

    /// Goes down into the best that was passed over. Returns whether there was one.
    pub(in crate::net::engine::client::descent) fn back_up(&mut self, now: Instant) -> bool {
        let next = self.levels.passed_over(&self.candidates);
        if let Some(id) = next {
            self.explore(now, id, 0);
        }
        next.is_some()
    }

    /// Calls up whoever asks not to be chosen, where nobody else is left: first balance servers, whose
    /// leaves may be well, then the `leaves`, if all others are taken for dead. Returns whether there
    /// was one.
    pub(in crate::net::engine::client::descent) fn call_up(
        &mut self,
        now: Instant,
        leaves: bool,
    ) -> bool {
        self.candidates.call_up(reserve::servers(&self.candidates));
        if self.back_up(now) {
            return true;
        }
        if leaves {
            self.candidates.call_up(reserve::leaves(&self.candidates));
        }
        self.rank();
        self.best.is_some()
    }

    /// All that was in hand has gone out of service in the last round: on with the race, among those who
    /// were not awaited any more.
    pub(in crate::net::engine::client::descent) fn resume(&mut self, now: Instant) {
        let awaited = |(_, entry): &(CandidateId, &Entry)| entry.is_awaited() && !entry.beside;
        let awaited = self.candidates.iter().filter(awaited);
        for id in Vec::from_iter(awaited.map(|(id, _)| id)) {
            self.plan(id, now);
        }
        self.schedule.be_patient(now, PATIENCE);
        self.ask_new_roots(now);
    }

    /// Nothing is in hand and the level stayed silent: asks it again, and backs up to the next best.
    pub(in crate::net::engine::client::descent) fn ask_again(&mut self, now: Instant) {
        let roots_alone = self.levels.len() == 1;
        let most = if roots_alone { MOST_ROOT_PATIENCE } else { Duration::MAX };
        let patience = self.schedule.next_patience(most);
        self.schedule.be_patient(now, patience);
        let often = self.reserve.note_silence();
        if self.options.strategy == Strategy::First {
            self.call_up(now, often);
            return;
        }
        // The TURN server of a leaf is asked after it: twice as many would be more than the budget has.
        let silent = |(id, entry): &(CandidateId, &Entry)| {
            let may = entry.refused.is_none() && !entry.beside;
            may && entry.rtt.is_none() && self.schedule.awaits(*id)
        };
        let silent: Vec<_> = self.candidates.iter().filter(silent).map(|(id, _)| id).collect();
        for id in silent {
            self.plan(id, now);
        }
        let _on = self.back_up(now) || self.call_up(now, often);
        self.schedule.be_patient(now, patience);
    }

    /// Asks what a balance server lists, from the `from`th on.
    pub(super) fn explore(&mut self, now: Instant, id: CandidateId, from: usize) {
        let Entry { level, rtt: here, .. } = self.candidates[id];
        if !self.candidates.note_explored(id) {
            self.levels.note_explored(level);
        }
        self.schedule.give_up(id); // it has said what there is to know, or is asked for the rest
        if level >= deepest(&self.options) {
            return;
        }
        let listed = self.candidates[id].list[from..].to_vec();
        let mut added = Vec::with_capacity(listed.len());
        for node in &listed {
            let ways = here.zip(node.rtt);
            let by = (id, &self.candidates[id]);
            let entry = Entry {
                outlook: ways.map(|(here, there)| outlook(here, there)),
                farthest: ways.map(|(here, there)| here + there),
                ..Entry::listed(node, by, &self.options)
            };
            let refused = entry.refused.is_some();
            added.extend(self.add(entry).filter(|_| !refused));
        }
        added.sort_by_key(|&id| self.candidates.promise(id));
        self.ask(now, id, &added);
        if self.candidates.asks_for_more(id, from) {
            self.plan_copies(id, now, copies_for_more(self.options.strategy));
        }
    }

    /// Sends each of some candidates that a server lists, the most promising first, its first copies.
    fn ask(&mut self, now: Instant, by: CandidateId, asked: &[CandidateId]) {
        if asked.is_empty() {
            return;
        }
        let level = self.candidates[by].level + 1;
        self.reserve.others_are_asked();
        let spacing = spacing(&self.candidates, by);
        let copies = deal(&self.candidates, by, asked, self.options.strategy);
        let planned = self.schedule.planned().map(|id| &self.candidates[id]);
        let left = self.post.left(planned.map(|entry| entry.request_len(entry.sent())));
        let deeper = asked.iter().any(|&id| self.candidates[id].role == Role::Balance);
        let mut quota = self.levels.quota(level, deeper, left);
        let mut latest = now;
        for copy in 0..MOST_COPIES {
            let at = now + spacing * copy as u32;
            for (&id, &copies) in asked.iter().zip(&copies).filter(|(_, copies)| **copies > copy) {
                let pads_first = asked.len() > PAD_ALL && self.options.policy.is_empty();
                self.candidates.pad_first_only(id, pads_first);
                let turn = !is_to_leaf(copy, copies) && self.may_stand_for(id);
                let len =
                    if turn { BINDING_REQUEST } else { self.candidates[id].request_len(copy) };
                if quota.afford(len) {
                    let turn = if turn { self.turn_beside(id) } else { None };
                    self.plan(turn.unwrap_or(id), at);
                    latest = at;
                } else {
                    self.candidates.note_withheld(id, Unasked::Budget);
                }
            }
        }
        self.levels.note_left(level, quota);
        self.schedule.be_patient(latest, PATIENCE);
    }

    /// Whether the TURN server of a leaf is sent copies in its place: on the leaf's own host it is reached
    /// by the same path, and its answers show that it lives.
    fn may_stand_for(&self, leaf: CandidateId) -> bool {
        let entry = &self.candidates[leaf];
        let same_host = entry.turn.is_some_and(|turn| turn.ip() == entry.addr.ip());
        let asks = self.options.verifies() && self.options.strategy == Strategy::Best;
        asks && same_host && entry.role == Role::Leaf
    }
}
