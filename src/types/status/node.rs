use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::types::{Labels, Load, Name, TurnFault};

/// A node of a server, or a TURN server beside it, in [`Status`](crate::Status), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Where it is checked.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is, as far as is known.
    pub kind: NodeKind,
    /// What it is called.
    pub name: Option<Name>,
    /// Whether it has joined by itself; else it stands in the configuration.
    pub joined: bool,
    /// Whether it is offered.
    pub condition: NodeCondition,
    /// For how long that has been so.
    pub since: Duration,
    /// Why it is not online, as far as is known.
    pub fault: Option<NodeFault>,
    /// The least round-trip time to it of its last 16 checks; `None` while it is offline.
    pub rtt: Option<Duration>,
    /// How full the TURN server is, or the one beside it, as far as it is told: of a node as lists tell it.
    pub load: Option<Load>,
    /// What it is labelled with, beside what the server is that has it as a node.
    pub labels: Labels,
    /// The TURN server beside it.
    pub turn: Option<SocketAddr>,
    /// How many nodes it lists, where that is known whole.
    pub lists: usize,
}

/// What a node is, in [`NodeStatus`].
///
/// Part of a [`Status`](crate::Status), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NodeKind {
    /// A balance server with nodes of its own, or one that has never answered.
    Balance,
    /// One with a TURN server beside it.
    Leaf,
    /// A TURN server.
    Turn,
}

/// Whether a node is offered, in [`NodeStatus`].
///
/// Part of a [`Status`](crate::Status), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NodeCondition {
    /// It is.
    Online,
    /// No right answer came of late.
    Offline,
    /// It says that it has nothing to offer.
    Nothing,
    /// It says that the TURN server beside it cannot be used.
    TurnDown,
    /// It has no room left.
    Full,
    /// It asks not to be chosen any more.
    Draining,
}

/// Why a node is not online, in [`NodeStatus`].
///
/// Part of a [`Status`](crate::Status), where an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeFault {
    /// It answers, but not signed with one of the keys.
    Unsigned,
    /// The TURN server, or the one beside it.
    Turn(TurnFault),
}

impl NodeKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Leaf => "leaf",
            Self::Turn => "turn",
        }
    }
}

impl NodeCondition {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Online, Self::Offline, Self::Nothing, Self::TurnDown, Self::Full, Self::Draining];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Nothing => "nothing",
            Self::TurnDown => "turn-down",
            Self::Full => "full",
            Self::Draining => "draining",
        }
    }
}

impl NodeFault {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Turn(fault) => fault.as_str(),
        }
    }
}

/// Behind "it".
impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("answers, but with a tag of none of the keys"),
            Self::Turn(fault) => fault.fmt(f),
        }
    }
}
