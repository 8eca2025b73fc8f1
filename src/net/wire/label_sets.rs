//! What nodes are labelled with: each set once, and for each node half a byte that says which.

use super::node::Node;
use super::proto::put_bytes;
use crate::types::Labels;

/// How many sets half a byte can tell apart, beside none.
pub(super) const MOST: usize = 15;

/// The sets of a list: those of most nodes, where they are more than half a byte can tell apart.
#[derive(Debug, Clone, Default)]
pub struct LabelSets(Vec<Labels>);

impl LabelSets {
    /// Those of these nodes.
    pub fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut counted: Vec<(usize, &Labels)> = Vec::new();
        for labels in nodes.into_iter().map(|node| &node.labels).filter(|set| !set.is_empty()) {
            match counted.iter_mut().find(|(_, set)| *set == labels) {
                Some((count, _)) => *count += 1,
                None => counted.push((1, labels)),
            }
        }
        // A stable sort: what is told depends on the list alone.
        counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        Self(counted.into_iter().take(MOST).map(|(_, set)| set.clone()).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends them.
    pub fn put(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|set| put_bytes(out, 13, set.to_string().as_bytes()));
    }

    /// Which of them it is, in half a byte: 0, none of them; else its place, from 1 on.
    pub fn nibble(&self, labels: &Labels) -> u8 {
        self.0.iter().position(|set| set == labels).map_or(0, |at| at as u8 + 1)
    }
}

/// The set that half a byte stands for.
pub(super) fn from_nibble(sets: &[Labels], nibble: u8) -> Labels {
    let at = usize::from(nibble).checked_sub(1);
    at.and_then(|at| sets.get(at)).cloned().unwrap_or_default()
}
