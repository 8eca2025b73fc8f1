//! What is said of nodes: to the server which there are, by the server how they are.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::net::engine::server::trouble::Unfit;
use crate::net::wire::{Kind, Node, State};
use crate::types::{Labels, ListedStatus, Load, Name, NodeKind, TurnFault};

/// A node that a server is configured with, or one that has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Where it is checked and its heartbeats come from.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called where it does not say so itself.
    pub name: Option<Name>,
}

/// A node as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Online<'a> {
    /// Where clients are told it is.
    pub addr: SocketAddr,
    /// What it is.
    pub kind: Kind,
    /// The TURN server beside it, for a leaf.
    pub turn: Option<SocketAddr>,
    /// What it is called.
    pub name: Option<&'a Name>,
    /// What it says that it is labelled with.
    pub labels: &'a Labels,
    /// What it lists, where that is known whole.
    pub list: &'a [Node],
    /// The round-trip time to it.
    pub rtt: Option<Duration>,
    /// How full the TURN server beside a leaf is.
    pub load: Option<Load>,
    /// How much that one can serve beside others; 0: it is not told.
    pub weight: u32,
    /// When it is listed no more.
    pub until: Instant,
}

/// All that heartbeats could change of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeState {
    /// Where it is checked.
    pub addr: SocketAddr,
    /// When it is checked next.
    pub due: Instant,
    /// Until when it is online.
    pub until: Option<Instant>,
    /// Whether it is not configured.
    pub joined: bool,
}

/// What became known of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberEvent {
    /// It is listed from now on.
    Online {
        /// The address that it is checked at.
        addr: SocketAddr,
        /// Its name.
        name: Option<Name>,
    },
    /// It is listed no more.
    Offline {
        /// The address that it is checked at.
        addr: SocketAddr,
        /// Its name.
        name: Option<Name>,
        /// What it said of itself, and why; `None`: it stayed silent.
        said: Option<(State, Option<TurnFault>)>,
    },
    /// It had joined, and is no node any more: it has been silent for long, or is found at the
    /// address that it advertises.
    Forgotten {
        /// The address that it was checked at.
        addr: SocketAddr,
    },
    /// It has been silent for some rounds, so that its checks leave from another port from now on.
    Rerouted {
        /// The address that it is checked at.
        addr: SocketAddr,
    },
    /// None has answered since the start.
    NoneAnswered,
}

/// A node that has joined, and has answered a check since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinedNode {
    /// Where it is checked.
    pub addr: SocketAddr,
    /// The number of the key that it has.
    pub key: u32,
}

/// Why one that had joined is no node any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrecalled {
    /// Nobody may join.
    Closed,
    /// There is no key of this number.
    Key(u32),
    /// Its address is not taken.
    Address(Unfit),
}

/// What became of a datagram that came to the checks' socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// A right answer to a check.
    Right,
    /// From an address that is not checked.
    Misplaced,
    /// With an id or nonce that was not sent there, or for the second time.
    Mismatched,
    /// No answer to a probe.
    Malformed,
    /// Not rightly signed, as it must be.
    Unsigned,
}

/// The rest of a sentence that begins with the node.
impl fmt::Display for Unrecalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("may not join: `join` is off"),
            Self::Key(id) => write!(f, "has key {id}, which is none of those here"),
            Self::Address(why) => write!(f, "has an address that {why}"),
        }
    }
}

impl From<Kind> for NodeKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Balance => Self::Balance,
            Kind::Leaf => Self::Leaf,
            Kind::Turn => Self::Turn,
        }
    }
}

/// A node as a list has it.
pub(super) fn listed(node: &Node) -> ListedStatus {
    ListedStatus {
        addr: node.addr,
        kind: NodeKind::from(node.kind).as_str(),
        name: node.name.as_ref().map(Name::to_string),
        turn: node.turn,
        labels: node.labels.clone(),
    }
}
