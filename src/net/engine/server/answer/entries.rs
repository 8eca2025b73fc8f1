//! The entries of a list one behind the other, for answers that hold a part of it.

use crate::net::wire::{LabelSets, put_rtts};
use crate::types::Family;

/// The nodes of a list, encoded one by one, and what stands beside them.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// What stands beside the nodes.
    base: Box<[u8]>,
    /// The nodes one behind the other, without names: those of IPv4 first, each family shuffled.
    bytes: Box<[u8]>,
    /// Where each of them ends.
    ends: Box<[usize]>,
    /// What half a byte tells of each.
    halves: Halves,
    /// How many are of IPv4.
    v4: usize,
}

/// What half a byte tells of each entry; empty where that is not told.
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// Round-trip times.
    pub(super) rtts: Box<[u8]>,
    /// Which set of labels.
    pub(super) labels: Box<[u8]>,
}

/// A part of a list: a run of each family, the asker's first.
pub(super) struct Sample<'a> {
    entries: &'a Entries,
    runs: [Run; 2],
    len: usize,
}

/// Entries `from` a place on, as many as `count`, which go round within one family.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    first: usize,
    size: usize,
    from: usize,
    count: usize,
}

impl Entries {
    /// Encodes items with `put`. Those of IPv4, which are `v4`, stand first.
    pub(super) fn new<T>(
        base: Box<[u8]>,
        items: &[T],
        put: impl Fn(&mut Vec<u8>, &T),
        halves: Halves,
        v4: usize,
    ) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(items.len()));
        for item in items {
            put(&mut bytes, item);
            ends.push(bytes.len());
        }
        Self { base, bytes: bytes.into(), ends: ends.into(), halves, v4 }
    }

    /// The bytes of all of them, and of what stands beside them.
    pub(super) fn len(&self) -> usize {
        self.base.len() + self.bytes.len()
    }

    /// As much of it as there is room for, but no more than `most`: the asker's family first, and
    /// from another place on with each `cursor`. `None`: not even the base fits, or one node beside
    /// it.
    pub(super) fn sample(
        &self,
        family: Family,
        cursor: usize,
        room: usize,
        most: usize,
    ) -> Option<Sample<'_>> {
        let (first, second) =
            (Run::of(0, self.v4, cursor), Run::of(self.v4, self.ends.len(), cursor));
        let runs = match family {
            Family::V4 => [first, second],
            Family::V6 => [second, first],
        };
        let mut sample = Sample { entries: self, runs, len: self.base.len() };
        for run in 0..2 {
            while sample.runs[run].count < sample.runs[run].size {
                let next = sample.runs[run].at(sample.runs[run].count);
                let halves =
                    sample.halves_len(sample.count() + 1) - sample.halves_len(sample.count());
                let len = sample.len + self.entry(next).len() + halves;
                if len > room || sample.count() >= most {
                    break;
                }
                sample.len = len;
                sample.runs[run].count += 1;
            }
            if sample.runs[run].count < sample.runs[run].size {
                break;
            }
        }
        let some = sample.count() > 0 || self.ends.is_empty();
        (some && sample.len <= room).then_some(sample)
    }

    fn entry(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }
}

impl Sample<'_> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many nodes it has.
    pub(super) fn count(&self) -> usize {
        self.runs[0].count + self.runs[1].count
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Self { entries, .. } = self;
        out.extend_from_slice(&entries.base);
        self.order().for_each(|at| out.extend_from_slice(entries.entry(at)));
        let Halves { rtts, labels } = &entries.halves;
        if !rtts.is_empty() && self.count() > 0 {
            put_rtts(out, self.order().map(|at| rtts[at]));
        }
        if !labels.is_empty() && self.count() > 0 {
            LabelSets::put_of(out, self.order().map(|at| labels[at]));
        }
    }

    fn order(&self) -> impl ExactSizeIterator<Item = usize> {
        let [first, second] = self.runs;
        (0..self.count()).map(move |n| match n.checked_sub(first.count) {
            None => first.at(n),
            Some(n) => second.at(n),
        })
    }

    /// Bytes of the fields with half a byte for each of `n` nodes.
    fn halves_len(&self, n: usize) -> usize {
        let Halves { rtts, labels } = &self.entries.halves;
        let fields = usize::from(!rtts.is_empty()) + usize::from(!labels.is_empty());
        if n == 0 { 0 } else { fields * (2 + n.div_ceil(2)) }
    }
}

impl Run {
    fn of(first: usize, end: usize, cursor: usize) -> Self {
        let size = end - first;
        Self { first, size, from: cursor.checked_rem(size).unwrap_or(0), count: 0 }
    }

    fn at(&self, n: usize) -> usize {
        self.first + (self.from + n) % self.size
    }
}
