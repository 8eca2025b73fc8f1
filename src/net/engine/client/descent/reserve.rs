//! The reserve: candidates that ask not to be chosen, full or draining, and serve all the same. They
//! are called up where nobody else lives.

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::entry::Entry;
use super::role::Role;

/// So many silences in a row, in each of which all that are silent were asked again, and they are
/// taken for dead.
const SILENCES: u8 = 2;

/// What is left when nobody else is.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    /// How often a level has stayed silent since it was first asked.
    silences: u8,
}

impl Reserve {
    /// Others are asked from now on.
    pub(super) fn others_are_asked(&mut self) {
        self.silences = 0;
    }

    /// Who was asked is silent, and is asked again. Returns whether all have been asked often enough
    /// by now.
    pub(super) fn note_silence(&mut self) -> bool {
        self.silences = self.silences.saturating_add(1);
        self.silences >= SILENCES
    }
}

/// Balance servers of the reserve that list something, and were not called up before: whoever is
/// below them lives, perhaps.
pub(super) fn servers(candidates: &Candidates) -> Vec<CandidateId> {
    waiting(candidates, |entry| entry.role == Role::Balance && !entry.list.is_empty())
}

/// Leaves of the reserve that were not called up before.
pub(super) fn leaves(candidates: &Candidates) -> Vec<CandidateId> {
    waiting(candidates, |entry| entry.role == Role::Leaf && entry.turn.is_some())
}

fn waiting(candidates: &Candidates, fits: impl Fn(&Entry) -> bool) -> Vec<CandidateId> {
    let waits = |entry: &Entry| entry.state.is_reserve() && !entry.called_up && fits(entry);
    candidates.iter().filter(|(_, entry)| waits(entry)).map(|(id, _)| id).collect()
}
