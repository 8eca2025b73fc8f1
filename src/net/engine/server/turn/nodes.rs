//! Which TURN servers are nodes, and when something is due of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::asked::AskedTurn;
use super::plan::TurnSpec;
use crate::net::engine::server::deadlines::{DeadlineOrder, spread};

/// They by the address that they are asked at. Nothing changes one but through here, so that its deadline
/// is always in order, and it is counted while it is up.
#[derive(Debug, Default)]
pub(super) struct TurnNodes {
    nodes: BTreeMap<SocketAddr, AskedTurn>,
    deadlines: DeadlineOrder,
    online: usize,
}

impl TurnNodes {
    /// Replaces them; those that stay as they are keep what is known of them. Returns whether any
    /// changes.
    pub(super) fn set(&mut self, now: Instant, nodes: impl IntoIterator<Item = TurnSpec>) -> bool {
        let mut wanted: BTreeMap<_, _> = nodes.into_iter().map(|spec| (spec.addr, spec)).collect();
        let mut changed = false;
        let mut gone = Vec::new();
        for (addr, node) in &mut self.nodes {
            match wanted.get(addr) {
                Some(spec) if node.spec == *spec => {}
                Some(spec) => {
                    let before = node.poll_timeout();
                    if node.configure(now, spec) {
                        self.deadlines.change(*addr, before, node.poll_timeout());
                        changed = true;
                    } else {
                        gone.push(*addr);
                    }
                }
                None => gone.push(*addr),
            }
        }
        for addr in gone {
            changed = true;
            self.remove(addr);
        }
        wanted.retain(|addr, _| !self.nodes.contains_key(addr));
        changed |= !wanted.is_empty();
        let new = wanted.into_iter().enumerate().map(|(index, (addr, spec))| {
            let node = AskedTurn::new(spec, now + spread(index));
            self.deadlines.change(addr, None, node.poll_timeout());
            self.online += usize::from(node.standing().up);
            (addr, node)
        });
        // All at once: one after the other in their order they would take twice the memory.
        self.nodes.append(&mut new.collect());
        changed
    }

    fn remove(&mut self, addr: SocketAddr) {
        if let Some(node) = self.nodes.remove(&addr) {
            self.deadlines.change(addr, node.poll_timeout(), None);
            self.online -= usize::from(node.standing().up);
        }
    }

    /// Changes one, if there is one.
    pub(super) fn change<T>(
        &mut self,
        addr: SocketAddr,
        change: impl FnOnce(&mut AskedTurn) -> T,
    ) -> Option<T> {
        let node = self.nodes.get_mut(&addr)?;
        let before = node.poll_timeout();
        self.online -= usize::from(node.standing().up);
        let result = change(node);
        self.online += usize::from(node.standing().up);
        self.deadlines.change(addr, before, node.poll_timeout());
        Some(result)
    }

    pub(super) fn get(&self, addr: SocketAddr) -> Option<&AskedTurn> {
        self.nodes.get(&addr)
    }

    /// In the order of their addresses.
    pub(super) fn iter(&self) -> impl Iterator<Item = &AskedTurn> {
        self.nodes.values()
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many are up, as far as is known.
    pub(super) fn online(&self) -> usize {
        self.online
    }

    /// Whether some must answer, and none has.
    pub(super) fn await_answers(&self) -> bool {
        self.online == 0 && !self.nodes.is_empty()
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Those of which more than a request is due.
    pub(super) fn late(&self, now: Instant) -> Vec<SocketAddr> {
        let late = |addr: &SocketAddr| self.get(*addr).is_some_and(|node| node.is_late(now));
        self.deadlines.due(now).filter(late).collect()
    }

    /// The first one that has something to send.
    pub(super) fn check_due(&self, now: Instant) -> Option<SocketAddr> {
        let due = |addr: &SocketAddr| self.get(*addr).is_some_and(|node| node.is_due(now));
        self.deadlines.due(now).find(due)
    }
}
