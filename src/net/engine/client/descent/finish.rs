//! The last round: whom it asks, and who is chosen.
//!
//! The TURN servers of the best leaves are asked themselves. It passes over what does not answer,
//! and adds samples where they count most.

use std::net::SocketAddr;
use std::time::Duration;

use super::candidate_id::CandidateId;
use super::candidates::{Candidates, Entry};
use super::rank::{Score, window};
use super::role::Role;

/// How many TURN servers the last round asks, and how many copies each is sent: what the budget
/// keeps for it.
pub(super) const FINALISTS: usize = 4;
pub(super) const FINAL_COPIES: u32 = 4;

/// How often finalists are asked before one that stays silent is passed over: bursts of loss (some
/// 80 ms) seldom outlast three round trips.
pub(super) const LAST_ROUNDS: u8 = 3;

/// How many silent leaves are asked again beside them, and how many copies each is sent.
const SILENT: usize = 4;
pub(super) const SILENT_COPIES: u32 = 2;

/// Whether the TURN server of a leaf is asked: the leader's in any case, another's if it is near
/// the best and there is room.
pub(super) fn is_asked(candidates: &Candidates, leaf: Score, best: Score) -> bool {
    let entry = &candidates[leaf.id];
    let finalists = candidates.iter().filter(|(_, entry)| is_finalist(candidates, entry)).count();
    let fits = leaf.id == best.id || finalists < FINALISTS && leaf.is_finalist_beside(best);
    fits && entry.role == Role::Leaf && entry.can_win()
}

/// Leaves whose every copy may have been lost, the most promising first: by their outlook, or by
/// their place in the list, whose order is that of addresses.
pub(super) fn most_promising_silent(candidates: &Candidates, best: Score) -> Vec<CandidateId> {
    let silent = candidates.iter().filter(|(_, e)| e.role == Role::Leaf && e.is_awaited());
    let mut silent: Vec<_> = silent.map(|(id, _)| id).collect();
    silent.sort_by_key(|&id| (candidates[id].outlook, id.abs_diff(best.id)));
    silent.truncate(SILENT);
    silent
}

/// Finalists that stay silent and would be better than those that have answered: the link may have
/// been down.
pub(super) fn silent_finalists(candidates: &Candidates) -> Vec<CandidateId> {
    let fastest = fastest_turn(candidates);
    let better = |entry: &Entry| {
        let leaf = entry.via.and_then(|via| candidates[via].rtt);
        leaf.is_some_and(|leaf| fastest.is_none_or(|fastest| leaf < fastest))
    };
    let silent = turns(candidates).filter(|(_, entry)| entry.is_awaited() && better(entry));
    silent.map(|(id, _)| id).collect()
}

/// All leaves that can be chosen, best first, near or not: the best one may name a TURN server that
/// is dead.
pub(super) fn next_best_leaves(candidates: &Candidates) -> Vec<CandidateId> {
    let leaf = |entry: &Entry| entry.role == Role::Leaf && entry.can_win();
    let mut leaves: Vec<_> = candidates.scores(leaf).collect();
    leaves.sort_unstable();
    leaves.into_iter().map(|score| score.id).collect()
}

/// The least time to a TURN server that has answered itself.
pub(super) fn fastest_turn(candidates: &Candidates) -> Option<Duration> {
    turns(candidates).filter_map(|(id, _)| measured(candidates, id)).min()
}

/// How old a finalist's newest copy may get: the time of the best that has answered itself, or
/// what the slowest leaf's time allows its neighbour.
pub(super) fn limit(candidates: &Candidates, best: Score) -> Duration {
    let leaves = turns(candidates).filter_map(|(_, entry)| candidates[entry.via?].rtt);
    fastest_turn(candidates).unwrap_or_else(|| window(leaves.max().unwrap_or(best.rtt)))
}

/// What can be chosen, best first: TURN servers that answered themselves, then those whose leaf did.
pub(super) fn ranked(candidates: &Candidates) -> Vec<Score> {
    let asked = |turn: SocketAddr| {
        let is = |entry: &Entry| entry.addr == turn && entry.rtt.is_some();
        turns(candidates).any(|(id, entry)| is(entry) && candidates.can_win(id))
    };
    let stands = |entry: &Entry| entry.role == Role::Turn || !entry.turn.is_some_and(asked);
    let score = |id| {
        let (reserve, rtt) = (candidates.is_reserve(id), measured(candidates, id)?);
        Some(Score { reserve, rtt, id })
    };
    let mut ranked: Vec<_> = candidates
        .iter()
        .filter(|(id, entry)| candidates.can_win(*id) && stands(entry))
        .filter_map(|(id, entry)| Some((entry.role != Role::Turn, score(id)?)))
        .collect();
    ranked.sort_unstable_by_key(|(unasked, score)| (score.reserve, *unasked, *score));
    ranked.into_iter().map(|(_, score)| score).collect()
}

/// The least time measured to a candidate that can be chosen. A TURN server on the host of the leaf
/// that names it is reached by the same path: both times are of that path.
fn measured(candidates: &Candidates, id: CandidateId) -> Option<Duration> {
    let entry = &candidates[id];
    let leaf = entry.via.map(|via| &candidates[via]);
    let leaf = leaf.filter(|leaf| leaf.role == Role::Leaf && leaf.addr.ip() == entry.addr.ip());
    entry.rtt.map(|rtt| leaf.and_then(|leaf| leaf.rtt).map_or(rtt, |least| least.min(rtt)))
}

fn turns(candidates: &Candidates) -> impl Iterator<Item = (CandidateId, &Entry)> {
    candidates.iter().filter(|(_, entry)| entry.role == Role::Turn)
}

fn is_finalist(candidates: &Candidates, entry: &Entry) -> bool {
    let named_by_leaf = |via: CandidateId| candidates[via].role == Role::Leaf;
    entry.role == Role::Turn && entry.via.is_some_and(named_by_leaf)
}
