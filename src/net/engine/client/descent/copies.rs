//! How many copies of a request each candidate of a list is sent: copies go where they decide
//! something.
//!
//! A list tells how far each of its nodes is from the server that it is of, and the client knows
//! how far it is from that server itself. So, by the triangle inequality, it knows how near each
//! node may be before it has asked any. The internet keeps that inequality in most cases, not in
//! all, so even the least promising candidate is asked once. docs/selection.md has the figures.

use std::collections::BTreeSet;
use std::time::Duration;

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::entry::Entry;
use super::options::Strategy;

/// Between two copies of a request. The race ends no earlier than the last copy could be answered,
/// so each millisecond here is one of every descent; no gap that a descent could afford outlasts a
/// burst of loss (some 80 ms), so the copies guard against single losses.
pub(super) const SPACING: Duration = Duration::from_millis(1);

/// A root that answers within that time is in the same data centre, or on this host: there nobody is
/// so far that milliseconds between copies were little beside his time.
const NEAR: Duration = Duration::from_millis(2);

/// Between two copies to a candidate: by the time of the root above it.
pub(super) fn spacing(candidates: &Candidates, id: CandidateId) -> Duration {
    let root = candidates.path(id).last().copied();
    spacing_below(root.and_then(|root| candidates[root].rtt))
}

fn spacing_below(root: Option<Duration>) -> Duration {
    if root.is_some_and(|root| root <= NEAR) { Duration::ZERO } else { SPACING }
}

/// What of a client's time to a server is taken for its own access network's, and no part of the
/// ways between servers (docs/selection.md).
const LAST_MILE: Duration = Duration::from_millis(12);

/// The most copies that a candidate is sent.
pub(super) const MOST_COPIES: usize = 4;

/// How many candidates of a level are sent four copies, four or three, and two at least, by their
/// [`outlook`], those that the caller prefers before all; all others are sent one. The further down, the fewer: there are more levels to pay for, and
/// whoever is asked there was chosen already.
const MEASURED: [[usize; 3]; 3] = [[4, 16, 44], [3, 7, 28], [2, 5, 13]];

/// The most candidates of a list whose every copy asks for the whole of their own lists. Of more,
/// only the first copy does: the others measure, and cost a sixteenth of the bytes.
pub(super) const PAD_ALL: usize = 24;

/// How near a node may be that is `there` from a server which is `here` from the client.
pub(super) fn outlook(here: Duration, there: Duration) -> Duration {
    here.saturating_sub(LAST_MILE).abs_diff(there)
}

/// How many copies of a request each of some candidates that a server lists is sent, of whom all are
/// asked at once.
pub(super) fn deal(
    candidates: &Candidates,
    by: CandidateId,
    asked: &[CandidateId],
    strategy: Strategy,
) -> Vec<usize> {
    let Entry { level, total, ref list, .. } = candidates[by];
    let level = level + 1;
    let here = candidates.iter().filter(|(_, entry)| entry.level == level);
    let known = here.filter(|(_, entry)| entry.outlook.is_some());
    let outlooks: BTreeSet<_> = known.map(|(id, _)| candidates.promise(id)).collect();
    let known = outlooks.len();
    let all = known.saturating_add(total.saturating_sub(list.len()));
    let copies_to = |id: &CandidateId| match (strategy, candidates[*id].outlook) {
        (Strategy::First, _) => 1,
        (Strategy::Best, None) => copies(asked.len()),
        (Strategy::Best, Some(_)) => {
            let rank = outlooks.range(..candidates.promise(*id)).count();
            // Those that were not listed yet stand among the others, as far as anybody knows.
            ranked_copies(level, rank.saturating_mul(all) / known.max(1))
        }
    };
    asked.iter().map(copies_to).collect()
}

/// Copies to the candidate of this rank by [`outlook`] among all of its level: those that may be the
/// nearest are measured well, however many there are.
fn ranked_copies(level: u8, rank: usize) -> usize {
    let below_root = usize::from(level.saturating_sub(1)).min(MEASURED.len() - 1);
    MOST_COPIES - MEASURED[below_root].iter().filter(|bound| rank >= **bound).count()
}

/// Whether one of so many copies to a leaf goes to the leaf itself, and not to the TURN server on its host:
/// every second, and one alone.
pub(super) fn is_to_leaf(copy: usize, copies: usize) -> bool {
    copies == 1 || copy % 2 == 1
}

/// How many copies ask for the rest of a list that was longer than one answer.
pub(super) fn copies_for_more(strategy: Strategy) -> u32 {
    if strategy == Strategy::First { 1 } else { 2 }
}

/// Copies to each of `n` candidates of whom no outlook is known: many average their chances, and
/// must not flood the client's uplink.
fn copies(n: usize) -> usize {
    match n {
        0..=40 => 3,
        41..=64 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_is_asked_and_the_promising_ones_more() {
        for (level, sum) in [(1, 128), (2, 102), (3, 84), (7, 84)] {
            let copies: Vec<_> = (0..200).map(|rank| ranked_copies(level, rank)).collect();
            assert!(copies.is_sorted_by(|a, b| a >= b), "{copies:?}");
            assert!(copies.iter().all(|copies| (1..=MOST_COPIES).contains(copies)), "{copies:?}");
            assert_eq!(copies[..64].iter().sum::<usize>(), sum, "of 64, level {level}");
        }
    }

    #[test]
    fn copies_stand_apart_where_the_root_does() {
        let ms = Duration::from_millis;
        assert_eq!([None, Some(ms(3))].map(spacing_below), [ms(1); 2]);
        assert_eq!([ms(0), ms(2)].map(|root| spacing_below(Some(root))), [ms(0); 2]);
    }
}
