use std::net::SocketAddr;

use super::turn::TurnServer;
use crate::types::{Endpoint, Labels, Name};

/// One of `cluster.nodes`: a balance server, or a TURN server with none beside it.
///
/// ```
/// use turn_balance::{Endpoint, NodeEntry, TurnHealth, TurnServer};
///
/// let inside: Endpoint = "fra-c.internal".parse()?;
/// let outside = "203.0.113.7:3001".parse().unwrap();
/// let node = NodeEntry::new(inside).public(outside).name("fra-c".parse()?);
/// assert_eq!(node.public, Some(outside));
///
/// let mut turn = TurnServer::default();
/// turn.health = TurnHealth::None;
/// turn.urls.push("turns:nyc.turn.example:443?transport=tcp".parse()?);
/// let addr: std::net::SocketAddr = "203.0.113.9:3478".parse()?;
/// let node = NodeEntry::new(addr).turn(turn.clone()).labels("region=us".parse()?);
/// assert_eq!((node.turn, node.labels.get("region")), (Some(turn), Some("us")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeEntry {
    /// Where it is checked; one that is a name, or has SRV records, stands for all that DNS has of it. Of
    /// what SRV records name nothing else is said.
    pub addr: Endpoint,
    /// Where clients are told it is; `None`: at `addr`.
    pub public: Option<SocketAddr>,
    /// What it is called until it says so itself, which a TURN server never does.
    pub name: Option<Name>,
    /// What a TURN server is labelled with beside what the server is that has it as a node; a balance server
    /// says that itself.
    pub labels: Labels,
    /// How it is checked as a TURN server; `None`: it is a balance server.
    pub turn: Option<TurnServer>,
}

impl NodeEntry {
    /// A node that is checked there, and that clients find there too.
    pub fn new(addr: impl Into<Endpoint>) -> Self {
        Self { addr: addr.into(), public: None, name: None, labels: Labels::default(), turn: None }
    }

    /// Sets where clients are told it is.
    #[must_use]
    pub fn public(mut self, addr: SocketAddr) -> Self {
        self.public = Some(addr);
        self
    }

    /// Sets what it is called until it says so itself.
    #[must_use]
    pub fn name(mut self, name: Name) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets what it is labelled with, where it is a TURN server.
    #[must_use]
    pub fn labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Says that it is a TURN server with no balance server beside it, and how it is checked.
    #[must_use]
    pub fn turn(mut self, turn: TurnServer) -> Self {
        self.turn = Some(turn);
        self
    }
}

impl From<Endpoint> for NodeEntry {
    fn from(addr: Endpoint) -> Self {
        Self::new(addr)
    }
}
