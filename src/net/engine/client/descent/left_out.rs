//! Whom the caller's policy leaves out, and by which of its rules.

use std::collections::BTreeMap;
use std::fmt;

use super::candidate_id::CandidateId;
use super::candidates::Candidates;
use super::entry::Entry;
use super::options::Refusal;
use super::role::Role;
use crate::types::{Breach, Policy};

/// Those that one rule of the caller's policy leaves out, in
/// [`Failure::RuledOut`](crate::Failure::RuledOut).
///
/// [How it is matched](crate#when-it-fails).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The rule.
    pub by: Breach,
    /// How many TURN servers.
    pub servers: usize,
    /// How many balance servers, with all below them: nobody has asked who that is.
    pub subtrees: usize,
}

impl LeftOut {
    /// By each rule those that it leaves out: who, and whether that is a balance server with all below it.
    pub(in crate::net::engine::client) fn count(
        left_out: impl IntoIterator<Item = (Breach, bool)>,
    ) -> Vec<Self> {
        let mut counts = BTreeMap::<Breach, (usize, usize)>::new();
        for (by, is_subtree) in left_out {
            let (servers, subtrees) = counts.entry(by).or_default();
            *(if is_subtree { subtrees } else { servers }) += 1;
        }
        let told = |(by, (servers, subtrees))| Self { by, servers, subtrees };
        counts.into_iter().map(told).collect()
    }

    /// What there is to say about all of them.
    pub(in crate::net::engine::client) fn tell(
        all: &[Self],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for (n, one) in all.iter().enumerate() {
            write!(f, "{}{one}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// A sentence about those of one rule.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |n: usize, what: &str| match n {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        };
        write!(f, "{}, which leaves out ", self.by)?;
        match (self.servers, self.subtrees) {
            (0, n) => write!(f, "all below {}", counted(n, "balance server")),
            (n, 0) => f.write_str(&counted(n, "TURN server")),
            (n, m) => {
                let (turns, below) = (counted(n, "TURN server"), counted(m, "balance server"));
                write!(f, "{turns} and all below {below}")
            }
        }
    }
}

/// By each rule those that it leaves out.
pub(super) fn left_out(candidates: &Candidates, policy: &Policy) -> Vec<LeftOut> {
    let is_below = |entry: &Entry| entry.via.is_some_and(|via| is_left_out(&candidates[via]));
    let counts = |(_, entry): &(CandidateId, &Entry)| {
        is_left_out(entry) && (entry.role != Role::Balance || !is_below(entry))
    };
    let all = candidates.iter().filter(counts);
    LeftOut::count(all.filter_map(|(id, entry)| {
        Some((breach(candidates, id, policy)?, entry.role == Role::Balance))
    }))
}

/// Whether it is one of them, and no TURN server of another.
pub(super) fn is_left_out(entry: &Entry) -> bool {
    entry.refused == Some(Refusal::Policy) && !entry.beside
}

/// Why it is one: by what is known of itself, or of whoever is above it.
fn breach(candidates: &Candidates, id: CandidateId, policy: &Policy) -> Option<Breach> {
    candidates.path(id).into_iter().find_map(|at| {
        let Entry { labels, name, role, .. } = &candidates[at];
        match role {
            Role::Leaf | Role::Turn => policy.breach(labels, name.as_ref()),
            Role::Balance => policy.breach_below(labels, name.as_ref()),
        }
    })
}
