//! What nodes are labelled with: each set once, and for each node half a byte that says which.

use std::collections::BTreeMap;

use super::MAX_ANSWER;
use super::nibbles::put_nibbles;
use super::node::{Kind, Node};
use super::proto::put_bytes;
use crate::types::Labels;

/// How many sets half a byte can tell apart, beside none.
pub(super) const MOST: usize = 15;

/// How many bytes of an answer they may take: half of it is left for the nodes.
const MOST_BYTES: usize = MAX_ANSWER / 2;

/// The sets of a list, as many as half a byte can tell apart and an answer has room for: those of TURN
/// servers first, which nobody asks for their own, then those of most nodes.
#[derive(Debug, Clone, Default)]
pub struct LabelSets {
    sets: Vec<Labels>,
    all: bool,
}

impl LabelSets {
    /// Those of these nodes.
    pub fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut counts = BTreeMap::<&Labels, (bool, usize)>::new();
        for node in nodes.into_iter().filter(|node| !node.labels.is_empty()) {
            let (turn, count) = counts.entry(&node.labels).or_default();
            *turn |= node.kind == Kind::Turn;
            *count += 1;
        }
        let mut counts = Vec::from_iter(counts);
        // A stable sort: what is told depends on the list alone.
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut room = MOST_BYTES;
        let fits = |(set, _): &(&Labels, _)| {
            let left = room.checked_sub(put_len(set));
            room = left.unwrap_or(room);
            left.is_some()
        };
        let sets = counts.iter().copied().filter(fits).take(MOST).map(|(set, _)| set.clone());
        let sets = Vec::from_iter(sets);
        Self { all: sets.len() == counts.len(), sets }
    }

    /// Whether that of each node is among them.
    pub fn has_all(&self) -> bool {
        self.all
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Appends, behind them, those of the nodes of a list in its order, each a [`LabelSets::nibble`].
    pub fn put_of(out: &mut Vec<u8>, nibbles: impl ExactSizeIterator<Item = u8>) {
        put_nibbles(out, 14, nibbles);
    }

    /// Appends them.
    pub fn put(&self, out: &mut Vec<u8>) {
        self.sets.iter().for_each(|set| put(out, set));
    }

    /// Whether that of a node is, as far as it has labels.
    pub fn has(&self, labels: &Labels) -> bool {
        labels.is_empty() || self.nibble(labels) > 0
    }

    /// Which of them it is, in half a byte: 0, none of them; else its place, from 1 on.
    pub fn nibble(&self, labels: &Labels) -> u8 {
        self.sets.iter().position(|set| set == labels).map_or(0, |at| at as u8 + 1)
    }
}

fn put(out: &mut Vec<u8>, set: &Labels) {
    put_bytes(out, 13, set.to_string().as_bytes());
}

fn put_len(set: &Labels) -> usize {
    let mut bytes = Vec::new();
    put(&mut bytes, set);
    bytes.len()
}

/// The set that half a byte stands for.
pub(super) fn from_nibble(sets: &[Labels], nibble: u8) -> Labels {
    let at = usize::from(nibble).checked_sub(1);
    at.and_then(|at| sets.get(at)).cloned().unwrap_or_default()
}
