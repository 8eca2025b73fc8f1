//! What a server is doing, as data: for programs, the admin interface and `tb status`.

#[cfg(feature = "http")]
mod document;
mod node;
mod rtts;
mod topology;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Endpoint, Labels, Name, TurnFault};

pub use node::{NodeCondition, NodeFault, NodeKind, NodeStatus};
pub use rtts::RttHistogram;
pub(crate) use topology::{ListedStatus, Topology, TopologyNode};

/// What a [`Server`](crate::Server) is doing, as of a moment.
///
/// ```no_run
/// # #[cfg(feature = "server")] fn example(server: &turn_balance::Server) {
/// use turn_balance::NodeCondition;
///
/// let status = server.status();
/// for node in status.nodes.iter().filter(|node| node.condition != NodeCondition::Online) {
///     println!("{} is {} for {:?}", node.addr, node.condition.as_str(), node.since);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Status {
    /// What the server is called.
    pub name: Option<Name>,
    /// What it is labelled with.
    pub labels: Labels,
    /// Which version of this library it is.
    pub version: &'static str,
    /// Since when it runs.
    pub uptime: Duration,
    /// Whether it has something to offer, and why not.
    pub state: ServerState,
    /// Why no TURN server beside it may be offered, where that is so.
    pub fault: Option<TurnFault>,
    /// All its nodes, balance servers first, each kind in the order of their addresses.
    pub nodes: Vec<NodeStatus>,
    /// The TURN servers beside it.
    pub turn: Vec<NodeStatus>,
    /// Those above it.
    pub superiors: Vec<SuperiorStatus>,
    /// What the host names and SRV records among its nodes and superiors stand for, in their order.
    pub names: Vec<NameStatus>,
    /// What is wrong, as far as it can be seen from here: what the log says at `WARN`, and is not over.
    pub troubles: Vec<TroubleStatus>,
    /// How many nodes its list has, and how many its flat list.
    pub listed: usize,
    /// How many its flat list has.
    pub flat: usize,
    /// What came of all datagrams so far.
    pub counts: TrafficCounts,
    /// How long the checks of its balance servers took.
    pub rtts: RttHistogram,
}

/// Whether a server has something to offer, in [`Status`], where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum ServerState {
    /// It has.
    Offering,
    /// It has neither a node that is online nor a TURN server.
    #[default]
    Nothing,
    /// The TURN server beside it cannot be used.
    TurnDown,
    /// That one has no room left.
    Full,
    /// It asks not to be chosen any more.
    Draining,
}

/// A superior of a server, in [`Status`], where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuperiorStatus {
    /// Where it is.
    pub addr: SocketAddr,
    /// How long ago it was sent a heartbeat; `None`: never.
    pub told: Option<Duration>,
    /// How long ago it was last seen to check this server; `None`: never, or it does so from another address.
    pub checked: Option<Duration>,
}

/// A name among the nodes or superiors of a server, in [`Status`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameStatus {
    /// What is looked up, as the configuration has it.
    pub name: Endpoint,
    /// What it stands for, by the newest answer.
    pub addrs: Vec<SocketAddr>,
    /// What it stood for before, and what is kept for it is online as a node, or checks as a superior.
    pub kept: Vec<SocketAddr>,
}

/// Something that is wrong, in [`Status`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TroubleStatus {
    /// The word for it, as the log has it in `trouble`.
    pub word: &'static str,
    /// What it is: a sentence about the server, in lower case and without an end.
    pub what: String,
    /// For how long that has been so.
    pub since: Duration,
}

/// What came of all datagrams since a server's start, in [`Status`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TrafficCounts {
    /// Answers that were sent, retries among them.
    pub answers: u64,
    /// Answers that the system did not take.
    pub unsent: u64,
    /// Requests that were asked to come again with a cookie.
    pub retries: u64,
    /// Heartbeats, and answers to them, that were well formed.
    pub heartbeats: u64,
    /// Those for which there was no room.
    pub heartbeats_lost: u64,
    /// Times that a socket failed.
    pub receive_errors: u64,
    /// Datagrams that the system had no room for.
    pub kernel_drops: u64,
    /// Datagrams that came to the sockets that TURN servers are asked from, and were no answer of theirs.
    pub stray_bindings: u64,
    /// Datagrams that were dropped, by the reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// What came to the sockets that balance servers are checked from, by what it was.
    pub checks: BTreeMap<&'static str, u64>,
}

impl ServerState {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Offering, Self::Nothing, Self::TurnDown, Self::Full, Self::Draining];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offering => "offering",
            Self::Nothing => "nothing",
            Self::TurnDown => "turn-down",
            Self::Full => "full",
            Self::Draining => "draining",
        }
    }
}

impl TroubleStatus {
    /// This one, for so long.
    pub(crate) fn new(word: &'static str, what: String, since: Duration) -> Self {
        Self { word, what, since }
    }
}

impl NameStatus {
    /// This one, with what it stands for.
    pub(crate) fn new(name: Endpoint, addrs: Vec<SocketAddr>, kept: Vec<SocketAddr>) -> Self {
        Self { name, addrs, kept }
    }
}

impl SuperiorStatus {
    /// One there, to which so long ago a heartbeat was sent, and which has checked so long ago.
    pub(crate) fn new(addr: SocketAddr, told: Option<Duration>, checked: Option<Duration>) -> Self {
        Self { addr, told, checked }
    }
}
