//! The way down: which balance servers of a level are explored, and what may be spent on each level.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::budget::Quota;
use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::entry::Entry;
use super::finish;
use super::options::{Options, Strategy};
use super::rank::{Score, can_win_until, least, limit_beside, window};
use super::schedule::{PATIENCE, Schedule};

/// How many balance servers of one level are explored.
const EXPLORED: usize = 16;

/// How long those that may have more of what is preferred are awaited in all once something is in hand: levels that
/// somebody makes up would else hold a client for as long as it has.
const PREFERRED: Duration = Duration::from_secs(1);

/// The levels that a descent has come to.
#[derive(Debug, Default)]
pub(super) struct Levels(Vec<Level>);

#[derive(Debug, Default)]
struct Level {
    /// The least round-trip time to a balance server here that lists something, of those below which so much
    /// of what is preferred is missed at least.
    fastest: BTreeMap<u8, Duration>,
    explored: usize,
    /// What may still be spent on candidates here.
    quota: Option<Quota>,
}

impl Levels {
    /// Comes to a level, and to those above it.
    pub(super) fn open(&mut self, level: u8) {
        let level = usize::from(level);
        if self.0.len() <= level {
            self.0.resize_with(level + 1, Level::default);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The least round-trip time to a balance server of a level that lists something, and leads to nobody who
    /// misses more of what is preferred.
    fn fastest(&self, level: usize, misses: u8) -> Option<Duration> {
        let as_good = self.0.get(level)?.fastest.range(..=misses);
        as_good.map(|(_, rtt)| *rtt).min()
    }

    /// Notes the round-trip time to a balance server that lists something.
    pub(super) fn note_rtt(&mut self, level: u8, Score { misses, rtt, .. }: Score) {
        if let Some(level) = self.0.get_mut(usize::from(level)) {
            let known = level.fastest.get(&misses).copied();
            level.fastest.insert(misses, least(known, rtt));
        }
    }

    /// Notes that a balance server of the level is explored.
    pub(super) fn note_explored(&mut self, level: u8) {
        if let Some(level) = self.0.get_mut(usize::from(level)) {
            level.explored += 1;
        }
    }

    /// Whether any balance server of a level was explored.
    pub(super) fn is_explored(&self, level: u8) -> bool {
        self.0.get(usize::from(level)).is_some_and(|level| level.explored > 0)
    }

    /// Which balance servers of a level to go down into now, the best first: those that are near enough to
    /// the fastest that is as good, and those below which somebody may have more of what is preferred than the
    /// best in hand, as long as the level below has a quota left; in a plain race the first that answered.
    pub(super) fn to_explore(
        &self,
        level: usize,
        candidates: &Candidates,
        best: Option<Score>,
        strategy: Strategy,
    ) -> Vec<CandidateId> {
        let Some(Level { explored, .. }) = self.0.get(level) else { return Vec::new() };
        let first = strategy == Strategy::First;
        let below = self.0.get(level + 1).and_then(|below| below.quota);
        if !first && below.is_some_and(Quota::is_empty) {
            return Vec::new(); // what is left is for the levels below that
        }
        let most = if first { 1 } else { EXPLORED };
        let is_near = |score: &Score| {
            let fastest = self.fastest(level, score.misses);
            fastest.is_some_and(|fastest| score.is_explored_beside(fastest))
        };
        let may_lead = |score: &Score| best.is_some_and(|best| score.misses < best.misses);
        let near = |score: &Score| first || may_lead(score) || is_near(score);
        let mut next: Vec<_> = ready(candidates, level).filter(near).collect();
        next.sort_unstable();
        let left = most.saturating_sub(*explored);
        next.into_iter().take(left).map(|score| score.id).collect()
    }

    /// The best balance server that was passed over, on the deepest level that has one.
    pub(super) fn passed_over(&self, candidates: &Candidates) -> Option<CandidateId> {
        let deepest_first = (0..self.0.len()).rev();
        let best = deepest_first.filter_map(|level| ready(candidates, level).min()).next();
        best.map(|score| score.id)
    }

    /// The last moment at which something outstanding can win against the best: a leaf or TURN server
    /// whose newest copy is no older than `limit`, a balance server's no older than the window. Of
    /// those whose outlook is beyond the window a leaf has less time, a balance server none. Whoever may have
    /// more of what is preferred has as much time as if nothing were in hand, all of them together until
    /// [`PREFERRED`] after that was so.
    pub(super) fn decided_at(
        &self,
        best: Score,
        in_hand: Instant,
        limit: Duration,
        schedule: &Schedule,
        candidates: &Candidates,
    ) -> Option<Instant> {
        let preferred = |id: CandidateId| candidates.may_miss(id) < best.misses;
        let promises = |id: CandidateId, window| {
            let leaf = &candidates[candidates.leaf_of(id)];
            preferred(id) || leaf.outlook.is_none_or(|outlook| outlook <= window)
        };
        let limit_of =
            |id: CandidateId, limit| limit_beside(best, candidates.may_miss(id), limit, PATIENCE);
        let until = |id: CandidateId, newest, limit| {
            let most = can_win_until(newest, limit_of(id, limit)?);
            let for_all = can_win_until(newest, limit).max(in_hand + PREFERRED);
            Some(if preferred(id) { most.min(for_all) } else { most })
        };
        // The leader's own copies can only make it lead by more.
        let leader = finish::leader(candidates, best).score;
        let others = schedule.measuring().filter(|(_, id)| candidates.leaf_of(*id) != leader.id);
        let half = finish::silent_half(candidates, leader.id).and_then(|id| schedule.newest(id));
        let mut measuring = half.map(|newest| can_win_until(newest, finish::half_limit(leader)));
        for (newest, id) in others {
            let promises = promises(id, window(best.rtt));
            let level = candidates[candidates.leaf_of(id)].level;
            let limit = if promises { limit } else { unpromising_limit(level, limit) };
            let Some(until) = until(id, newest, limit) else { continue };
            measuring = measuring.max(Some(until));
            if promises && (best.misses == 0 || preferred(id)) {
                break; // all others are older
            }
        }
        let pending = schedule.pending().filter_map(|(level, newest, id)| {
            let entry = &candidates[id];
            let fastest = self.fastest(level, candidates.may_miss(id));
            let window = window(fastest.map_or(best.rtt, |fastest| fastest.min(best.rtt)));
            match entry.rtt.filter(|_| entry.explored) {
                Some(rtt) => until(id, newest, rtt * 11 / 10), // the rest of its list
                None => until(id, newest, window).filter(|_| promises(id, window)),
            }
        });
        pending.chain(measuring).max()
    }

    /// What may be spent on candidates of a level, of what is `left`. Nobody knows how many levels
    /// are below balance servers (`deeper`), so each such level has a share of what is left, and the
    /// first the most: who is missed there is missed for good. So have leaves further down: the smaller
    /// the region, the nearer its leaves are to one another, and the less there is to win
    /// (docs/selection.md has the figures).
    pub(super) fn quota(&mut self, level: u8, deeper: bool, left: Quota) -> Quota {
        let share = match (level, deeper) {
            (..=1, true) => left.part(1, 2),
            (_, true) => left.part(1, 3),
            (..=1, false) => return left,
            (2, false) => left.part(5, 6),
            (_, false) => left.part(1, 2),
        };
        let kept = self.0.get(usize::from(level)).and_then(|level| level.quota);
        let quota = kept.filter(|quota| !quota.is_empty()).unwrap_or(share);
        if let Some(level) = self.0.get_mut(usize::from(level)) {
            level.quota = Some(quota);
        }
        quota
    }

    /// Notes what is left of a quota, where there is one.
    pub(super) fn note_left(&mut self, level: u8, left: Quota) {
        if let Some(quota) = self.0.get_mut(usize::from(level)).and_then(|at| at.quota.as_mut()) {
            *quota = left;
        }
    }
}

/// How long a leaf is awaited whose outlook is beyond the window, where others are for so long. Of three levels down
/// and more it is less, as for each of these levels somebody was waited for already (docs/selection.md).
fn unpromising_limit(level: u8, limit: Duration) -> Duration {
    if level <= 2 { limit * 7 / 10 } else { limit / 2 }
}

/// The balance servers of a level that have listed something and were not explored.
fn ready(candidates: &Candidates, level: usize) -> impl Iterator<Item = Score> {
    let fits = move |entry: &Entry| usize::from(entry.level) == level && entry.leads_on();
    candidates.scores(fits)
}

/// The deepest level that a descent goes to: nodes pass through eight hops at most.
pub(super) fn deepest(options: &Options) -> u8 {
    planted!(DepthWithoutEnd => u8::MAX);
    options.limits.depth.min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_further_down_the_shorter_is_a_leaf_of_poor_outlook_awaited() {
        let limits = [1, 2, 3, 8].map(|level| unpromising_limit(level, Duration::from_millis(100)));
        assert_eq!(limits.map(|limit| limit.as_millis()), [70, 70, 50, 50]);
    }
}
