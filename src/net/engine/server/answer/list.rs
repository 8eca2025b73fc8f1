//! A list as it goes on the wire: whole where there is room, else a part of it.

use std::net::SocketAddr;

use rand::seq::SliceRandom;

use super::entries::{Entries, Halves, Sample};
use super::tail::{LONGEST_TAIL, Put, encode, fit_as};
use crate::net::engine::Rng;
use crate::net::wire::{LabelSets, Node, ProbeReply, put_host};
use crate::types::Family;

/// A list, encoded. Nothing of it is encoded again for an answer.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Whole, by the asker's [`Family`], the most detailed first; empty where it is too long.
    wholes: [Vec<Whole>; 2],
    entries: Entries,
}

#[derive(Debug, Clone)]
struct Whole {
    names: bool,
    tail: Box<[u8]>,
}

impl List {
    /// Encodes `nodes` beside `base`, and the TURN server for each family; `sets`: with their labels.
    pub(super) fn new(
        base: &ProbeReply,
        turn: impl Fn(Family) -> Option<SocketAddr>,
        nodes: &[Node],
        sets: Option<&LabelSets>,
        rng: &mut Rng,
    ) -> Self {
        let base = |family| ProbeReply { turn: turn(family), ..base.clone() };
        let (mut v4, mut v6): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.addr.is_ipv4());
        let wholes = [
            wholes(&base(Family::V4), &[&v4[..], &v6].concat(), sets),
            wholes(&base(Family::V6), &[&v6[..], &v4].concat(), sets),
        ];
        v4.shuffle(rng);
        v6.shuffle(rng);
        let all = [&v4[..], &v6].concat();
        let rtts = all.iter().map(|node| node.rtt_nibble()).collect();
        // Where there is a TURN server, there are no nodes that a part could be of.
        let mut base = encode(&base(Family::V4)).into_vec();
        let put = put_by(sets);
        let put = |out: &mut Vec<u8>, node: &&Node| put(node, out, false);
        let labels = some(sets).map(|sets| {
            sets.put(&mut base);
            all.iter().map(|node| sets.nibble(&node.labels)).collect()
        });
        let halves = Halves { rtts, labels: labels.unwrap_or_default() };
        Self { wholes, entries: Entries::new(base.into(), &all, put, halves, v4.len()) }
    }

    /// Encodes hosts as a bare peer reads them, all of one family.
    pub(super) fn bare(base: &ProbeReply, hosts: &[SocketAddr], rng: &mut Rng) -> Self {
        let tail = |hosts| encode(&ProbeReply { hosts, ..base.clone() });
        let mut shuffled = hosts.to_vec();
        shuffled.shuffle(rng);
        let v4 = hosts.iter().filter(|host| host.is_ipv4()).count();
        let put = |out: &mut Vec<u8>, host: &SocketAddr| put_host(out, *host);
        let entries = Entries::new(tail(Vec::new()), &shuffled, put, Halves::default(), v4);
        let fits = entries.len() <= LONGEST_TAIL;
        let whole = fits.then(|| Whole { names: false, tail: tail(hosts.to_vec()) });
        let wholes = Vec::from_iter(whole);
        Self { wholes: [wholes.clone(), wholes], entries }
    }

    /// All of it, if there is room, the nodes of the asker's family first.
    pub(super) fn whole(&self, family: Family, names: bool, room: usize) -> Option<&[u8]> {
        let fits = |whole: &&Whole| whole.names <= names && whole.tail.len() <= room;
        self.wholes[family as usize].iter().find(fits).map(|whole| &*whole.tail)
    }

    /// A part of it: see [`Entries::sample`].
    pub(super) fn sample(
        &self,
        family: Family,
        cursor: usize,
        room: usize,
        most: usize,
    ) -> Option<Sample<'_>> {
        self.entries.sample(family, cursor, room, most)
    }
}

/// Those of a list that has some.
fn some(sets: Option<&LabelSets>) -> Option<&LabelSets> {
    sets.filter(|sets| !sets.is_empty())
}

/// How nodes are encoded beside these.
fn put_by(sets: Option<&LabelSets>) -> Put {
    if some(sets).is_some() { Node::put_short } else { Node::put }
}

/// What a list may tell of its nodes, as far as it fits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Detail {
    names: bool,
    rtts: bool,
    loads: bool,
    /// Weights, and who checks TURN servers.
    rest: bool,
}

impl Detail {
    /// The most first. What decides something goes out last.
    const ALL: [Self; 6] = [
        Self { names: true, rtts: true, loads: true, rest: true },
        Self { names: true, rtts: true, loads: true, rest: false },
        Self { names: false, rtts: true, loads: true, rest: true },
        Self { names: false, rtts: true, loads: true, rest: false },
        Self { names: false, rtts: true, loads: false, rest: false },
        Self { names: false, rtts: false, loads: false, rest: false },
    ];

    /// Without what none of these nodes has.
    fn of(self, nodes: &[&Node]) -> Self {
        let any = |has: fn(&Node) -> bool| nodes.iter().any(|node| has(node));
        Self {
            names: self.names && any(|node| node.name.is_some()),
            rtts: self.rtts && any(|node| node.rtt.is_some()),
            loads: self.loads && any(|node| node.load.is_some()),
            rest: self.rest && any(|node| node.weight > 0 || node.checker.is_some()),
        }
    }

    /// What it tells of a node.
    fn shows(self, node: &Node, sets: Option<&LabelSets>) -> Node {
        Node {
            labels: sets.map(|_| node.labels.clone()).unwrap_or_default(),
            name: node.name.clone().filter(|_| self.names),
            rtt: node.rtt.filter(|_| self.rtts),
            load: node.load.filter(|_| self.loads),
            weight: if self.rest { node.weight } else { 0 },
            checker: node.checker.filter(|_| self.rest),
            ..node.clone()
        }
    }
}

/// The whole list, with more and less detail, as far as each fits an answer.
fn wholes(base: &ProbeReply, nodes: &[&Node], sets: Option<&LabelSets>) -> Vec<Whole> {
    if !fit_as(put_by(sets), nodes.iter().copied(), LONGEST_TAIL) {
        return Vec::new();
    }
    let mut details: Vec<_> = Detail::ALL.iter().map(|detail| detail.of(nodes)).collect();
    details.dedup();
    let tail = |detail: Detail| {
        let nodes = nodes.iter().map(|node| detail.shows(node, sets)).collect();
        Whole { names: detail.names, tail: encode(&ProbeReply { nodes, ..base.clone() }) }
    };
    details.into_iter().map(tail).filter(|whole| whole.tail.len() <= LONGEST_TAIL).collect()
}
