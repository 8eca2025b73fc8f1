//! The race: who is asked, what an answer changes, and who leads.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;
use super::candidates::{Candidates, Entry};
use super::copies::{MOST_COPIES, PAD_ALL, copies_for_more, deal, outlook, spacing};
use super::detour::{Detour, Used};
use super::down::{Levels, deepest};
use super::event::DescentEvent;
use super::heard::Heard;
use super::options::{Options, Strategy};
use super::post::Post;
use super::rank::Score;
use super::report::{Cost, Obstacle, Unasked};
use super::reserve::{self, Reserve};
use super::role::Role;
use super::schedule::{MOST_ROOT_PATIENCE, PATIENCE, ROOT_PATIENCE, ROOT_SPACING, Schedule};
use crate::net::engine::exchange::Proof;
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{ProbeReply, State};
use crate::types::Nat64;

/// A race among candidates.
#[derive(Debug)]
pub(super) struct Race {
    options: Options,
    candidates: Candidates,
    schedule: Schedule,
    levels: Levels,
    post: Post,
    detour: Detour,
    reserve: Reserve,
    /// The best in hand.
    best: Option<Score>,
    events: VecDeque<DescentEvent>,
}

impl Race {
    /// A race that nobody takes part in yet.
    pub(super) fn new(options: Options, now: Instant, rng: Rng) -> Self {
        let mut race = Self {
            candidates: Candidates::default(),
            schedule: Schedule::new(now, ROOT_PATIENCE),
            levels: Levels::default(),
            post: Post::new(&options, rng),
            detour: Detour::default(),
            reserve: Reserve::default(),
            best: None,
            events: VecDeque::new(),
            options,
        };
        race.levels.open(0);
        race
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(super) fn best(&self) -> Option<Score> {
        self.best
    }

    /// What was sent and ignored so far.
    pub(super) fn cost(&self) -> Cost {
        self.post.cost()
    }

    pub(super) fn poll_event(&mut self) -> Option<DescentEvent> {
        self.events.pop_front()
    }

    // ---- what is heard ----

    /// An answer came: notes the round-trip time that it shows. `None`: it is not a right one.
    pub(super) fn handle_answer(
        &mut self,
        now: Instant,
        from: SocketAddr,
        proof: Proof,
    ) -> Option<CandidateId> {
        match self.candidates.hear(now, from, proof) {
            Heard::Right { id, sent } => {
                self.schedule.settle(id, sent);
                self.note_answer_of(now, from, proof);
                return Some(id);
            }
            Heard::Repeated => self.post.note(|cost| &mut cost.repeated),
            Heard::Mismatched => self.post.note(|cost| &mut cost.mismatched),
            Heard::Misplaced => self.post.note(|cost| &mut cost.misplaced),
        }
        None
    }

    /// Takes in what a balance server said; while the race is on, that may lead further down.
    pub(super) fn handle_reply(
        &mut self,
        now: Instant,
        id: CandidateId,
        reply: ProbeReply,
        racing: bool,
    ) {
        if reply.retry {
            if self.candidates.take_cookie(id, reply.cookie) {
                self.plan(id, now);
            }
            return;
        }
        let Entry { root, ref list, .. } = self.candidates[id];
        let known_before = list.len();
        let judge = |turn| self.options.judge(root, turn);
        self.candidates.take_reply(id, reply, judge);
        self.schedule.move_to_its_lane(id, &self.candidates[id]);
        if self.is_out_of_service(id) {
            return;
        }
        let entry = &self.candidates[id];
        if entry.list.len() > known_before && entry.explored && racing {
            self.explore(now, id, known_before);
        }
        let leads = self.best.is_some_and(|best| best.id == id);
        if leads && !self.candidates.can_win(id) {
            self.rank(); // it is not what it was taken for
        }
        self.compare(id);
        if racing {
            self.go_down(now);
        }
    }

    /// Takes in what a leaf says of itself beside its URLs. That it serves was known before.
    pub(super) fn handle_state(&mut self, id: CandidateId, state: State) {
        planted!(StateBesideUrlsUnheard => ());
        if state != State::Offering {
            self.candidates.note_state(id, state);
            self.is_out_of_service(id);
        }
    }

    /// Whether one that has spoken is not to be reckoned with. Nothing more is awaited from it then, and
    /// another leads.
    fn is_out_of_service(&mut self, id: CandidateId) -> bool {
        let out = !self.candidates[id].serves();
        if out {
            self.schedule.give_up(id);
            self.rank();
        }
        out
    }

    /// Something stands before a candidate: nothing more is awaited from it.
    pub(super) fn handle_obstacle(&mut self, id: CandidateId, obstacle: Obstacle) {
        self.candidates.note_obstacle(id, obstacle);
        self.schedule.give_up(id);
    }

    // ---- the way to IPv4 ----

    /// A NAT64 is sought from now on; `closed`: this host has no IPv4 at all.
    pub(super) fn seek_nat64(&mut self, closed: bool) {
        self.detour.seek(closed);
    }

    /// Whether nothing can be decided before one is found or not.
    pub(super) fn awaits_nat64(&self) -> bool {
        self.detour.decides(self.best.and_then(|best| self.candidates[best.id].turn))
    }

    /// It is known whether there is one: that decides who may be asked, and asks those who have waited.
    pub(super) fn handle_nat64(&mut self, now: Instant, nat64: Nat64) {
        self.options.nat64 = nat64;
        self.detour.open(now, &mut self.candidates, &mut self.schedule, &self.options);
        if self.best.is_some_and(|best| !self.candidates.can_win(best.id)) {
            self.rank();
        }
    }

    /// This host cannot send to a candidate: it waits for a NAT64, is asked by way of one, or is out.
    pub(super) fn handle_unsent(&mut self, now: Instant, id: CandidateId) {
        let (candidates, schedule) = (&mut self.candidates, &mut self.schedule);
        if !self.detour.finds_way(now, id, candidates, schedule, &self.options) {
            self.handle_obstacle(id, Obstacle::Path);
        }
    }

    // ---- who leads ----

    /// Compares a candidate that answered with the best in hand, or with the fastest of its level.
    pub(super) fn compare(&mut self, id: CandidateId) {
        let entry = &self.candidates[id];
        let Some(score) = self.candidates.score(id) else { return };
        if self.options.strategy == Strategy::First && self.levels.is_explored(entry.level) {
            return; // the level is won
        }
        if self.candidates.can_win(id) {
            if score.beats(self.best) {
                self.best = Some(score);
                self.announce();
            }
        } else if !entry.list.is_empty() {
            self.levels.note_rtt(entry.level, score.rtt);
        }
    }

    /// Finds the best in hand anew: one that was may have gone out of service.
    fn rank(&mut self) {
        let before = self.best;
        self.best = self.candidates.winners().min();
        if self.best != before {
            self.announce();
        }
    }

    fn announce(&mut self) {
        let best = self.best.and_then(|best| Some((self.turn_of(best.id)?.addr, best.rtt)));
        self.events.extend(best.map(|(turn, rtt)| DescentEvent::Provisional { turn, rtt }));
    }

    /// What to use for the TURN server of a candidate.
    pub(super) fn turn_of(&self, id: CandidateId) -> Option<Used> {
        self.detour.turn_of(id, &self.candidates, &self.options)
    }

    /// The last moment at which something outstanding can win: a leaf or TURN server whose newest
    /// copy is no older than `limit`, a balance server's no older than the window. `None`: nothing
    /// is in hand that it could win against.
    pub(super) fn decided_at(&self, limit: impl FnOnce(Score) -> Duration) -> Option<Instant> {
        let best = self.best?;
        self.levels.decided_at(best, limit(best), &self.schedule, &self.candidates)
    }

    // ---- the way down ----

    /// Takes in roots, which are asked by [`ask_new_roots`](Self::ask_new_roots).
    pub(super) fn add_roots(&mut self, roots: &[SocketAddr]) {
        for &root in roots {
            self.add(Entry::root(root));
        }
    }

    /// Asks the roots that were not asked before, unless their level is won.
    pub(super) fn ask_new_roots(&mut self, now: Instant) {
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
    fn go_down(&mut self, now: Instant) {
        for level in 0..self.levels.len() {
            let next = self.levels.to_explore(level, &self.candidates, self.options.strategy);
            for id in next {
                self.explore(now, id, 0);
            }
        }
    }

    /// Goes down into the best that was passed over. Returns whether there was one.
    pub(super) fn back_up(&mut self, now: Instant) -> bool {
        let next = self.levels.passed_over(&self.candidates);
        if let Some(id) = next {
            self.explore(now, id, 0);
        }
        next.is_some()
    }

    /// Calls up whoever asks not to be chosen, where nobody else is left: first balance servers, whose
    /// leaves may be well, then the `leaves`, if all others are taken for dead. Returns whether there
    /// was one.
    pub(super) fn call_up(&mut self, now: Instant, leaves: bool) -> bool {
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
    pub(super) fn resume(&mut self, now: Instant) {
        let awaited = self.candidates.iter().filter(|(_, entry)| entry.is_awaited());
        for id in Vec::from_iter(awaited.map(|(id, _)| id)) {
            self.plan(id, now);
        }
        self.schedule.be_patient(now, PATIENCE);
        self.ask_new_roots(now);
    }

    /// Nothing is in hand and the level stayed silent: asks it again, and backs up to the next best.
    pub(super) fn ask_again(&mut self, now: Instant) {
        let roots_alone = self.levels.len() == 1;
        let most = if roots_alone { MOST_ROOT_PATIENCE } else { Duration::MAX };
        let patience = self.schedule.next_patience(most);
        self.schedule.be_patient(now, patience);
        let often = self.reserve.note_silence();
        if self.options.strategy == Strategy::First {
            self.call_up(now, often);
            return;
        }
        let silent = |(id, entry): &(CandidateId, &Entry)| {
            entry.rtt.is_none() && entry.refused.is_none() && self.schedule.awaits(*id)
        };
        let silent: Vec<_> = self.candidates.iter().filter(silent).map(|(id, _)| id).collect();
        for id in silent {
            self.plan(id, now);
        }
        let _on = self.back_up(now) || self.call_up(now, often);
        self.schedule.be_patient(now, patience);
    }

    /// Asks what a balance server lists, from the `from`th on.
    fn explore(&mut self, now: Instant, id: CandidateId, from: usize) {
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
            let outlook = here.zip(node.rtt).map(|(here, there)| outlook(here, there));
            let by = (id, &self.candidates[id]);
            let entry = Entry::listed(node, by, outlook, &self.options);
            let refused = entry.refused.is_some();
            added.extend(self.add(entry).filter(|_| !refused));
        }
        added.sort_by_key(|&id| (self.candidates[id].outlook, id));
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
        let best = self.best.map(|best| best.rtt);
        let copies = deal(&self.candidates, by, asked, self.options.strategy, best);
        let planned = self.schedule.planned().map(|id| &self.candidates[id]);
        let left = self.post.left(planned.map(|entry| entry.request_len(entry.sent())));
        let deeper = asked.iter().any(|&id| self.candidates[id].role == Role::Balance);
        let mut quota = self.levels.quota(level, deeper, left);
        let mut latest = now;
        for copy in 0..MOST_COPIES {
            let at = now + spacing * copy as u32;
            for (&id, _) in asked.iter().zip(&copies).filter(|(_, copies)| **copies > copy) {
                self.candidates.pad_first_only(id, asked.len() > PAD_ALL);
                if quota.afford(self.candidates[id].request_len(copy)) {
                    self.plan(id, at);
                    latest = at;
                } else {
                    self.candidates.note_withheld(id, Unasked::Budget);
                }
            }
        }
        self.levels.note_left(level, quota);
        self.schedule.be_patient(latest, PATIENCE);
    }

    // ---- what is sent ----

    /// Adds a candidate. `None`: it is known already.
    fn add(&mut self, entry: Entry) -> Option<CandidateId> {
        let level = entry.level;
        let id = self.candidates.add(entry)?;
        self.levels.open(level);
        Some(id)
    }

    fn plan(&mut self, id: CandidateId, at: Instant) {
        self.schedule.plan(id, &self.candidates[id], at);
    }

    /// Plans so many copies to a candidate.
    pub(super) fn plan_copies(&mut self, id: CandidateId, now: Instant, copies: u32) {
        let spacing = spacing(&self.candidates, id);
        (0..copies).for_each(|copy| self.plan(id, now + spacing * copy));
    }

    /// Asks the TURN server of a leaf, unless it was asked before. Returns whether it does.
    pub(super) fn ask_turn(&mut self, now: Instant, leaf: CandidateId, copies: u32) -> bool {
        let entry = &self.candidates[leaf];
        let Some(turn) = entry.turn else { return false };
        let finalist = Entry::finalist(turn, leaf, entry);
        let Some(id) = self.add(finalist) else { return false };
        self.plan_copies(id, now, copies);
        true
    }

    /// For who ends a round, or begins another.
    pub(super) fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    /// The next datagram to send; in the last round out of what the budget keeps for it.
    pub(super) fn poll_transmit(&mut self, now: Instant, last_round: bool) -> Option<Transmit> {
        loop {
            let id = self.schedule.take_due(now)?;
            if let Some(transmit) = self.send(now, id, last_round) {
                return Some(transmit);
            }
        }
    }

    fn send(&mut self, now: Instant, id: CandidateId, last_round: bool) -> Option<Transmit> {
        let way = self.detour.way(id, &mut self.candidates, &mut self.schedule, &self.options);
        let entry = &self.candidates[id];
        let to = way.filter(|_| entry.serves())?;
        let token = self.post.token();
        let query = entry.query(&self.options);
        let payload = entry.encode(token, query);
        if let Err(why) = self.post.pay((id, entry), payload.len(), last_round) {
            self.schedule.expect_only(id, entry, entry.exchange.newest_unanswered());
            self.candidates.note_withheld(id, why);
            return None;
        }
        self.candidates.note_sent(id, now, token, query);
        self.schedule.expect(id, &self.candidates[id], now);
        Some(Transmit { to, payload })
    }

    /// For what is sent and heard beside the race.
    pub(super) fn post(&mut self) -> &mut Post {
        &mut self.post
    }

    /// Pays for a datagram of the last round to whoever is asked about a candidate.
    pub(super) fn pay_beside(&mut self, to: SocketAddr, len: usize) -> bool {
        self.post.pay_beside(to, self.candidates.at(to).map(|id| &self.candidates[id]), len)
    }

    /// Somebody who was asked has answered: what has waited for that goes.
    pub(super) fn note_answer_of(&mut self, now: Instant, from: SocketAddr, proof: Proof) {
        let host = self.candidates.note_answer_of(from, proof);
        for waiting in self.post.answered(host) {
            self.plan(waiting, now);
        }
    }
}
