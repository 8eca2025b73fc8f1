//! The race: who is asked, what an answer changes, and who leads.

mod asking;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::copies::spacing;
use super::detour::{Detour, Used};
use super::down::Levels;
use super::entry::Entry;
use super::event::DescentEvent;
use super::finish;
use super::heard::Heard;
use super::options::{Options, Refusal, Strategy};
use super::post::Post;
use super::rank::{Score, around, can_win_until};
use super::report::{Cost, Obstacle};
use super::reserve::Reserve;
use super::schedule::{ROOT_PATIENCE, Schedule};
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
    /// When the last right answer came, and the one since which something is in hand.
    heard: Instant,
    in_hand: Option<Instant>,
    events: VecDeque<DescentEvent>,
}

impl Race {
    /// A race that nobody takes part in yet.
    pub(super) fn new(options: Options, now: Instant, rng: Rng) -> Self {
        let mut race = Self {
            candidates: Candidates::new(&options, &rng),
            schedule: Schedule::new(now, ROOT_PATIENCE),
            levels: Levels::default(),
            post: Post::new(&options, rng),
            detour: Detour::default(),
            reserve: Reserve::default(),
            best: None,
            heard: now,
            in_hand: None,
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
                self.heard = now;
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
        if self.is_out_of_service(id) || self.is_ruled_out(id) {
            return;
        }
        let entry = &self.candidates[id];
        if entry.list.len() > known_before && entry.explored && racing {
            self.explore(now, id, known_before);
        }
        if self.best.is_some_and(|best| !self.candidates.can_win(best.id)) {
            self.rank(); // it is not what it was taken for
        }
        self.compare(id);
        if racing {
            self.go_down(now);
        }
    }

    /// Takes in what a leaf says of itself beside its URLs. That it serves was known before.
    pub(super) fn handle_state(&mut self, id: CandidateId, state: State) {
        if is_heeded(state) {
            self.candidates.note_state(id, state);
            self.is_out_of_service(id);
        }
    }

    /// Whether one that has spoken is not to be reckoned with. Nothing more is awaited from it then, and
    /// another leads.
    fn is_out_of_service(&mut self, id: CandidateId) -> bool {
        let out = !self.candidates[id].serves();
        if out {
            self.give_up(id);
            self.rank();
        }
        out
    }

    /// Whether one that has spoken must not be used, nor anybody below it. Nothing more is awaited from them
    /// then, and another leads.
    fn is_ruled_out(&mut self, id: CandidateId) -> bool {
        let out = self.candidates[id].refused == Some(Refusal::Policy);
        if out {
            let below = |at: &CandidateId| self.candidates.path(*at).contains(&id);
            let ids = self.candidates.iter().map(|(at, _)| at).filter(below);
            Vec::from_iter(ids).into_iter().for_each(|at| self.schedule.give_up(at));
            self.rank();
        }
        out
    }

    /// Something stands before a candidate: nothing more is awaited from it.
    pub(super) fn handle_obstacle(&mut self, id: CandidateId, obstacle: Obstacle) {
        self.candidates.note_obstacle(id, obstacle);
        self.give_up(id);
        if self.best.is_some_and(|best| !self.candidates.can_win(best.id)) {
            self.rank();
        }
    }

    /// Nothing more is sent to a candidate, nor to the TURN server that it names.
    fn give_up(&mut self, id: CandidateId) {
        for out in [Some(id), self.candidates.turn_beside(id)].into_iter().flatten() {
            self.schedule.give_up(out);
        }
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
                self.in_hand.get_or_insert(self.heard);
                self.announce();
            }
        } else if !entry.list.is_empty() {
            self.levels.note_rtt(entry.level, score);
        }
    }

    /// Finds the best in hand anew: one that was may have gone out of service.
    fn rank(&mut self) {
        let before = self.best;
        self.best = self.candidates.winners().min();
        self.in_hand = self.best.map(|_| self.in_hand.unwrap_or(self.heard));
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
        let in_hand = self.in_hand.unwrap_or(self.heard);
        self.levels.decided_at(best, in_hand, limit(best), &self.schedule, &self.candidates)
    }

    /// Until when runners-up are awaited. `None`: as many as are wanted are in hand, or nobody is left.
    pub(super) fn runners_up_until(&self) -> Option<Instant> {
        let (wanted, best) = (self.options.runners_up, self.best?);
        if wanted == 0 || finish::in_hand(&self.candidates) > wanted {
            return None;
        }
        let leader = finish::leader(&self.candidates, best).score.id;
        let is_other = |id| self.candidates.leaf_of(id) != leader;
        let (newest, _) = self.schedule.measuring().find(|(_, id)| is_other(*id))?;
        Some(can_win_until(newest, around(best.rtt)))
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

    /// Asks the TURN server of a leaf. Returns whether it does.
    pub(super) fn ask_turn(&mut self, now: Instant, leaf: CandidateId, copies: u32) -> bool {
        let turn = self.turn_beside(leaf).filter(|turn| self.candidates[*turn].obstacle.is_none());
        if let Some(turn) = turn {
            self.plan_copies(turn, now, copies);
        }
        turn.is_some()
    }

    /// The TURN server of a leaf as a candidate.
    fn turn_beside(&mut self, leaf: CandidateId) -> Option<CandidateId> {
        let known = self.candidates.turn_beside(leaf);
        known.or_else(|| {
            let entry = &self.candidates[leaf];
            let beside = Entry::beside(entry.turn?, leaf, entry);
            self.add(beside)
        })
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

/// Whether what a leaf says of itself beside its URLs is anything new.
fn is_heeded(state: State) -> bool {
    planted!(StateBesideUrlsUnheard => false);
    state != State::Offering
}
