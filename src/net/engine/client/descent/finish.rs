//! The end: what the last round is to ask, and who is chosen.
//!
//! It passes over what does not answer, and adds samples where they count most.

use std::net::SocketAddr;
use std::time::Duration;

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::entry::Entry;
use super::rank::{Score, as_near_as};
use super::role::Role;

/// How many silent leaves are asked again beside them.
const SILENT: usize = 4;

/// How near another must come to the leader to be better perhaps, by how often the less known of the two
/// has answered: a sample more takes half of the noise.
const RIVAL: [Duration; 3] =
    [Duration::from_millis(4), Duration::from_millis(2), Duration::from_millis(1)];

/// Who would be chosen if all that is asked answered: a leaf, for the TURN server that it names, or one that
/// a list names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leader {
    pub(super) score: Score,
    /// Whether it was drawn, of all that are as near.
    drawn: bool,
}

/// Who leads beside the best in hand: that one, unless it is drawn.
pub(super) fn leader(candidates: &Candidates, best: Score) -> Leader {
    let by_time = Score { id: candidates.leaf_of(best.id), ..best };
    let Ranking { order, drawn } = match candidates.lots() {
        Some(_) => promising(candidates),
        None => Ranking::default(),
    };
    match order.first() {
        Some(score) if drawn > 0 => Leader { score: *score, drawn: true },
        _ => Leader { score: by_time, drawn: false },
    }
}

/// Leaves whose TURN servers the last round asks, the best first. None: whatever they say, the choice
/// stands.
pub(super) fn in_doubt(candidates: &Candidates, best: Score) -> Vec<CandidateId> {
    let leader = leader(candidates, best);
    let mut leaves = promising(candidates).order;
    leaves.retain(|leaf| {
        candidates[leaf.id].role == Role::Leaf && is_in_doubt(candidates, *leaf, best, leader)
    });
    let leader = leader.score.id;
    if leaves.iter().all(|leaf| leaf.id == leader) && is_settled(candidates, leader) {
        return Vec::new();
    }
    leaves.into_iter().map(|leaf| leaf.id).collect()
}

/// Whether a leaf may be better than the leader, or leads. Where that was drawn, a sample more decides
/// nothing.
pub(super) fn is_in_doubt(
    candidates: &Candidates,
    leaf: Score,
    best: Score,
    Leader { score: Score { id: leader, .. }, drawn }: Leader,
) -> bool {
    if leaf.id == leader || !is_settled(candidates, leader) {
        return leaf.id == leader || leaf.is_finalist_beside(best);
    }
    if drawn {
        return false;
    }
    let known = samples(candidates, leaf.id).min(samples(candidates, leader)).clamp(1, RIVAL.len());
    leaf.misses == best.misses && leaf.rtt <= best.rtt + RIVAL[known - 1]
}

/// The score of a leaf by its own answers and those of its TURN server, where they go the same way.
pub(super) fn leaf_score(candidates: &Candidates, leaf: CandidateId) -> Option<Score> {
    let same_host = |turn: &CandidateId| candidates[*turn].addr.ip() == candidates[leaf].addr.ip();
    let turn = candidates.turn_beside(leaf).filter(same_host);
    let rtt = [Some(leaf), turn].into_iter().flatten().filter_map(|id| candidates[id].rtt).min()?;
    let entry = &candidates[leaf];
    let can_win = entry.role == Role::Leaf && entry.can_win() && entry.may_be_there();
    can_win.then_some(candidates.score_of(leaf, rtt))
}

/// Of a leaf that leads and its TURN server the one that was asked and has not answered, if one has.
pub(super) fn silent_half(candidates: &Candidates, leader: CandidateId) -> Option<CandidateId> {
    let turn = candidates.turn_beside(leader)?;
    [leader, turn].into_iter().find(|id| candidates[*id].is_awaited())
}

/// How long that is waited for, from its newest copy on: a last round would take longer.
pub(super) fn half_limit(leader: Score) -> Duration {
    leader.rtt * 5 / 4 + Duration::from_millis(4)
}

/// Leaves whose every copy may have been lost, the most promising first: by their outlook, or by
/// their place in the list, whose order is that of addresses. Where the choice stands without them, none,
/// unless one of them must be nearer than the leader, or may be preferred: a burst has taken answers then.
pub(super) fn most_promising_silent(candidates: &Candidates, best: Score) -> Vec<CandidateId> {
    let preferred = |id: CandidateId| candidates.may_miss(id) < best.misses;
    let silent = |(id, entry): &(CandidateId, &Entry)| {
        let turn = candidates.turn_beside(*id).is_none_or(|turn| candidates[turn].rtt.is_none());
        let listed = entry.role == Role::Leaf || entry.role == Role::Turn && preferred(*id);
        listed && !entry.beside && entry.is_awaited() && turn
    };
    let mut silent: Vec<_> = candidates.iter().filter(silent).map(|(id, _)| id).collect();
    let is_better = |id: &CandidateId| {
        let is_nearer = candidates[*id].farthest.is_some_and(|at| at <= best.rtt);
        preferred(*id) || is_nearer && candidates.may_miss(*id) == best.misses
    };
    if is_settled(candidates, leader(candidates, best).score.id) && !silent.iter().any(is_better) {
        return Vec::new();
    }
    let key = |id| (candidates.may_miss(id), candidates[id].outlook, id.abs_diff(best.id));
    silent.sort_by_key(|&id| key(id));
    silent.truncate(SILENT);
    silent
}

/// All leaves that can be chosen, best first, near or not: the best one may name a TURN server that
/// is dead.
pub(super) fn next_best_leaves(candidates: &Candidates) -> Vec<CandidateId> {
    let mut leaves: Vec<_> = leaves(candidates).collect();
    leaves.sort_unstable();
    leaves.into_iter().map(|score| score.id).collect()
}

/// The best TURN server that has answered itself, with its least time.
pub(super) fn fastest_turn(candidates: &Candidates) -> Option<Score> {
    let turns = turns(candidates).map(|(id, _)| id).filter(|id| candidates.can_win(*id));
    let scores = turns.filter_map(|id| Some(candidates.score_of(id, measured(candidates, id)?)));
    scores.min_by_key(|score| (score.misses, score.rtt))
}

/// What can be chosen, in the order to try.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    pub(super) order: Vec<Score>,
    /// How many of the first are as near as one another, and in the order of a draw; 0: the least time
    /// comes first.
    pub(super) drawn: usize,
}

/// What can be chosen: TURN servers that answered themselves, then those whose leaf did, each by time. Of
/// the first of these, those that are as near as the best are drawn, where they tell what is free.
pub(super) fn ranked(candidates: &Candidates) -> Ranking {
    let asked = |turn: SocketAddr| {
        let is = |entry: &Entry| entry.addr == turn && entry.rtt.is_some();
        turns(candidates).any(|(id, entry)| is(entry) && candidates.can_win(id))
    };
    let stands = |entry: &Entry| entry.role == Role::Turn || !entry.turn.is_some_and(asked);
    let score = |id| Some(candidates.score_of(id, measured(candidates, id)?));
    let mut ranked: Vec<_> = candidates
        .iter()
        .filter(|(id, entry)| candidates.can_win(*id) && stands(entry))
        .filter_map(|(id, entry)| Some((entry.role != Role::Turn, score(id)?)))
        .collect();
    ranked.sort_unstable_by_key(|(unasked, score)| (score.reserve, *unasked, *score));
    let kind = |(unasked, score): &(bool, Score)| (score.reserve, *unasked);
    let first = ranked.first().map(kind);
    let alike = ranked.iter().take_while(|one| Some(kind(one)) == first).count();
    let mut order: Vec<_> = ranked.into_iter().map(|(_, score)| score).collect();
    let drawn = draw(candidates, &mut order[..alike]);
    Ranking { order, drawn }
}

/// How many TURN servers could be given, the choice among them: those that were asked themselves have answered.
pub(super) fn in_hand(candidates: &Candidates) -> usize {
    let turns = ranked(candidates).order.into_iter().filter_map(|score| candidates[score.id].turn);
    let mut in_hand: Vec<_> = turns.filter(|turn| !is_silent(candidates, *turn)).collect();
    in_hand.sort_unstable();
    in_hand.dedup();
    in_hand.len()
}

/// Whether a TURN server was asked itself, in vain.
pub(super) fn is_silent(candidates: &Candidates, turn: SocketAddr) -> bool {
    let entry = candidates.at(turn).map(|id| &candidates[id]);
    entry.is_some_and(|e| e.addr == turn && e.role == Role::Turn && e.is_silent())
}

/// The same, as if all that leaves name would answer: leaves stand for their TURN servers.
fn promising(candidates: &Candidates) -> Ranking {
    let listed = turns(candidates).filter(|(id, entry)| !entry.beside && candidates.can_win(*id));
    let listed = listed.filter_map(|(id, _)| candidates.score(id));
    let mut order: Vec<_> = leaves(candidates).chain(listed).collect();
    order.sort_unstable();
    let drawn = draw(candidates, &mut order);
    Ranking { order, drawn }
}

/// Draws among the first of some, by time, and those that are as near. Returns how many these are; 0: there
/// was no draw.
fn draw(candidates: &Candidates, by_time: &mut [Score]) -> usize {
    let (Some(lots), Some(best)) = (candidates.lots(), by_time.first().copied()) else { return 0 };
    let is_alike = |score: &Score| (score.reserve, score.misses) == (best.reserve, best.misses);
    let is_near = |score: &&Score| is_alike(score) && score.rtt <= as_near_as(best.rtt);
    let near = by_time.iter().take_while(is_near).count();
    let of = |score: &Score| {
        let entry = &candidates[score.id];
        (entry.turn.unwrap_or(entry.addr), candidates.spare(score.id))
    };
    if lots.draw(&mut by_time[..near], of) { near } else { 0 }
}

/// The least time measured to a candidate that can be chosen. A TURN server on the host of the leaf
/// that names it is reached by the same path: both times are of that path.
fn measured(candidates: &Candidates, id: CandidateId) -> Option<Duration> {
    let entry = &candidates[id];
    let leaf = &candidates[candidates.leaf_of(id)];
    let least = leaf.rtt.filter(|_| leaf.addr.ip() == entry.addr.ip());
    entry.rtt.map(|rtt| least.map_or(rtt, |least| least.min(rtt)))
}

fn turns(candidates: &Candidates) -> impl Iterator<Item = (CandidateId, &Entry)> {
    candidates.iter().filter(|(_, entry)| entry.role == Role::Turn)
}

/// The scores of all leaves that can be chosen.
fn leaves(candidates: &Candidates) -> impl Iterator<Item = Score> {
    candidates.iter().filter_map(|(id, _)| leaf_score(candidates, id))
}

/// Whether a leaf and its TURN server have both answered: nothing more is to be shown of it.
fn is_settled(candidates: &Candidates, leaf: CandidateId) -> bool {
    let answered = |id: CandidateId| candidates[id].rtt.is_some();
    let turn = candidates.turn_beside(leaf);
    answered(leaf) && (candidates[leaf].role == Role::Turn || turn.is_some_and(answered))
}

/// How often a leaf and its TURN server have answered.
fn samples(candidates: &Candidates, leaf: CandidateId) -> usize {
    let turn = candidates.turn_beside(leaf).map_or(0, |turn| candidates[turn].samples);
    (candidates[leaf].samples + turn) as usize
}
