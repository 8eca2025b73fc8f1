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
use super::options::Strategy;

/// Between two copies of a request. The race ends no earlier than the last copy could be answered,
/// so each millisecond here is one of every descent; no gap that a descent could afford outlasts a
/// burst of loss (some 80 ms), so the copies guard against single losses, and 2 ms against those
/// of one full queue.
pub(super) const SPACING: Duration = Duration::from_millis(2);

/// What of a client's time to a server is taken for its own access network's, and no part of the
/// ways between servers. Anything from 0 to 15 ms does nearly as well, for homes as for data
/// centres (docs/selection.md).
const LAST_MILE: Duration = Duration::from_millis(8);

/// The most copies that a candidate is sent.
pub(super) const MOST_COPIES: usize = 4;

/// The most candidates of a list whose every copy asks for the whole of their own lists. Of more,
/// only the first copy does: the others measure, and cost a sixteenth of the bytes.
pub(super) const PAD_ALL: usize = 24;

/// How near a node may be that is `there` from a server which is `here` from the client.
pub(super) fn outlook(here: Duration, there: Duration) -> Duration {
    here.saturating_sub(LAST_MILE).abs_diff(there)
}

/// How many copies of a request each of some candidates of a level is sent, of whom all are asked at
/// once.
pub(super) fn deal(
    candidates: &Candidates,
    level: u8,
    asked: &[CandidateId],
    strategy: Strategy,
) -> Vec<usize> {
    let here = candidates.iter().filter(|(_, entry)| entry.level == level);
    let outlooks: BTreeSet<_> = here.filter_map(|(id, entry)| Some((entry.outlook?, id))).collect();
    let copies_to = |id: &CandidateId| match (strategy, candidates[*id].outlook) {
        (Strategy::First, _) => 1,
        (Strategy::Best, None) => copies(asked.len()),
        (Strategy::Best, Some(outlook)) => {
            ranked_copies(outlooks.range(..(outlook, *id)).count(), outlooks.len())
        }
    };
    asked.iter().map(copies_to).collect()
}

/// Copies to the candidate of this rank by [`outlook`] among all `n` of its level: few candidates
/// can all be measured well; of many, those well that may be the nearest.
fn ranked_copies(rank: usize, n: usize) -> usize {
    let of_64 = rank * 64 / n.clamp(1, 64);
    match (n, of_64) {
        (0..=12, _) => 3,
        (13..=24, 0..=15) => 4,
        (13..=24, 16..=31) => 3,
        (13..=24, _) => 2,
        (25.., 0..=14) => 3,
        (25.., 15..=46) => 2,
        (25.., _) => 1,
    }
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
        for n in 1..200 {
            let copies: Vec<_> = (0..n).map(|rank| ranked_copies(rank, n)).collect();
            assert!(copies.is_sorted_by(|a, b| a >= b), "{n}: {copies:?}");
            assert!(copies.iter().all(|copies| (1..=4).contains(copies)), "{n}: {copies:?}");
            let all: usize = copies.iter().sum();
            assert!(all <= 130.max(n + 64), "{n}: {all}");
        }
    }
}
