//! A list as it goes on the wire: whole where there is room, else a part of it.

use std::net::SocketAddr;

use rand::seq::SliceRandom;

use super::tail::{LONGEST_TAIL, encode, fit};
use crate::net::engine::Rng;
use crate::net::wire::{Node, ProbeReply, put_host, put_rtts};

/// A list, encoded. Nothing of it is encoded again for an answer.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Whole, by the asker's family, the most detailed first; empty where it is too long.
    wholes: [Vec<Whole>; 2],
    /// What stands beside the nodes.
    base: Box<[u8]>,
    /// The nodes one behind the other, without names: those of IPv4 first, each family shuffled.
    entries: Box<[u8]>,
    /// Where each of them ends.
    ends: Box<[usize]>,
    /// The half byte of each one's round-trip time.
    rtts: Box<[u8]>,
    /// How many are of IPv4.
    v4: usize,
}

#[derive(Debug)]
struct Whole {
    names: bool,
    tail: Box<[u8]>,
}

/// A part of a list: a run of each family, the asker's first.
pub(super) struct Sample<'a> {
    list: &'a List,
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

impl List {
    /// Encodes `nodes` beside `base`.
    pub(super) fn new(base: &ProbeReply, nodes: &[Node], rng: &mut Rng) -> Self {
        let (mut v4, mut v6): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.addr.is_ipv4());
        let wholes =
            [wholes(base, &[&v6[..], &v4].concat()), wholes(base, &[&v4[..], &v6].concat())];
        v4.shuffle(rng);
        v6.shuffle(rng);
        let all = [&v4[..], &v6].concat();
        let rtts = all.iter().map(|node| node.rtt_nibble()).collect();
        let put = |out: &mut Vec<u8>, node: &&Node| node.put(out, false);
        Self { wholes, ..Self::cut(encode(base), &all, put, rtts, v4.len()) }
    }

    /// Encodes hosts as a bare peer reads them, all of one family.
    pub(super) fn bare(base: &ProbeReply, hosts: &[SocketAddr], rng: &mut Rng) -> Self {
        let tail = |hosts| encode(&ProbeReply { hosts, ..base.clone() });
        let mut shuffled = hosts.to_vec();
        shuffled.shuffle(rng);
        let v4 = hosts.iter().filter(|host| host.is_ipv4()).count();
        let put = |out: &mut Vec<u8>, host: &SocketAddr| put_host(out, *host);
        let mut list = Self::cut(tail(Vec::new()), &shuffled, put, Box::default(), v4);
        if list.base.len() + list.entries.len() <= LONGEST_TAIL {
            let whole = tail(hosts.to_vec());
            list.wholes = [(); 2].map(|()| vec![Whole { names: false, tail: whole.clone() }]);
        }
        list
    }

    fn cut<T>(
        base: Box<[u8]>,
        items: &[T],
        put: impl Fn(&mut Vec<u8>, &T),
        rtts: Box<[u8]>,
        v4: usize,
    ) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(items.len()));
        for item in items {
            put(&mut bytes, item);
            ends.push(bytes.len());
        }
        let (entries, ends) = (bytes.into(), ends.into());
        Self { wholes: Default::default(), base, entries, ends, rtts, v4 }
    }

    /// All of it, if there is room.
    pub(super) fn whole(&self, v4: bool, names: bool, room: usize) -> Option<&[u8]> {
        let mut wholes = self.wholes[usize::from(v4)].iter();
        wholes
            .find(|whole| whole.names <= names && whole.tail.len() <= room)
            .map(|whole| &*whole.tail)
    }

    /// As much of it as there is room for, but no more than `most`: the asker's family first, and
    /// from another place each `turn`. None if not even the base fits, or one node beside it.
    pub(super) fn sample(
        &self,
        v4: bool,
        turn: usize,
        room: usize,
        most: usize,
    ) -> Option<Sample<'_>> {
        let (first, second) = (Run::of(0, self.v4, turn), Run::of(self.v4, self.ends.len(), turn));
        let runs = if v4 { [first, second] } else { [second, first] };
        let mut sample = Sample { list: self, runs, len: self.base.len() };
        for run in 0..2 {
            while sample.runs[run].count < sample.runs[run].size {
                let next = sample.runs[run].at(sample.runs[run].count);
                let rtt = sample.rtts_len(sample.count() + 1) - sample.rtts_len(sample.count());
                let len = sample.len + self.entry(next).len() + rtt;
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
        &self.entries[start..self.ends[at]]
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
        let Self { list, .. } = self;
        out.extend_from_slice(&list.base);
        self.order().for_each(|at| out.extend_from_slice(list.entry(at)));
        if !list.rtts.is_empty() && self.count() > 0 {
            put_rtts(out, self.order().map(|at| list.rtts[at]));
        }
    }

    fn order(&self) -> impl ExactSizeIterator<Item = usize> {
        let [first, second] = self.runs;
        (0..self.count()).map(move |n| match n.checked_sub(first.count) {
            None => first.at(n),
            Some(n) => second.at(n),
        })
    }

    /// Bytes of the field with the times of `n` nodes.
    fn rtts_len(&self, n: usize) -> usize {
        if self.list.rtts.is_empty() || n == 0 { 0 } else { 2 + n.div_ceil(2) }
    }
}

impl Run {
    fn of(first: usize, end: usize, turn: usize) -> Self {
        let size = end - first;
        Self { first, size, from: turn.checked_rem(size).unwrap_or(0), count: 0 }
    }

    fn at(&self, n: usize) -> usize {
        self.first + (self.from + n) % self.size
    }
}

/// The whole list with names and times, with times, and plain, as far as each fits an answer.
fn wholes(base: &ProbeReply, nodes: &[&Node]) -> Vec<Whole> {
    if !fit(nodes.iter().copied(), LONGEST_TAIL) {
        return Vec::new();
    }
    let named = nodes.iter().any(|node| node.name.is_some());
    let timed = nodes.iter().any(|node| node.rtt.is_some());
    let details = [(true, true), (false, true), (false, false)];
    let details = details.into_iter().filter(|(names, rtts)| *names <= named && *rtts <= timed);
    let tail = |(names, rtts): (bool, bool)| {
        let shown = |node: &&Node| Node {
            name: node.name.clone().filter(|_| names),
            rtt: node.rtt.filter(|_| rtts),
            ..(*node).clone()
        };
        let tail = encode(&ProbeReply { nodes: nodes.iter().map(shown).collect(), ..base.clone() });
        Whole { names, tail }
    };
    details.map(tail).filter(|whole| whole.tail.len() <= LONGEST_TAIL).collect()
}
