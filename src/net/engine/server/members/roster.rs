//! Which nodes there are, and when something is due of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::member::Member;
use super::node::JoinedNode;
use crate::net::engine::server::deadlines::DeadlineOrder;

/// The nodes by the address that they are checked at. Nothing changes one but through here, so
/// that its deadline is always in order, and it is counted among those that offer something.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<SocketAddr, Member>,
    deadlines: DeadlineOrder,
    /// How many have an offer that no timeout has ended yet.
    offering: usize,
    /// Changes whenever [`Roster::joined`] does.
    joined_revision: u64,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// How many have an offer that no timeout has ended yet.
    pub(super) fn offering(&self) -> usize {
        self.offering
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn contains(&self, addr: SocketAddr) -> bool {
        self.members.contains_key(&addr)
    }

    pub(super) fn get(&self, addr: SocketAddr) -> Option<&Member> {
        self.members.get(&addr)
    }

    /// In the order of their addresses.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Member)> {
        self.members.iter().map(|(addr, member)| (*addr, member))
    }

    /// Those that have joined and are to be known after a restart.
    pub(super) fn joined(&self) -> impl Iterator<Item = JoinedNode> {
        self.members.values().filter_map(Member::remembered)
    }

    /// Changes whenever [`Roster::joined`] does.
    pub(super) fn joined_revision(&self) -> u64 {
        self.joined_revision
    }

    pub(super) fn insert(&mut self, addr: SocketAddr, member: Member) {
        self.remove(addr);
        self.deadlines.change(addr, None, Some(member.deadline()));
        self.offering += usize::from(member.has_offer());
        self.joined_revision += u64::from(member.remembered().is_some());
        self.members.insert(addr, member);
    }

    /// Changes a node, if there is one.
    pub(super) fn change<T>(
        &mut self,
        addr: SocketAddr,
        change: impl FnOnce(&mut Member) -> T,
    ) -> Option<T> {
        let member = self.members.get_mut(&addr)?;
        let before = member.deadline();
        let remembered = member.remembered();
        self.offering -= usize::from(member.has_offer());
        let result = change(member);
        self.offering += usize::from(member.has_offer());
        self.joined_revision += u64::from(member.remembered() != remembered);
        self.deadlines.change(addr, Some(before), Some(member.deadline()));
        Some(result)
    }

    pub(super) fn remove(&mut self, addr: SocketAddr) -> Option<Member> {
        let member = self.members.remove(&addr)?;
        self.offering -= usize::from(member.has_offer());
        self.joined_revision += u64::from(member.remembered().is_some());
        self.deadlines.change(addr, Some(member.deadline()), None);
        Some(member)
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// The nodes of which more than a check is due.
    pub(super) fn ending(&self, now: Instant) -> Vec<SocketAddr> {
        let ends = |addr: &SocketAddr| self.get(*addr).is_some_and(|member| member.ends(now));
        self.deadlines.due(now).filter(ends).collect()
    }

    /// The first one whose check is due.
    pub(super) fn check_due(&self, now: Instant) -> Option<SocketAddr> {
        let due = |addr: &SocketAddr| self.get(*addr).is_some_and(|m| m.check_due() <= now);
        self.deadlines.due(now).find(due)
    }
}
