use std::net::SocketAddr;

use super::report::{CandidateState, Selection};

/// A TURN server that a descent could choose, for whoever goes on measuring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// As if it had been chosen.
    pub selection: Selection,
    /// Where the leaf is asked that names it; `None`: a list does.
    pub leaf: Option<SocketAddr>,
    /// How much of what the caller prefers it has not.
    pub misses: u8,
    /// What that leaf says of itself; `None`: it offers it.
    pub says: Option<CandidateState>,
}

impl Contender {
    /// Its address as it is listed.
    pub fn listed(&self) -> SocketAddr {
        self.selection.listed.unwrap_or(self.selection.turn)
    }
}
