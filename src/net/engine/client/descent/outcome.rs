//! What a descent says when it is over, made of what it knows.

mod nothing;

use std::net::SocketAddr;
use std::time::Duration;

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::contender::Contender;
use super::detour::Used;
use super::entry::Entry;
use super::failure::Failure;
use super::finish::{Ranking, is_silent, ranked};
use super::left_out::is_left_out;
use super::options::{Options, Refusal, Strategy, Verify};
use super::race::Race;
use super::rank::Score;
use super::report::{CandidateState, Cost, Hop, Parent, RunnerUp, Selection, Transport, Why};
use super::role::Role;
use super::trace::{Candidate, Trace};
use super::unoffered::Unoffered;
use super::urls::Urls;
use crate::net::wire::State;
use crate::types::{Labels, Name, TurnUrl, UnresolvedRoot};

/// How many are told of for whoever goes on measuring them.
const CONTENDERS: usize = 8;

/// A descent at its end.
pub(super) struct Ending<'a> {
    race: &'a Race,
    urls: &'a Urls,
    candidates: &'a Candidates,
    options: &'a Options,
    unoffered: &'a Unoffered,
    cost: Cost,
    unresolved: Vec<UnresolvedRoot>,
    elapsed: Duration,
}

impl<'a> Ending<'a> {
    /// Of a race after so long, with these roots left out.
    pub(super) fn new(
        race: &'a Race,
        urls: &'a Urls,
        unoffered: &'a Unoffered,
        unresolved: Vec<UnresolvedRoot>,
        elapsed: Duration,
    ) -> Self {
        let (candidates, options, cost) = (race.candidates(), race.options(), race.cost());
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let silent = candidates.iter().filter(|(_, entry)| entry.is_unheard_of()).count();
        let candidates_alone = candidates.iter().filter(|(_, entry)| !entry.beside);
        let unasked = candidates_alone.filter_map(|(_, entry)| entry.unasked()).count();
        let unlisted = candidates.iter().map(|(_, entry)| entry.unlisted());
        let cost = Cost {
            candidates: count(candidates.len()),
            silent: count(silent),
            unasked: count(unasked),
            unlisted: unlisted.fold(0, u32::saturating_add),
            ruled_out: count(candidates.iter().filter(|(_, entry)| is_left_out(entry)).count()),
            ..cost
        };
        Self { race, urls, candidates, options, unoffered, cost, unresolved, elapsed }
    }

    /// Everything it has seen.
    pub(super) fn trace(&self, choice: Result<Score, Failure>) -> Trace {
        let chosen = choice.as_ref().ok().map(|choice| choice.id);
        let path = chosen.map(|id| self.candidates.path(id)).unwrap_or_default();
        let shown = |(_, entry): &(CandidateId, &Entry)| !entry.beside || entry.sent() > 0;
        let mut order: Vec<_> = self.candidates.iter().filter(shown).map(|(id, _)| id).collect();
        order.sort_by_key(|id| {
            let entry = &self.candidates[*id];
            let silent = entry.rtt.is_none();
            (entry.level, silent && !path.contains(id), entry.rtt, entry.addr)
        });
        let line = |id: CandidateId| order.iter().position(|at| *at == id);
        let drawn = self.drawn(chosen);
        let mut candidates: Vec<_> = order
            .iter()
            .map(|&id| {
                let via = self.candidates[id].via.and_then(line);
                Candidate { via, ..self.candidate(id, &path, chosen, &drawn) }
            })
            .collect();
        candidates.extend(chosen.and_then(|id| self.unasked_turn(id, line(id))));
        let candidates = self.unoffered.add_rows(candidates, line);
        Trace {
            candidates,
            outcome: self.conclude(choice),
            strategy: self.options.strategy,
            transport: Transport::Udp,
            view: self.options.view,
            elapsed: self.elapsed,
            cost: self.cost,
            unresolved: self.unresolved.clone(),
        }
    }

    /// The result.
    pub(super) fn conclude(&self, choice: Result<Score, Failure>) -> Result<Selection, Failure> {
        let Score { rtt, id, .. } = choice?;
        let path = self.candidates.path(id).into_iter().rev();
        let path = path.filter(|&at| self.candidates[at].role != Role::Turn);
        let Ranking { order, drawn: alike } = ranked(self.candidates);
        let drawn = order[..alike].iter().any(|score| score.id == id).then_some(alike);
        let runners_up = order.into_iter().enumerate().filter(|(_, score)| score.id != id);
        let best = self.candidates.misses(id);
        let runner_up = |(place, score)| self.runner_up(score, best, place < alike);
        let entry = &self.candidates[id];
        let Used { addr: turn, listed } = self.turn_of(id).unwrap_or(used(entry));
        Ok(Selection {
            turn,
            listed,
            name: self.name(id),
            rtt,
            verified: entry.turn.is_some_and(|turn| self.has_answered(turn)),
            drawn: drawn.and_then(|drawn| u32::try_from(drawn).ok()),
            load: self.candidates.spare(id).load,
            labels: self.labels(id),
            transport: Transport::Udp,
            urls: self.urls(id),
            elapsed: self.elapsed,
            strategy: self.options.strategy,
            path: path.map(|at| self.hop(at)).collect(),
            runners_up: runners_up.filter_map(runner_up).collect(),
            cost: self.cost,
            unresolved: self.unresolved.clone(),
        })
    }

    /// The one that was chosen, and the next best that have not been silent and do not ask to be left
    /// alone, each TURN server once.
    pub(super) fn contenders(
        &self,
        choice: Result<Score, Failure>,
    ) -> Result<Vec<Contender>, Failure> {
        let chosen = choice?;
        let others = ranked(self.candidates).order.into_iter().filter(|score| !score.reserve);
        let mut contenders: Vec<Contender> = Vec::new();
        for score in [chosen].into_iter().chain(others.filter(|score| score.id != chosen.id)) {
            let turn = self.candidates[score.id].turn;
            let silent =
                score.id != chosen.id && turn.is_some_and(|turn| is_silent(self.candidates, turn));
            let contender = self.contender(score)?;
            let known = |one: &Contender| one.selection.turn == contender.selection.turn;
            if !silent && !contenders.iter().any(known) {
                contenders.push(contender);
            }
            if contenders.len() == CONTENDERS {
                break;
            }
        }
        Ok(contenders)
    }

    fn contender(&self, score: Score) -> Result<Contender, Failure> {
        let entry = &self.candidates[score.id];
        let above = entry.via.map(|via| &self.candidates[via]);
        let leaf = [Some(entry), above].into_iter().flatten().find(|at| at.role == Role::Leaf);
        Ok(Contender {
            selection: self.conclude(Ok(score))?,
            leaf: leaf.map(|leaf| used(leaf).addr),
            misses: score.misses,
            says: leaf.and_then(|leaf| out_of_service(leaf.state)),
        })
    }

    /// How a TURN server is reached that can be chosen: as it was told, or else over UDP at its address.
    fn urls(&self, id: CandidateId) -> Vec<TurnUrl> {
        let Some(Used { addr, listed }) = self.turn_of(id).filter(|_| self.options.urls) else {
            return Vec::new();
        };
        // Behind a NAT64 an IPv4 address leads nowhere.
        let leads = |url: &&TurnUrl| listed.is_none() || !url.ip().is_some_and(|ip| ip.is_ipv4());
        let told = self.urls.of(id, self.candidates);
        let urls: Vec<_> = told.iter().filter(leads).cloned().collect();
        if urls.len() < told.len().max(1) {
            return [TurnUrl::udp(addr)].into_iter().chain(urls).collect();
        }
        urls
    }

    /// What a candidate is called, or the leaf that names it: that may have said so later.
    fn name(&self, id: CandidateId) -> Option<Name> {
        self.candidates[self.candidates.leaf_of(id)].name.clone()
    }

    /// What a candidate is labelled with, or the leaf that names it.
    fn labels(&self, id: CandidateId) -> Labels {
        self.candidates[self.candidates.leaf_of(id)].labels.clone()
    }

    /// Whether a TURN server has answered itself.
    fn has_answered(&self, turn: SocketAddr) -> bool {
        let turn = self.candidates.at(turn).map(|id| &self.candidates[id]);
        turn.is_some_and(|turn| turn.role == Role::Turn && turn.rtt.is_some())
    }

    /// Whether a leaf's TURN server was asked, has not answered, and would have to.
    fn is_unverified(&self, leaf: &Entry) -> bool {
        let turn = leaf.turn.filter(|_| self.options.verify == Verify::Require);
        let turn = turn.and_then(|turn| self.candidates.at(turn)).map(|id| &self.candidates[id]);
        leaf.role == Role::Leaf && turn.is_some_and(|turn| turn.sent() > 0 && turn.rtt.is_none())
    }

    /// Lets the best be chosen, unless it would have to answer itself and has not.
    pub(super) fn allow(&self, choice: Score) -> Result<Score, Failure> {
        let entry = &self.candidates[choice.id];
        match entry.turn.filter(|turn| self.must_answer() && !self.has_answered(*turn)) {
            Some(_) => Err(Failure::Unverified {
                level: entry.level,
                turn: self.turn_of(choice.id).unwrap_or(used(entry)).addr,
                at: self.parent(choice.id),
                unresolved: self.unresolved.clone(),
            }),
            None => Ok(choice),
        }
    }

    /// Whether what is chosen must have answered itself.
    fn must_answer(&self) -> bool {
        planted!(UnverifiedNamed => false);
        self.options.verify == Verify::Require
    }

    fn parent(&self, id: CandidateId) -> Parent {
        let entry = &self.candidates[id];
        Parent { addr: entry.addr, name: self.name(id) }
    }

    fn hop(&self, id: CandidateId) -> Hop {
        let entry = &self.candidates[id];
        let Used { addr, listed } = used(entry);
        let (name, says) = (entry.name.clone(), out_of_service(entry.state));
        Hop { level: entry.level, addr, listed, name, rtt: entry.rtt, says }
    }

    /// `best`: how much of what is preferred the one that was chosen has not; `alike`: it took part in the
    /// draw.
    fn runner_up(&self, score: Score, best: u8, alike: bool) -> Option<RunnerUp> {
        let Score { rtt, misses, id, .. } = score;
        let entry = &self.candidates[id];
        let turn = entry.turn?;
        let why = match self.options.strategy {
            Strategy::First => Why::Later,
            Strategy::Best if is_silent(self.candidates, turn) => Why::Silent,
            Strategy::Best if misses > best => Why::Unpreferred,
            Strategy::Best if alike => Why::Drawn,
            Strategy::Best => Why::Slower,
        };
        let verified = self.has_answered(turn);
        let Used { addr: turn, listed } = self.turn_of(id)?;
        let (name, urls, load) = (self.name(id), self.urls(id), self.candidates.spare(id).load);
        let labels = self.labels(id);
        Some(RunnerUp { turn, listed, name, rtt, verified, load, labels, urls, why })
    }

    /// A TURN server that was chosen and not asked itself stands below the leaf that names it.
    fn unasked_turn(&self, chosen: CandidateId, via: Option<usize>) -> Option<Candidate> {
        let leaf = &self.candidates[chosen];
        let turn = leaf.turn.filter(|_| leaf.role == Role::Leaf)?;
        let Used { addr, listed } = self.turn_of(chosen)?;
        let asked = self.candidates.at(turn).is_some_and(|at| self.candidates[at].sent() > 0);
        (!asked).then(|| Candidate {
            level: leaf.level + 1,
            addr,
            listed,
            name: None,
            via,
            turn: Some(addr),
            rtt: None,
            total: None,
            load: None,
            labels: leaf.labels.clone(),
            sent: 0,
            state: CandidateState::Selected,
            says: None,
            fault: None,
            answered_from: None,
            unasked: None,
            unlisted: 0,
            allow: None,
        })
    }

    /// Among whom the chosen one was drawn: TURN servers, and leaves that name them.
    fn drawn(&self, chosen: Option<CandidateId>) -> Vec<CandidateId> {
        let Ranking { order, drawn } = ranked(self.candidates);
        let drawn: Vec<_> = order[..drawn].iter().map(|score| score.id).collect();
        if !chosen.is_some_and(|chosen| drawn.contains(&chosen)) {
            return Vec::new();
        }
        let names = |id: &CandidateId| {
            self.candidates.turn_beside(*id).is_some_and(|turn| drawn.contains(&turn))
        };
        let leaves = self.candidates.iter().map(|(id, _)| id).filter(names);
        drawn.iter().copied().chain(leaves).collect()
    }

    fn candidate(
        &self,
        id: CandidateId,
        path: &[CandidateId],
        chosen: Option<CandidateId>,
        drawn: &[CandidateId],
    ) -> Candidate {
        let entry = &self.candidates[id];
        let turn = chosen.and_then(|id| self.candidates[id].turn);
        let chosen = entry.role == Role::Turn && turn == Some(entry.addr);
        let state = match out_of_service(entry.state) {
            _ if chosen => CandidateState::Selected,
            _ if path.contains(&id) => CandidateState::Path,
            Some(state) => state,
            None if entry.refused == Some(Refusal::Policy) => CandidateState::RuledOut,
            None if entry.refused.is_some() => CandidateState::Refused,
            None if self.is_unverified(entry) => CandidateState::Unverified,
            None if entry.explored => CandidateState::Explored,
            None if drawn.contains(&id) => CandidateState::Undrawn,
            None if entry.rtt.is_some() => CandidateState::Lost,
            None if entry.answered_from.is_some() => CandidateState::Misplaced,
            None if entry.obstacle.is_some() => CandidateState::Unreachable,
            None if entry.unasked().is_some() => CandidateState::Unasked,
            None => CandidateState::Silent,
        };
        let refusal = entry.refused.filter(|_| state == CandidateState::Refused);
        let gone_through = entry.role != Role::Balance || entry.explored;
        let Used { addr, listed } = used(entry);
        Candidate {
            level: entry.level,
            addr,
            listed,
            name: entry.name.clone(),
            via: None,
            turn: self.turn_of(id).map(|turn| turn.addr),
            rtt: entry.rtt,
            total: if gone_through { self.total(id) } else { None },
            load: entry.spare.load.filter(|_| entry.role != Role::Balance),
            labels: self.labels(id),
            sent: u32::try_from(entry.sent()).unwrap_or(u32::MAX),
            state,
            says: out_of_service(entry.state).filter(|says| *says != state),
            fault: self.unoffered.fault(id),
            answered_from: entry.answered_from.filter(|_| state == CandidateState::Misplaced),
            unasked: entry.unasked().filter(|_| state == CandidateState::Unasked),
            unlisted: entry.unlisted(),
            allow: refusal.and_then(Refusal::opens),
        }
    }

    fn turn_of(&self, id: CandidateId) -> Option<Used> {
        self.race.turn_of(id)
    }

    fn total(&self, id: CandidateId) -> Option<Duration> {
        self.candidates.path(id).into_iter().map(|at| self.candidates[at].rtt).sum()
    }
}

/// What was sent to for a candidate.
fn used(entry: &Entry) -> Used {
    Used::by(entry.way, entry.addr)
}

/// What a server says of itself, as a trace shows it; `None`: it offers something.
pub(in crate::net::engine::client) fn out_of_service(state: State) -> Option<CandidateState> {
    match state {
        State::Offering => None,
        State::Nothing => Some(CandidateState::Nothing),
        State::TurnDown => Some(CandidateState::TurnDown),
        State::Full => Some(CandidateState::Full),
        State::Draining => Some(CandidateState::Draining),
    }
}
