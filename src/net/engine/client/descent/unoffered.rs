//! What servers say of nodes that they do not offer, and of themselves where nobody is to come: for a
//! trace, which shows it. Nobody is asked because of it.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::report::CandidateState;
use super::trace::Candidate;
use crate::net::wire::{Down, Kind, ProbeReply, State};
use crate::types::{Labels, TurnFault};

/// All that was said of that.
#[derive(Debug, Default)]
pub(super) struct Unoffered {
    by: BTreeMap<CandidateId, Reason>,
}

/// What one server said last.
#[derive(Debug, Default)]
struct Reason {
    fault: Option<TurnFault>,
    down: Vec<Down>,
}

impl Unoffered {
    /// Takes in what a server's answer has of it.
    pub(super) fn note(&mut self, id: CandidateId, reply: &mut ProbeReply) {
        let said = Reason { fault: reply.fault, down: std::mem::take(&mut reply.down) };
        if said.fault.is_some() || !said.down.is_empty() || self.by.contains_key(&id) {
            self.by.insert(id, said);
        }
    }

    /// Why a server says of itself what it says.
    pub(super) fn fault(&self, id: CandidateId) -> Option<TurnFault> {
        self.by.get(&id)?.fault
    }

    /// What all the nodes of a server are that it does not offer; `None`: they differ, or there are none.
    pub(super) fn of_nodes(&self, id: CandidateId) -> Option<CandidateState> {
        let mut states = self.by.get(&id)?.down.iter().map(state);
        let first = states.next()?;
        states.all(|state| state == first).then_some(first)
    }

    /// How many nodes are said not to be offered that are no candidates of another's list.
    pub(super) fn count(&self, candidates: &Candidates) -> usize {
        let told = self.by.values().flat_map(|said| &said.down).map(|down| down.addr);
        let unoffered: BTreeSet<_> = told.filter(|addr| candidates.at(*addr).is_none()).collect();
        unoffered.len()
    }

    /// Puts a row for each such node behind the others of its level. `line`: where that of the server is
    /// that told of it.
    pub(super) fn add_rows(
        &self,
        rows: Vec<Candidate>,
        line: impl Fn(CandidateId) -> Option<usize>,
    ) -> Vec<Candidate> {
        let mut rows = rows;
        let mut known: BTreeSet<_> =
            rows.iter().map(|row| row.listed.unwrap_or(row.addr)).collect();
        for (id, said) in &self.by {
            let Some(via) = line(*id) else { continue };
            let level = rows[via].level + 1;
            let new = said.down.iter().filter(|down| known.insert(down.addr));
            rows.extend(new.map(|down| row(level, via, down)).collect::<Vec<_>>());
        }
        let mut order: Vec<_> = (0..rows.len()).collect();
        order.sort_by_key(|at| rows[*at].level);
        let mut place = vec![0; rows.len()];
        order.iter().enumerate().for_each(|(to, at)| place[*at] = to);
        let moved =
            |at: usize| Candidate { via: rows[at].via.map(|via| place[via]), ..rows[at].clone() };
        order.into_iter().map(moved).collect()
    }
}

fn row(level: u8, via: usize, down: &Down) -> Candidate {
    let turn = (down.kind == Kind::Turn).then_some(down.addr);
    Candidate {
        level,
        addr: down.addr,
        listed: None,
        name: down.name.clone(),
        via: Some(via),
        turn,
        rtt: None,
        total: None,
        load: None,
        labels: Labels::default(),
        sent: 0,
        state: state(down),
        says: None,
        fault: down.fault,
        answered_from: None,
        unasked: None,
        unlisted: 0,
        allow: None,
    }
}

fn state(down: &Down) -> CandidateState {
    let silent = down.kind != Kind::Turn && down.fault == Some(TurnFault::Silent);
    match down.state {
        State::TurnDown => CandidateState::TurnDown,
        State::Full => CandidateState::Full,
        State::Draining => CandidateState::Draining,
        State::Nothing | State::Offering if silent => CandidateState::Silent,
        State::Nothing | State::Offering => CandidateState::Nothing,
    }
}
