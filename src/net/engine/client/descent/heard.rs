use std::time::Instant;

use super::candidate_id::CandidateId;

/// Where an answer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is the first one to a request that was sent then.
    Right { id: CandidateId, sent: Instant },
    /// It is not the first one.
    Repeated,
    /// It comes from an address that was asked, but not that.
    Mismatched,
    /// It comes from an address that was not asked.
    Misplaced,
}
