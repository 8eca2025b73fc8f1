//! What a server must be told after a restart, and who is told it before: the nodes that have joined.

use std::time::Instant;

use super::ServerEngine;
use super::members::{JoinedNode, Unrecalled};

impl ServerEngine {
    /// This node had joined before this start. It is checked, and listed when it has answered.
    ///
    /// # Errors
    /// Why it may not be a node any more.
    pub fn recall(&mut self, now: Instant, node: JoinedNode) -> Result<(), Unrecalled> {
        self.members.recall(now, node)
    }

    /// The nodes that have joined and have answered since, by their addresses, and a number that is another
    /// whenever these are.
    pub fn joined(&self) -> (u64, impl Iterator<Item = JoinedNode>) {
        self.members.joined()
    }
}
