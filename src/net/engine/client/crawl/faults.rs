//! What is wrong with who lists whom: loops, servers that are listed twice or list themselves, and those that
//! do not answer.

use std::collections::BTreeMap;

use super::found::{TreeFault, TreeNode, TreeState};
use crate::net::engine::client::descent::Obstacle;

/// Who lists whom.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Whom each lists, in order.
    below: BTreeMap<usize, Vec<usize>>,
    /// Who was the first to list each.
    above: BTreeMap<usize, usize>,
    /// The version of what each offers. It starts at random, so that who has the same is the same.
    versions: BTreeMap<usize, u64>,
}

/// How far a search is with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Never,
    /// On the way to the node that is looked at, at this place.
    OnTheWay(usize),
    Done,
}

impl Links {
    pub(super) fn add(&mut self, from: usize, to: usize) {
        self.above.entry(to).or_insert(from);
        let below = self.below.entry(from).or_default();
        if !below.contains(&to) {
            below.push(to);
        }
    }

    pub(super) fn set_version(&mut self, at: usize, version: u64) {
        if version != 0 {
            self.versions.insert(at, version);
        }
    }

    /// Notes it at the nodes; `missed`: which have not answered, and what stood in the way.
    pub(super) fn judge(&self, nodes: &mut [TreeNode], missed: &BTreeMap<usize, Option<Obstacle>>) {
        for (&at, obstacle) in missed {
            self.judge_missed(at, &mut nodes[at], *obstacle);
        }
        self.find_same(nodes);
        self.find_loops(nodes);
        nodes.iter_mut().for_each(leave_out_what_it_says);
    }

    /// One that nobody offers is what its superior says: that it does not answer is a fault where the superior
    /// says another thing.
    fn judge_missed(&self, at: usize, node: &mut TreeNode, obstacle: Option<Obstacle>) {
        let by = self.above.get(&at).copied();
        let is_told = by.is_none() && node.state != TreeState::Unasked;
        if is_told && !matches!(node.state, TreeState::Nothing | TreeState::TurnDown) {
            return;
        }
        if !is_told {
            node.state = obstacle.map_or(TreeState::Silent, |_| TreeState::Unreachable);
        }
        node.faults.push(match obstacle {
            Some(obstacle) => TreeFault::Unreachable(by, obstacle),
            None => TreeFault::Silent(by),
        });
    }

    fn find_same(&self, nodes: &mut [TreeNode]) {
        for (&by, below) in &self.below {
            let mut known = BTreeMap::new();
            for &at in below {
                let Some(version) = self.versions.get(&at) else { continue };
                if self.versions.get(&by) == Some(version) {
                    let addr = nodes[at].addr;
                    nodes[by].faults.push(TreeFault::Itself(addr));
                }
                // One of each family is one for each kind of client.
                let family = nodes[at].addr.is_ipv4();
                if let Some(first) = known.insert((family, version), at) {
                    let addr = nodes[first].addr;
                    nodes[at].faults.push(TreeFault::Also(by, addr));
                }
            }
        }
    }

    /// Goes down each way once; who lists one that is on the way to itself closes a loop.
    fn find_loops(&self, nodes: &mut [TreeNode]) {
        let mut visits = vec![Visit::Never; nodes.len()];
        for start in 0..nodes.len() {
            if visits[start] != Visit::Never {
                continue;
            }
            visits[start] = Visit::OnTheWay(0);
            let mut way = vec![(start, 0)];
            while let Some((at, next)) = way.last_mut() {
                let (at, below) = (*at, self.below.get(&*at).map_or(&[][..], Vec::as_slice));
                let Some(&to) = below.get(*next) else {
                    visits[at] = Visit::Done;
                    way.pop();
                    continue;
                };
                *next += 1;
                match visits[to] {
                    Visit::Never => {
                        visits[to] = Visit::OnTheWay(way.len());
                        way.push((to, 0));
                    }
                    Visit::OnTheWay(place) => {
                        let around = way[place..].iter().map(|(at, _)| *at).chain([to]);
                        nodes[at].faults.push(TreeFault::Loop(around.collect()));
                    }
                    Visit::Done => {}
                }
            }
        }
    }
}

/// What a node says of itself no other one need say.
fn leave_out_what_it_says(node: &mut TreeNode) {
    let says = node.faults.iter().find_map(|fault| match fault {
        TreeFault::Says(state, fault) => Some((*state, *fault)),
        _ => None,
    });
    let is_said = |fault: &TreeFault| match (fault, says) {
        (TreeFault::Unoffered(_, told, why), Some((state, fault))) => {
            *told == state && (why.is_none() || *why == fault)
        }
        _ => false,
    };
    node.faults.retain(|fault| !is_said(fault));
}
