//! A list as it goes on the wire: whole where there is room, else a part of it.

use std::net::SocketAddr;

use rand::seq::SliceRandom;

use super::entries::{Entries, Sample};
use super::tail::{LONGEST_TAIL, encode, fit};
use crate::net::engine::Rng;
use crate::net::wire::{Node, ProbeReply, put_host};
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
    /// Encodes `nodes` beside `base`, and the TURN server for each family.
    pub(super) fn new(
        base: &ProbeReply,
        turn: impl Fn(Family) -> Option<SocketAddr>,
        nodes: &[Node],
        rng: &mut Rng,
    ) -> Self {
        let base = |family| ProbeReply { turn: turn(family), ..base.clone() };
        let (mut v4, mut v6): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.addr.is_ipv4());
        let wholes = [
            wholes(&base(Family::V4), &[&v4[..], &v6].concat()),
            wholes(&base(Family::V6), &[&v6[..], &v4].concat()),
        ];
        v4.shuffle(rng);
        v6.shuffle(rng);
        let all = [&v4[..], &v6].concat();
        let rtts = all.iter().map(|node| node.rtt_nibble()).collect();
        let put = |out: &mut Vec<u8>, node: &&Node| node.put(out, false);
        // Where there is a TURN server, there are no nodes that a part could be of.
        let base = encode(&base(Family::V4));
        Self { wholes, entries: Entries::new(base, &all, put, rtts, v4.len()) }
    }

    /// Encodes hosts as a bare peer reads them, all of one family.
    pub(super) fn bare(base: &ProbeReply, hosts: &[SocketAddr], rng: &mut Rng) -> Self {
        let tail = |hosts| encode(&ProbeReply { hosts, ..base.clone() });
        let mut shuffled = hosts.to_vec();
        shuffled.shuffle(rng);
        let v4 = hosts.iter().filter(|host| host.is_ipv4()).count();
        let put = |out: &mut Vec<u8>, host: &SocketAddr| put_host(out, *host);
        let entries = Entries::new(tail(Vec::new()), &shuffled, put, Box::default(), v4);
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

/// The whole list with names, times and who checks TURN servers, without names, with times, and plain, as
/// far as each fits an answer.
fn wholes(base: &ProbeReply, nodes: &[&Node]) -> Vec<Whole> {
    if !fit(nodes.iter().copied(), LONGEST_TAIL) {
        return Vec::new();
    }
    let named = nodes.iter().any(|node| node.name.is_some());
    let timed = nodes.iter().any(|node| node.rtt.is_some());
    let checked = nodes.iter().any(|node| node.checker.is_some());
    let details = [
        (true, true, true),
        (true, true, false),
        (false, true, true),
        (false, true, false),
        (false, false, false),
    ];
    // Of what no node has nothing is left out, so that there are no two that are alike.
    let differs = |(names, rtts, checkers): &(bool, bool, bool)| {
        *names <= named && *rtts <= timed && *checkers <= checked
    };
    let details = details.into_iter().filter(differs);
    let tail = |(names, rtts, checkers): (bool, bool, bool)| {
        let shown = |node: &&Node| Node {
            name: node.name.clone().filter(|_| names),
            rtt: node.rtt.filter(|_| rtts),
            checker: node.checker.filter(|_| checkers),
            ..(*node).clone()
        };
        let tail = encode(&ProbeReply { nodes: nodes.iter().map(shown).collect(), ..base.clone() });
        Whole { names, tail }
    };
    details.map(tail).filter(|whole| whole.tail.len() <= LONGEST_TAIL).collect()
}
