//! What a crawl has found.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::net::engine::client::descent::Obstacle;
use crate::net::engine::client::list::ServerKind;
use crate::net::wire::{Down, State};
use crate::types::{Name, TurnFault};

/// All of a cascade, as far as it was gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WholeTree {
    /// Level by level: below the first of one level stand those that it named, by address, then those of the next.
    pub nodes: Vec<TreeNode>,
    /// Why it is not all; `None`: it is.
    pub stopped: Option<Stopped>,
    /// Datagrams sent.
    pub datagrams: u32,
    /// How long it took.
    pub elapsed: Duration,
}

/// A server of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeNode {
    /// The least number of steps from a root.
    pub level: u8,
    /// Where it is listed.
    pub addr: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// What it is.
    pub kind: ServerKind,
    /// Which of the nodes named it first.
    pub via: Option<usize>,
    /// The TURN server beside it.
    pub turn: Option<SocketAddr>,
    /// The round-trip time to it.
    pub rtt: Option<Duration>,
    /// How it is.
    pub state: TreeState,
    /// What is wrong with it.
    pub faults: Vec<TreeFault>,
}

/// A node as its superior has it, which does not offer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnofferedNode {
    /// Where clients would reach it.
    pub(crate) addr: SocketAddr,
    pub(crate) kind: ServerKind,
    pub(crate) name: Option<Name>,
    pub(crate) state: TreeState,
    /// Why; `None`: that is not known.
    pub(crate) fault: Option<TurnFault>,
}

/// How a node is: what it says, or what came of asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeState {
    /// It can be chosen, or leads to who can.
    Offering,
    /// It has nothing to offer.
    Nothing,
    /// The TURN server beside it cannot be used.
    TurnDown,
    /// It has no room left.
    Full,
    /// It asks not to be chosen.
    Draining,
    /// It does not answer.
    Silent,
    /// Nothing is there, or no way leads there.
    Unreachable,
    /// Its superior says that it is not online.
    Offline,
    /// No list may lead there.
    Refused,
    /// It was not asked any more.
    Unasked,
}

/// What is wrong with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeFault {
    /// It does not answer who asks from here, though that node lists it; `None`: nobody does.
    Silent(Option<usize>),
    /// The same, and this stands in the way.
    Unreachable(Option<usize>, Obstacle),
    /// A list may not lead there.
    Refused(usize),
    /// That node lists it twice.
    Twice(usize),
    /// That node lists it at another address too.
    Also(usize, SocketAddr),
    /// It lists itself, at this address.
    Itself(SocketAddr),
    /// It lists one that leads back to it; all of the way, from that one to itself.
    Loop(Vec<usize>),
    /// Its TURN server answers no Binding.
    TurnSilent(SocketAddr),
    /// It names a TURN server where no list may lead.
    TurnRefused(SocketAddr),
    /// It says that it cannot be used.
    Says(TreeState, Option<TurnFault>),
    /// That node does not offer it.
    Unoffered(usize, TreeState, Option<TurnFault>),
    /// Of so many nodes it told only so many.
    Partly(usize, usize),
}

/// Why a crawl ended before all was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// There was no time left.
    Time,
    /// So many nodes are the most.
    Nodes(usize),
    /// So many datagrams are the most.
    Datagrams(u32),
    /// So many levels are the most.
    Levels(u8),
    /// Too many were silent at one address.
    Address,
}

impl WholeTree {
    /// Nodes in their order, whoever has answered first.
    pub(super) fn in_order(nodes: Vec<TreeNode>) -> Vec<TreeNode> {
        let mut order = Vec::from_iter(0..nodes.len());
        order.sort_by_key(|at| nodes[*at].level);
        let mut place = vec![0; nodes.len()];
        let mut placed = 0;
        for level in order.chunk_by_mut(|a, b| nodes[*a].level == nodes[*b].level) {
            // Roots stay as they were given.
            level.sort_by_key(|at| nodes[*at].via.map(|via| (place[via], nodes[*at].addr)));
            for at in level {
                place[*at] = placed;
                placed += 1;
            }
        }
        let moved = |at: usize| {
            let mut node = nodes[at].clone();
            node.via = node.via.map(|via| place[via]);
            node.faults.iter_mut().for_each(|fault| fault.move_nodes(&place));
            node
        };
        order.into_iter().map(moved).collect()
    }
}

impl TreeNode {
    /// One of which nothing is known yet.
    pub(super) fn new(level: u8, addr: SocketAddr, kind: ServerKind, via: Option<usize>) -> Self {
        Self {
            level,
            addr,
            name: None,
            kind,
            via,
            turn: None,
            rtt: None,
            state: TreeState::Unasked,
            faults: Vec::new(),
        }
    }
}

impl TreeState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offering => "offering",
            Self::Nothing => "nothing",
            Self::TurnDown => "turn-down",
            Self::Full => "full",
            Self::Draining => "draining",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
            Self::Offline => "offline",
            Self::Refused => "refused",
            Self::Unasked => "unasked",
        }
    }
}

impl TreeFault {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Silent(_) => "silent",
            Self::Unreachable(..) => "unreachable",
            Self::Refused(_) => "refused",
            Self::Twice(_) | Self::Also(..) => "listed-twice",
            Self::Itself(_) => "lists-itself",
            Self::Loop(_) => "loop",
            Self::TurnSilent(_) => "turn-silent",
            Self::TurnRefused(_) => "turn-refused",
            Self::Says(..) => "offers-nothing",
            Self::Unoffered(..) => "not-offered",
            Self::Partly(..) => "list-incomplete",
        }
    }

    /// The nodes that it speaks of stand in other places from now on.
    fn move_nodes(&mut self, place: &[usize]) {
        match self {
            Self::Silent(by) | Self::Unreachable(by, _) => *by = by.map(|by| place[by]),
            Self::Refused(by) | Self::Twice(by) | Self::Also(by, _) | Self::Unoffered(by, ..) => {
                *by = place[*by]
            }
            Self::Loop(way) => way.iter_mut().for_each(|at| *at = place[*at]),
            Self::Itself(_)
            | Self::TurnSilent(_)
            | Self::TurnRefused(_)
            | Self::Says(..)
            | Self::Partly(..) => {}
        }
    }

    /// A sentence about a node that is `of` that kind, where this is what nodes are called.
    pub fn text(&self, of: ServerKind, name: impl Fn(usize) -> String) -> String {
        let turn = if of == ServerKind::Turn { "it" } else { "its TURN server" };
        let why = |fault: &Option<TurnFault>| match fault {
            Some(fault) => format!(": {turn} {fault}"),
            None => String::new(),
        };
        match self {
            Self::Silent(None) => "does not answer".into(),
            Self::Silent(Some(by)) => {
                format!("does not answer from here, though {} lists it", name(*by))
            }
            Self::Unreachable(None, obstacle) => format!("{obstacle} this address"),
            Self::Unreachable(Some(by), obstacle) => {
                format!("{obstacle} this address from here, though {} lists it", name(*by))
            }
            Self::Refused(by) => format!("a list may not lead there, and {} does", name(*by)),
            Self::Twice(by) => format!("{} lists it twice", name(*by)),
            Self::Also(by, addr) => format!("{} lists it twice: it is {addr} too", name(*by)),
            Self::Itself(addr) => format!("lists itself, at {addr}"),
            Self::Loop(way) => {
                let way: Vec<_> = way.iter().map(|at| name(*at)).collect();
                format!("in a loop: {}", way.join(" > "))
            }
            Self::TurnSilent(turn) => format!("its TURN server {turn} answers no Binding"),
            Self::TurnRefused(turn) => {
                format!("names a TURN server, {turn}, where no list may lead")
            }
            Self::Says(TreeState::TurnDown, None) => {
                "says that its TURN server cannot be used".into()
            }
            Self::Says(_, None) => "says that it has nothing to offer".into(),
            Self::Says(_, fault) => format!("says that it has nothing to offer{}", why(fault)),
            Self::Unoffered(by, state, fault) => {
                let what = match (state, fault) {
                    (TreeState::TurnDown, Some(fault)) => format!("{turn} {fault}"),
                    (_, Some(fault)) => fault.to_string(),
                    (TreeState::TurnDown, None) => format!("{turn} cannot be used"),
                    (_, None) => "it has nothing to offer".into(),
                };
                format!("{} says: {what}", name(*by))
            }
            Self::Partly(told, total) => format!("told {told} of its {total} nodes"),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("there was no time left (`--timeout`)"),
            Self::Nodes(most) => write!(f, "{most} nodes are the most"),
            Self::Datagrams(most) => write!(f, "{most} datagrams are the most"),
            Self::Levels(most) => write!(f, "{most} levels are the most"),
            Self::Address => f.write_str("too many are silent at one address"),
        }
    }
}

impl From<Down> for UnofferedNode {
    /// One that says nothing, and there is a reason, is not online.
    fn from(down: Down) -> Self {
        let Down { addr, kind, name, state, fault } = down;
        let state = match (state, fault) {
            (State::Nothing, Some(_)) => TreeState::Offline,
            (state, _) => state.into(),
        };
        Self { addr, kind: kind.into(), name, state, fault }
    }
}

impl From<State> for TreeState {
    /// One that is said to offer, and has not shown what, has nothing.
    fn from(state: State) -> Self {
        match state {
            State::Offering | State::Nothing => Self::Nothing,
            State::TurnDown => Self::TurnDown,
            State::Full => Self::Full,
            State::Draining => Self::Draining,
        }
    }
}
