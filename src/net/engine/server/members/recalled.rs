//! Those that have joined, as they outlive a restart of this server: what is written down of them, and who
//! of those may be a node again. That is a knock as a heartbeat is, and not a claim: they are checked before
//! they are listed.

use std::time::Instant;

use super::gate::Gate;
use super::member::Member;
use super::naming::unfit;
use super::node::{JoinedNode, Unrecalled};
use super::roster::Roster;
use crate::net::engine::server::deadlines::spread;
use crate::net::engine::server::trouble::Unfit;

impl Gate {
    /// Whether one that had joined may do so by what is believed now, where so many nodes are configured.
    fn bar(&self, node: JoinedNode, roster: &Roster, configured: usize) -> Result<(), Unrecalled> {
        let JoinedNode { addr, key } = node;
        let join = self.trust().join.as_ref().ok_or(Unrecalled::Closed)?;
        self.trust().keys.get(key).ok_or(Unrecalled::Key(key))?;
        let full = (roster.len() >= self.room(configured)).then_some(Unfit::Room);
        let bar = join.unfit(addr).or_else(|| unfit(self.on_link(), addr, addr, false)).or(full);
        bar.map_or(Ok(()), |why| Err(Unrecalled::Address(why)))
    }

    /// Makes one a node again that had joined before this start. It is checked as a node of the configuration
    /// is at the start.
    ///
    /// # Errors
    /// Why it may not be one.
    pub(super) fn recall(
        &self,
        now: Instant,
        node: JoinedNode,
        roster: &mut Roster,
        configured: usize,
    ) -> Result<(), Unrecalled> {
        if roster.contains(node.addr) {
            return Ok(());
        }
        self.bar(node, roster, configured)?;
        let first = now + spread(roster.len());
        roster.insert(node.addr, Member::recalled(node, now, first));
        Ok(())
    }
}
