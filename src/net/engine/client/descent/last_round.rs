//! The last round: TURN servers are asked themselves, where that may change the choice.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;
use super::finish;
use super::options::Strategy;
use super::race::Race;
use super::rank::{Score, window};

/// How many TURN servers it asks, and how many copies each is sent: what the budget keeps for it.
pub(super) const FINALISTS: usize = 4;
pub(super) const FINAL_COPIES: u32 = 4;

/// How many copies go to a TURN server that has answered before, where another may be better.
const RIVAL_COPIES: u32 = 2;

/// How many copies go to a silent leaf.
const SILENT_COPIES: u32 = 2;

/// How often finalists are asked before one that stays silent is passed over: bursts of loss (some
/// 80 ms) seldom outlast three round trips.
pub(super) const LAST_ROUNDS: u8 = 3;

/// Whom it has asked.
#[derive(Debug, Default)]
pub(super) struct LastRound {
    /// The leaves whose TURN servers it asks.
    finalists: BTreeSet<CandidateId>,
}

impl LastRound {
    /// Asks the TURN servers of the best leaves, and silent ones again. Returns whether there is anything
    /// to ask; if not, the race is as it was.
    pub(super) fn begin(&mut self, now: Instant, race: &mut Race) -> bool {
        let Some(best) = race.best() else { return false };
        let in_doubt = finish::in_doubt(race.candidates(), best);
        let silent = match race.options().strategy {
            Strategy::First => Vec::new(),
            Strategy::Best => finish::most_promising_silent(race.candidates(), best),
        };
        if in_doubt.is_empty() && silent.is_empty() {
            return false;
        }
        race.schedule_mut().clear();
        for leaf in in_doubt {
            self.ask(now, leaf, race);
        }
        for leaf in silent {
            race.plan_copies(leaf, now, SILENT_COPIES);
        }
        race.schedule().is_measuring()
    }

    /// Asks the TURN server of a leaf that is in doubt, once and as long as there is room; of one that
    /// leads in any case. The leaf itself is asked again if it is silent.
    pub(super) fn ask(&mut self, now: Instant, id: CandidateId, race: &mut Race) {
        let candidates = race.candidates();
        let leaf = candidates.leaf_of(id);
        let score = finish::leaf_score(candidates, leaf);
        let (Some(score), Some(best)) = (score, race.best()) else { return };
        let plain = race.options().strategy == Strategy::First;
        let leader = finish::leader(candidates, best);
        let leads = leaf == leader.score.id;
        let fits = leads || !plain && self.finalists.len() < FINALISTS;
        let asks = fits && race.options().verifies();
        let in_doubt = asks && finish::is_in_doubt(candidates, score, best, leader);
        if !in_doubt || !self.finalists.insert(leaf) {
            return;
        }
        let silent = candidates[leaf].rtt.is_none();
        let known = candidates.turn_beside(leaf).is_some_and(|turn| candidates[turn].rtt.is_some());
        race.ask_turn(now, leaf, if known { RIVAL_COPIES } else { FINAL_COPIES });
        if silent {
            race.plan_copies(leaf, now, SILENT_COPIES);
        }
    }

    /// Asks the next best, near or not, where nobody has answered.
    pub(super) fn ask_next_best(&mut self, now: Instant, race: &mut Race) {
        let mut room = FINALISTS;
        for leaf in finish::next_best_leaves(race.candidates()) {
            let asks = room > 0 && self.finalists.insert(leaf);
            room -= usize::from(asks && race.ask_turn(now, leaf, FINAL_COPIES));
        }
    }

    /// Those that stay silent and would be better than those that have answered: the link may have been
    /// down.
    pub(super) fn silent(&self, race: &Race) -> Vec<CandidateId> {
        let candidates = race.candidates();
        let fastest = finish::fastest_turn(candidates);
        let beats = |leaf: Score, fastest: Score| match leaf.misses.cmp(&fastest.misses) {
            Ordering::Equal => leaf.rtt < candidates.reach(fastest.rtt),
            order => order == Ordering::Less,
        };
        let better = |leaf: &CandidateId| {
            let score = candidates.score(*leaf);
            score.is_some_and(|score| fastest.is_none_or(|fastest| beats(score, fastest)))
        };
        let leaves = self.finalists.iter().filter(|leaf| better(leaf));
        let turns = leaves.filter_map(|leaf| candidates.turn_beside(*leaf));
        turns.filter(|turn| candidates[*turn].is_awaited()).collect()
    }

    /// How old the newest copy to one may get: the time of the best that has answered itself, or of one
    /// that is as near, or what the slowest leaf's time allows its neighbour.
    pub(super) fn limit(&self, best: Score, race: &Race) -> Duration {
        let leaves = self.finalists.iter().filter_map(|leaf| race.candidates()[*leaf].rtt);
        let slowest = || window(leaves.max().unwrap_or(best.rtt));
        let fastest = finish::fastest_turn(race.candidates());
        fastest.map_or_else(slowest, |score| race.candidates().reach(score.rtt))
    }
}
