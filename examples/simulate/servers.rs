//! What the servers of a tree answer, honest or not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::engine::server::flat::flatten;
use turn_balance::internals::wire::Node;

use super::args::{Args, Switch};
use super::globe::mix;
use super::internet::Internet;
use super::tree::Tree;
use turn_balance_sim::{Host, ms, node};

/// How it is with a server, and the TURN server beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Well,
    Slow,
    Dead,
    Lying,
}

/// Which of a tree's servers are not well. A host is the same in every tree over it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    seed: u64,
    dead: f64,
    slow: f64,
    lying: f64,
}

impl Health {
    pub(crate) fn new(args: &Args, seed: u64) -> Self {
        Self { seed, dead: args.dead, slow: args.slow, lying: args.lying }
    }

    /// Only leaves die and are slow; roots do not lie.
    pub(crate) fn of(&self, tree: &Tree, server: usize) -> Condition {
        let leaf = tree.is_leaf(server);
        if self.dead + self.slow + self.lying == 0.0 || server < tree.roots {
            return Condition::Well;
        }
        let key = (tree.servers[server].host as u64) << 1 | u64::from(leaf);
        let lot = Rng::seed_from_u64(mix(self.seed) ^ key).random::<f64>();
        match lot {
            _ if lot < self.lying => Condition::Lying,
            _ if !leaf => Condition::Well,
            _ if lot < self.lying + self.dead => Condition::Dead,
            _ if lot < self.lying + self.dead + self.slow => Condition::Slow,
            _ => Condition::Well,
        }
    }
}

/// Makes what servers offer.
pub(crate) struct Servers<'a> {
    internet: &'a Internet,
    snapshot: usize,
    tree: &'a Tree,
    health: Health,
    flat: bool,
    lists: BTreeMap<usize, Vec<Node>>,
}

/// The nodes of an answer take at most so many bytes.
const LONGEST: usize = 1232;

impl<'a> Servers<'a> {
    pub(crate) fn new(
        internet: &'a Internet,
        snapshot: usize,
        tree: &'a Tree,
        health: Health,
        args: &Args,
    ) -> Self {
        Self {
            internet,
            snapshot,
            tree,
            health,
            flat: args.flatten == Switch::On,
            lists: BTreeMap::new(),
        }
    }

    /// Who is at an address.
    pub(crate) fn host(&mut self, addr: SocketAddr, rng: &mut Rng) -> Option<Host> {
        let server = self.tree.at(addr)?;
        let there = self.health.of(self.tree, server) != Condition::Dead;
        match addr {
            _ if addr == self.tree.addr(server) && there => Some(self.fixed(server, rng)),
            _ if addr == self.tree.turn(server) && there => {
                self.tree.is_leaf(server).then_some(Host::Turn)
            }
            _ => None,
        }
    }

    fn fixed(&mut self, server: usize, rng: &mut Rng) -> Host {
        let leaf = self.tree.is_leaf(server);
        let nodes = self.nodes(server);
        let flat = Some(self.list(server)).filter(|flat| *flat != nodes);
        let turn = self.node(server).turn.filter(|_| leaf).into_iter().collect();
        let listing = Listing { version: 1, nodes: nodes.into(), flat, turn, ..Listing::default() };
        Host::Fixed(Arc::new(Snapshot::new(&listing, rng)))
    }

    /// A server as the one above it lists it. A leaf that lies names a stranger.
    fn node(&self, server: usize) -> Node {
        let turn = match self.health.of(self.tree, server) {
            Condition::Lying => SocketAddr::new(stranger(server as u64).ip(), 3478),
            _ => self.tree.turn(server),
        };
        node(self.tree.addr(server), Some(turn).filter(|_| self.tree.is_leaf(server)))
    }

    /// What it lists as its subordinates: of one that lies, every other is a stranger, and the
    /// first on this host.
    fn nodes(&self, server: usize) -> Vec<Node> {
        let children = self.tree.servers[server].children.iter();
        let here = self.tree.servers[server].host;
        let rtt =
            |child: usize| self.internet.rtt(self.snapshot, here, self.tree.servers[child].host);
        let child = |&child: &usize| Node { rtt: Some(ms(rtt(child))), ..self.node(child) };
        let mut nodes: Vec<_> = children.map(child).collect();
        if self.health.of(self.tree, server) == Condition::Lying {
            for (place, lie) in nodes.iter_mut().enumerate().step_by(2) {
                let addr = match place {
                    0 => SocketAddr::from(([127, 0, 0, 1], 3001)),
                    _ => stranger((server * 64 + place) as u64),
                };
                *lie = node(addr, lie.turn.map(|_| SocketAddr::new(addr.ip(), 3478)));
            }
        }
        nodes
    }

    /// The list that it answers with, flattened where that is on.
    fn list(&mut self, server: usize) -> Vec<Node> {
        if let Some(list) = self.lists.get(&server) {
            return list.clone();
        }
        let nodes = self.nodes(server);
        let list = match self.health.of(self.tree, server) {
            Condition::Lying => nodes,
            _ if !self.flat => nodes,
            _ => {
                let children = self.tree.servers[server].children.clone();
                let lists: Vec<_> = match self.may_fit(&children) {
                    true => children.iter().map(|&child| self.list(child)).collect(),
                    false => vec![Vec::new(); children.len()],
                };
                let flat = flatten(nodes.iter().zip(lists.iter().map(Vec::as_slice)));
                flat.unwrap_or(nodes)
            }
        };
        self.lists.insert(server, list.clone());
        list
    }

    /// Whether these could be replaced by what they list. Where they cannot, nobody needs to know
    /// what stands below: a tree of a million leaves is not looked through.
    fn may_fit(&self, children: &[usize]) -> bool {
        let longest = LONGEST / if self.tree.wide { 22 } else { 10 };
        let below = |child: &usize| self.tree.servers[*child].children.len();
        children.iter().map(|child| below(child).max(1)).sum::<usize>() <= longest
    }
}

/// An address of no server.
fn stranger(number: u64) -> SocketAddr {
    SocketAddr::from(([0x2001, 0xdb8, 0xffff, number as u16, 0, 0, 0, 1], 3001))
}
