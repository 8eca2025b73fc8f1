//! What a server offers: what is online, labelled as it is itself.

use std::collections::BTreeSet;
use std::time::Instant;

use super::ServerEngine;
use super::answer::Offer;
use super::flat::flatten;
use super::load::OwnLoad;
use super::members::Online;
use crate::net::wire::{MAX_DOWN, Node, State};
use crate::types::Labels;

impl ServerEngine {
    /// It is labelled so, and so is whoever is below it.
    pub fn set_labels(&mut self, labels: Labels) {
        if self.labels != labels {
            self.labels = labels;
            self.shown = None;
        }
    }

    /// Lists what is online.
    pub(super) fn list(&mut self, now: Instant) {
        let above = &self.labels;
        let node = |online: Online<'_>| {
            let Online { addr, kind, turn, rtt, load, weight, .. } = online;
            let (name, labels) = (online.name.cloned(), online.labels.below(above));
            Node { turn, name, rtt, load, weight, labels, ..Node::new(addr, kind) }
        };
        let mut nodes = Vec::with_capacity(self.count().online);
        nodes.extend(self.members.online(now).map(node));
        let balance: BTreeSet<_> = match self.turn.count() {
            (0, _) => BTreeSet::new(),
            _ => nodes.iter().map(|node: &Node| node.addr).collect(),
        };
        let turn = self.turn.online(now).filter(|node| !balance.contains(&node.addr));
        nodes.extend(turn.map(|node| Node { labels: node.labels.below(above), ..node }));
        let mut lists: Vec<_> = self.members.online(now).map(|online| online.list).collect();
        lists.resize(nodes.len(), &[]);
        let flat = flatten(nodes.iter().zip(lists)).filter(|flat| *flat != nodes);
        let mut turn: Vec<_> = self.turn.own(now).collect();
        let turn_down = turn.is_empty() && self.turn.has_own();
        let fault = self.turn.own_fault().filter(|_| turn_down);
        if fault.is_some_and(|fault| State::from(fault).is_reserve()) {
            turn.extend(self.turn.own_addrs());
        }
        let down = self.members.down(now).chain(self.turn.down(now)).take(MAX_DOWN).collect();
        let draining = self.draining;
        let all_full = nodes.is_empty() && self.are_all_full(now);
        let named = nodes.is_empty() && !turn.is_empty() && !turn_down;
        let load = if named { self.load } else { OwnLoad::default() };
        let labels = self.labels.clone();
        self.listing.update(Offer {
            nodes,
            flat,
            turn,
            turn_down,
            fault,
            down,
            draining,
            load,
            all_full,
            labels,
        });
        let ends = self.members.online(now).map(|online| online.until);
        self.listing.expires = ends.chain(self.turn.expires(now)).min();
    }
}
