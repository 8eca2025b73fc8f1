//! What a descent says when it is over.

use std::time::Duration;

use super::Strategy;
use super::entry::{Entry, Role};
use super::race::{Choice, Descent};
use super::report::{
    Candidate, CandidateState, Cost, Failure, Hop, Parent, RunnerUp, Selection, Trace, Why,
};
use crate::net::wire::State;

impl Descent {
    /// Everything it has seen: none before it is finished.
    pub fn trace(&self) -> Option<Trace> {
        let (elapsed, outcome) = self.outcome()?;
        let path = outcome.as_ref().map(|&(who, _)| self.path(who)).unwrap_or_default();
        let chosen = outcome.as_ref().ok().map(|&(who, _)| who);
        let mut order: Vec<_> = (0..self.entries.len()).collect();
        order.sort_by_key(|&who| {
            let entry = &self.entries[who];
            let silent = entry.rtt.is_none();
            (entry.level, silent && !path.contains(&who), entry.rtt, entry.addr)
        });
        let mut candidates: Vec<_> = order
            .iter()
            .map(|&who| {
                let via = self.entries[who].via;
                Candidate {
                    via: via.and_then(|via| order.iter().position(|&at| at == via)),
                    ..self.candidate(who, &path, chosen)
                }
            })
            .collect();
        // A TURN server that was not asked itself stands below the leaf that names it.
        let named = chosen.and_then(|who| self.named_by_leaf(who));
        let met = |turn| self.entries.iter().any(|entry| entry.addr == turn);
        if let Some((leaf, turn)) = named.filter(|(_, turn)| !met(*turn)) {
            candidates.push(Candidate {
                level: self.entries[leaf].level + 1,
                addr: turn,
                name: None,
                via: order.iter().position(|&at| at == leaf),
                turn: Some(turn),
                rtt: None,
                total: None,
                sent: 0,
                state: CandidateState::Selected,
            });
        }
        let outcome = self.conclude(elapsed, outcome.clone());
        Some(Trace { candidates, outcome, elapsed, cost: self.cost() })
    }

    pub(super) fn conclude(
        &self,
        elapsed: Duration,
        outcome: Result<Choice, Failure>,
    ) -> Result<Selection, Failure> {
        let (who, rtt) = outcome?;
        let path = self.path(who).into_iter().rev();
        let path = path.filter(|&at| self.entries[at].role != Role::Turn);
        let runners_up = self.ranked().into_iter().filter(|(at, _)| *at != who);
        let entry = &self.entries[who];
        Ok(Selection {
            turn: entry.turn.unwrap_or(entry.addr),
            name: entry.name.clone(),
            rtt,
            elapsed,
            strategy: self.options.strategy,
            path: path.map(|at| self.hop(at)).collect(),
            runners_up: runners_up.filter_map(|(at, rtt)| self.runner_up(at, rtt)).collect(),
            cost: self.cost(),
        })
    }

    /// Why it ends with nothing: the deepest level says.
    pub(super) fn failure(&self, waited: Duration) -> Failure {
        let silent = |entry: &&Entry| entry.is_silent();
        let deepest = self.entries.iter().map(|entry| entry.level).max().unwrap_or(0);
        let deepest_silent = self.entries.iter().filter(silent).map(|e| e.level).max();
        let awaited =
            |level| self.entries.iter().any(|entry| entry.level == level && entry.is_awaited());
        let answered = match deepest_silent {
            None => true,
            Some(level) if awaited(level) => level < deepest && self.any_answer(deepest),
            Some(level) => self.any_answer(level),
        };
        if answered && let Some(failure) = self.dead_end() {
            return failure;
        }
        let level = deepest_silent.unwrap_or(deepest);
        let mut here = self.entries.iter().filter(silent).filter(|entry| entry.level == level);
        let via = here.clone().next().and_then(|entry| entry.via);
        let below = via.map(|via| self.parent(via));
        let here: Vec<_> = here.by_ref().filter(|entry| entry.via == via).collect();
        let asked = here.len();
        match here.first().and_then(|entry| Some((entry.addr, entry.obstacle?))) {
            Some((addr, obstacle)) if here.iter().all(|entry| !entry.is_awaited()) => {
                Failure::Unreachable { level, asked, below, addr, obstacle }
            }
            _ => {
                let waited = waited.min(self.options.timeout);
                Failure::NoAnswer { level, asked, below, waited }
            }
        }
    }

    fn any_answer(&self, level: u8) -> bool {
        self.entries.iter().any(|entry| entry.level == level && entry.rtt.is_some())
    }

    fn dead_end(&self) -> Option<Failure> {
        let answered = (0..self.entries.len()).filter(|&who| self.entries[who].rtt.is_some());
        let at = answered.max_by_key(|&who| (self.entries[who].level, std::cmp::Reverse(who)))?;
        let entry = &self.entries[at];
        let refused = entry.said == State::Offering;
        let state = if refused { CandidateState::Refused } else { said(entry.said)? };
        Some(Failure::DeadEnd { level: entry.level, state, at: self.parent(at) })
    }

    fn parent(&self, who: usize) -> Parent {
        let entry = &self.entries[who];
        Parent { addr: entry.addr, name: entry.name.clone() }
    }

    fn cost(&self) -> Cost {
        let silent = |entry: &&Entry| entry.is_silent();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Cost {
            candidates: count(self.entries.len()),
            silent: count(self.entries.iter().filter(silent).count()),
            ..self.cost
        }
    }

    /// From a candidate up to its root.
    fn path(&self, who: usize) -> Vec<usize> {
        std::iter::successors(Some(who), |&at| self.entries[at].via).collect()
    }

    fn hop(&self, who: usize) -> Hop {
        let Entry { level, addr, rtt, ref name, .. } = self.entries[who];
        Hop { level, addr, name: name.clone(), rtt }
    }

    fn runner_up(&self, who: usize, rtt: Duration) -> Option<RunnerUp> {
        let entry = &self.entries[who];
        let turn = entry.turn?;
        let asked = |entry: &Entry| entry.role == Role::Turn && !entry.copies.is_empty();
        let silent = self
            .entries
            .iter()
            .any(|entry| entry.addr == turn && asked(entry) && entry.rtt.is_none());
        let why = match self.options.strategy {
            Strategy::First => Why::Later,
            Strategy::Best if silent => Why::Silent,
            Strategy::Best => Why::Slower,
        };
        Some(RunnerUp { turn, name: entry.name.clone(), rtt, why })
    }

    fn named_by_leaf(&self, who: usize) -> Option<(usize, std::net::SocketAddr)> {
        let entry = &self.entries[who];
        entry.turn.filter(|_| entry.role == Role::Leaf).map(|turn| (who, turn))
    }

    fn candidate(&self, who: usize, path: &[usize], chosen: Option<usize>) -> Candidate {
        let entry = &self.entries[who];
        let turn = chosen.and_then(|who| self.entries[who].turn);
        let chosen = entry.role == Role::Turn && turn == Some(entry.addr);
        let state = match said(entry.said) {
            _ if chosen => CandidateState::Selected,
            _ if path.contains(&who) => CandidateState::Path,
            Some(state) => state,
            None if entry.refused => CandidateState::Refused,
            None if entry.explored => CandidateState::Explored,
            None if entry.rtt.is_some() => CandidateState::Lost,
            None if entry.misplaced => CandidateState::Misplaced,
            None if entry.obstacle.is_some() => CandidateState::Unreachable,
            None if entry.copies.is_empty() => CandidateState::Lost,
            None => CandidateState::Silent,
        };
        let gone_through = entry.role != Role::Balance || entry.explored;
        // In the last row of a path the name would repeat the leaf's.
        let beside = entry.role == Role::Turn && entry.via.is_some_and(|via| self.is_leaf(via));
        Candidate {
            level: entry.level,
            addr: entry.addr,
            name: entry.name.clone().filter(|_| !beside),
            via: None,
            turn: entry.turn,
            rtt: entry.rtt,
            total: if gone_through { self.total(who) } else { None },
            sent: u32::try_from(entry.copies.len()).unwrap_or(u32::MAX),
            state,
        }
    }

    fn is_leaf(&self, who: usize) -> bool {
        self.entries[who].role == Role::Leaf
    }

    fn total(&self, who: usize) -> Option<Duration> {
        self.path(who).into_iter().map(|at| self.entries[at].rtt).sum()
    }
}

/// What a server says of itself, as a trace shows it; none where it offers something.
fn said(state: State) -> Option<CandidateState> {
    match state {
        State::Offering => None,
        State::Nothing => Some(CandidateState::Nothing),
        State::TurnDown => Some(CandidateState::TurnDown),
        State::Full => Some(CandidateState::Full),
        State::Draining => Some(CandidateState::Draining),
    }
}
