//! Whom a descent knows. Everybody may look; only this file changes one that was added.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Index;
use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;
use super::entry::Entry;
use super::heard::Heard;
use super::options::{Options, Refusal, Strategy};
use super::rank::{Lots, Score, Spare, as_near_as, least};
use super::report::{Obstacle, Unasked};
use super::role::Role;
use crate::net::engine::Rng;
use crate::net::engine::exchange::{Judged, Proof, Query, Token};
use crate::net::wire::{Kind, Node, ProbeReply, State};
use crate::types::{Policy, unscoped};

/// The longest list that is kept: more than a descent can ask.
const LONGEST_LIST: usize = 512;

/// How often a candidate may ask to come back with a cookie.
pub(super) const MOST_RETRIES: u8 = 2;

/// How often a server is asked for more of a list that it cut short.
const MOST_MORE: u8 = 4;

/// All candidates of a descent.
#[derive(Debug)]
pub(super) struct Candidates {
    /// By what one is drawn of those that are as near as one another; `None`: nobody ever is.
    lots: Option<Lots>,
    policy: Policy,
    entries: Vec<Entry>,
    by_addr: BTreeMap<SocketAddr, CandidateId>,
    by_request: BTreeMap<u32, CandidateId>,
    /// Whether a leaf has told how full its TURN server is.
    loads_are_told: bool,
}

impl Candidates {
    /// Nobody yet.
    pub(super) fn new(options: &Options, rng: &Rng) -> Self {
        Self {
            lots: (options.strategy == Strategy::Best).then(|| Lots::new(rng)),
            policy: options.policy.clone(),
            entries: Vec::new(),
            by_addr: BTreeMap::new(),
            by_request: BTreeMap::new(),
            loads_are_told: false,
        }
    }

    /// By what one is drawn; `None`: the least time wins, since no server tells what is free.
    pub(super) fn lots(&self) -> Option<&Lots> {
        self.lots.as_ref().filter(|_| self.loads_are_told)
    }

    /// Adds a candidate. `None`: its address is known already, and nothing is visited twice.
    pub(super) fn add(&mut self, entry: Entry) -> Option<CandidateId> {
        if self.by_addr.contains_key(&entry.addr) {
            return None;
        }
        let id = CandidateId::new(self.entries.len())?;
        self.by_addr.insert(entry.addr, id);
        self.entries.push(entry);
        Some(id)
    }

    /// The one at an address, listed or sent to. One that was asked there on whichever link is meant too.
    pub(super) fn at(&self, addr: SocketAddr) -> Option<CandidateId> {
        let find = |addr| self.by_addr.get(&addr).copied();
        find(addr).or_else(|| find(unscoped(addr)?))
    }

    /// All of them, in the order in which they were met.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CandidateId, &Entry)> + Clone {
        (0..).map_while(CandidateId::new).zip(&self.entries)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The score of one that has answered.
    pub(super) fn score(&self, id: CandidateId) -> Option<Score> {
        self[id].rtt.map(|rtt| self.score_of(id, rtt))
    }

    /// The score of one to which that is the time.
    pub(super) fn score_of(&self, id: CandidateId, rtt: Duration) -> Score {
        Score { reserve: self.is_reserve(id), misses: self.misses(id), rtt, id }
    }

    /// How much of what is preferred a candidate has not, as far as is known; below a balance server whoever
    /// has the most.
    pub(super) fn misses(&self, id: CandidateId) -> u8 {
        planted!(PreferenceIgnored => 0);
        let entry = &self[self.leaf_of(id)];
        match entry.role {
            Role::Balance => self.policy.misses_below(&entry.labels),
            Role::Leaf | Role::Turn => self.policy.misses(&entry.labels, entry.name.as_ref()),
        }
    }

    /// How much it may turn out not to have: a leaf that has not answered may say more of itself.
    pub(super) fn may_miss(&self, id: CandidateId) -> u8 {
        planted!(PreferenceIgnored => 0);
        let entry = &self[self.leaf_of(id)];
        match entry.role {
            Role::Leaf if entry.rtt.is_none() => {
                self.policy.misses_yet(&entry.labels, entry.name.as_ref())
            }
            _ => self.misses(id),
        }
    }

    /// Who is asked first, and most: whoever is known to be allowed, has the most of what is preferred, and
    /// may be near.
    pub(super) fn promise(&self, id: CandidateId) -> (bool, u8, Option<Duration>, CandidateId) {
        let entry = &self[id];
        (!entry.is_allowed(&self.policy), self.may_miss(id), entry.outlook, id)
    }

    /// Whether a candidate asks not to be chosen, or the leaf that names it.
    pub(super) fn is_reserve(&self, id: CandidateId) -> bool {
        planted!(DrainingChosen => false);
        self[id].state.is_reserve() || self[self.leaf_of(id)].state.is_reserve()
    }

    /// What the TURN server of a candidate has free.
    pub(super) fn spare(&self, id: CandidateId) -> Spare {
        self[self.leaf_of(id)].spare
    }

    /// How far one may be, beside the best, that may be chosen: where nobody is drawn, only a nearer one.
    pub(super) fn reach(&self, best: Duration) -> Duration {
        if self.lots().is_some() { as_near_as(best) } else { best }
    }

    /// The scores of all that fit and have answered.
    pub(super) fn scores(&self, fits: impl Fn(&Entry) -> bool) -> impl Iterator<Item = Score> {
        self.iter().filter(move |(_, entry)| fits(entry)).filter_map(|(id, _)| self.score(id))
    }

    /// Whether a candidate can be chosen. What a leaf names is out of service with the leaf; what a list
    /// names beside a leaf serves while that is silent.
    pub(super) fn can_win(&self, id: CandidateId) -> bool {
        let (entry, leaf) = (&self[id], &self[self.leaf_of(id)]);
        let named = leaf.role == Role::Leaf && leaf.turn == entry.turn && leaf.may_be_there();
        let named = !entry.beside || named;
        named && entry.can_win() && leaf.can_win() && !self.is_in_doubt(id)
    }

    /// Whether the policy may leave it out all the same: its leaf has to be heard first, or names a TURN
    /// server that is ruled out where a list has it.
    fn is_in_doubt(&self, id: CandidateId) -> bool {
        let turn = |leaf| self.turn_beside(leaf).map(|turn| &self[turn]);
        let rules_out = |turn: &Entry| turn.refused == Some(Refusal::Policy);
        let leaf = self.leaf_of(id);
        !self.policy.is_empty() && (self.has_the_word(leaf) || turn(leaf).is_some_and(rules_out))
    }

    /// Whether a leaf has to be heard first.
    fn has_the_word(&self, leaf: CandidateId) -> bool {
        self[leaf].has_the_word(&self.policy)
    }

    /// The leaf that names a TURN server; of all others themselves.
    pub(super) fn leaf_of(&self, id: CandidateId) -> CandidateId {
        self[id].via.filter(|_| self[id].beside).unwrap_or(id)
    }

    /// The TURN server that a leaf names, if it is asked itself.
    pub(super) fn turn_beside(&self, leaf: CandidateId) -> Option<CandidateId> {
        let turn = self.at(self[leaf].turn?)?;
        (self[turn].role == Role::Turn && turn != leaf).then_some(turn)
    }

    /// The scores of all that can be chosen.
    pub(super) fn winners(&self) -> impl Iterator<Item = Score> {
        let ids = self.iter().map(|(id, _)| id);
        ids.filter(|id| self.can_win(*id)).filter_map(|id| self.score(id))
    }

    /// From a candidate up to its root.
    pub(super) fn path(&self, id: CandidateId) -> Vec<CandidateId> {
        std::iter::successors(Some(id), |&at| self[at].via).collect()
    }

    /// Notes a request that was sent.
    pub(super) fn note_sent(&mut self, id: CandidateId, now: Instant, token: Token, query: Query) {
        self.by_request.insert(token.id, id);
        self.entry(id).exchange.sent(now, token, query, ());
    }

    /// Judges where an answer leads, and notes the round-trip time of a right one.
    pub(super) fn hear(&mut self, now: Instant, from: SocketAddr, proof: Proof) -> Heard {
        let (asked, at) = (self.by_request.get(&proof.id()).copied(), self.at(from));
        if let Some(asked) = asked.filter(|asked| Some(*asked) != at) {
            self.entry(asked).note_answered_from(from, proof);
        }
        let Some(id) = at.or(asked.filter(|_| answers_from_anywhere())) else {
            return Heard::Misplaced;
        };
        let entry = self.entry(id);
        let binding = matches!(proof, Proof::Binding(_));
        match entry.exchange.judge(proof) {
            _ if binding != (entry.role == Role::Turn) => Heard::Mismatched,
            Judged::Right { sent, .. } => {
                entry.exchange.accept(proof);
                entry.rtt = Some(least(entry.rtt, now.saturating_duration_since(sent)));
                entry.samples += 1;
                Heard::Right { id, sent }
            }
            Judged::Repeated => {
                entry.exchange.accept(proof); // it may be the first with a nonce
                Heard::Repeated
            }
            Judged::Unasked => Heard::Mismatched,
        }
    }

    /// Notes an answer, be it to who asks beside the race: one with a nonce shows that it is no bare peer's.
    /// Returns where that peer is listed.
    pub(super) fn note_answer_of(&mut self, from: SocketAddr, proof: Proof) -> SocketAddr {
        let Some(id) = self.at(from) else { return from };
        let entry = self.entry(id);
        entry.exchange.accept(proof);
        entry.addr
    }

    /// Takes a cookie to ask again with. Returns whether to.
    pub(super) fn take_cookie(&mut self, id: CandidateId, cookie: Vec<u8>) -> bool {
        let entry = self.entry(id);
        entry.retries = entry.retries.saturating_add(1);
        entry.exchange.set_cookie(cookie);
        entry.retries <= MOST_RETRIES
    }

    /// Takes in what a server says of itself.
    pub(super) fn note_state(&mut self, id: CandidateId, state: State) {
        self.entry(id).state = state;
    }

    /// Takes in what a balance server says of itself and lists. `judge` says of the TURN server that
    /// it names whether it may be asked. Returns what it is from now on.
    pub(super) fn take_reply(
        &mut self,
        id: CandidateId,
        reply: ProbeReply,
        judge: impl FnOnce(SocketAddr) -> Result<(), Refusal>,
    ) -> Role {
        let is_ruled_out = |via: CandidateId| self[via].refused == Some(Refusal::Policy);
        let below_ruled_out = self[id].via.is_some_and(is_ruled_out);
        let (entry, policy) = (&mut self.entries[id.index()], &self.policy);
        entry.state = reply.state;
        entry.name = reply.name.or(entry.name.take());
        entry.labels = reply.labels.below(&entry.labels);
        entry.spare = Spare { load: reply.load, weight: reply.weight };
        let hosts = reply.hosts.into_iter().map(|addr| Node::new(addr, Kind::Balance));
        for node in reply.nodes.into_iter().chain(hosts) {
            if entry.list.len() >= longest_list() {
                break;
            }
            if !entry.list.iter().any(|known| known.addr == node.addr) {
                entry.list.push(node);
            }
        }
        match (entry.list.is_empty(), reply.turn) {
            (true, Some(turn)) => {
                entry.role = Role::Leaf;
                let allowed = entry.is_allowed(policy) && !below_ruled_out;
                let forbidden = (!allowed).then_some(Refusal::Policy);
                entry.refused = judge(turn).err().or(forbidden);
                entry.turn = Some(turn).filter(|_| entry.refused.is_none());
            }
            (true, None) => {
                entry.role = Role::Balance;
                if entry.state == State::Offering {
                    entry.state = State::Nothing;
                }
            }
            (false, _) => entry.role = Role::Balance,
        }
        if entry.role == Role::Balance && entry.is_ruled_out(policy) {
            self.rule_out(id);
        }
        let entry = self.entry(id);
        entry.total = reply.total as usize;
        let role = entry.role;
        self.loads_are_told |= role == Role::Leaf && self[id].spare.load.is_some();
        role
    }

    /// Sends to another address instead of a candidate's. Returns whether it does: not where that is
    /// known already, as a candidate's that was listed so.
    pub(super) fn divert(&mut self, id: CandidateId, way: SocketAddr) -> bool {
        let free = !self.by_addr.contains_key(&way) && self[id].way.is_none();
        if free {
            self.by_addr.insert(way, id);
            self.entry(id).way = Some(way);
        }
        free
    }

    /// Refuses a candidate. One that has answered may be refused for the TURN server that it names.
    pub(super) fn refuse(&mut self, id: CandidateId, refusal: Refusal) {
        self.entry(id).refused = Some(refusal);
        self.forget_turn(id);
    }

    /// Refuses a balance server and all below it, now that it says what it is labelled with.
    fn rule_out(&mut self, id: CandidateId) {
        let below = |at: &CandidateId| self.path(*at).contains(&id);
        for at in Vec::from_iter(self.iter().map(|(at, _)| at).filter(below)) {
            self.refuse(at, Refusal::Policy);
            self.entry(at).list.clear();
        }
    }

    /// Forgets which TURN server a candidate names.
    pub(super) fn forget_turn(&mut self, id: CandidateId) {
        self.entry(id).turn = None;
    }

    /// Notes that these are to serve although they ask not to be chosen.
    pub(super) fn call_up(&mut self, reserve: Vec<CandidateId>) {
        reserve.into_iter().for_each(|id| self.entry(id).called_up = true);
    }

    /// Notes what stands before a candidate.
    pub(super) fn note_obstacle(&mut self, id: CandidateId, obstacle: Obstacle) {
        self.entry(id).obstacle = Some(obstacle);
    }

    /// Notes why a request is withheld.
    pub(super) fn note_withheld(&mut self, id: CandidateId, why: Unasked) {
        self.entry(id).withheld = Some(why);
    }

    /// Notes that the descent goes down into it. Returns whether it had before.
    pub(super) fn note_explored(&mut self, id: CandidateId) -> bool {
        std::mem::replace(&mut self.entry(id).explored, true)
    }

    /// Notes whether only the first copy is to ask for the whole list.
    pub(super) fn pad_first_only(&mut self, id: CandidateId, only: bool) {
        self.entry(id).pad_first = only;
    }

    /// Whether a server that has cut its list short is to be asked for more, now that it has listed
    /// some that it had not before; notes that it is.
    pub(super) fn asks_for_more(&mut self, id: CandidateId, known_before: usize) -> bool {
        let entry = self.entry(id);
        let news = entry.list.len() > known_before;
        let more = entry.total > entry.list.len() && entry.more < MOST_MORE && news;
        entry.more += u8::from(more);
        more
    }

    fn entry(&mut self, id: CandidateId) -> &mut Entry {
        &mut self.entries[id.index()]
    }
}

impl Index<CandidateId> for Candidates {
    type Output = Entry;

    fn index(&self, id: CandidateId) -> &Entry {
        &self.entries[id.index()] // ids are never given out for others
    }
}

/// Whether an answer counts that came from another address than the one asked.
fn answers_from_anywhere() -> bool {
    planted!(ClientSourceIgnored => true);
    false
}

fn longest_list() -> usize {
    planted!(ListWithoutEnd => usize::MAX);
    LONGEST_LIST
}
