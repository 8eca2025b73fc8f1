//! What is said of TURN servers: to the server which there are, by the server how they are.

use std::net::SocketAddr;

use crate::types::{Name, TurnFault};

/// A TURN server that a server is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnSpec {
    /// Where it is asked.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// How it is asked.
    pub plan: HealthPlan,
}

/// How a TURN server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HealthPlan {
    /// Not at all: it is taken to live.
    None,
    /// With STUN Binding.
    #[default]
    Binding,
}

/// Which TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnId {
    /// Where it is asked.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called.
    pub name: Option<Name>,
    /// Whether it stands beside the server; else it is a node.
    pub beside: bool,
}

/// What became known of a TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnNews {
    /// It is offered from now on.
    Up(TurnId),
    /// It is not, and why.
    Down(TurnId, TurnFault),
    /// No node that is a TURN server has answered since the start; so many there are.
    NoneAnswered(usize),
}

impl TurnSpec {
    /// One that clients find where it is asked with STUN Binding.
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, public: addr, name: None, plan: HealthPlan::default() }
    }

    pub(super) fn id(&self, beside: bool) -> TurnId {
        TurnId { addr: self.addr, public: self.public, name: self.name.clone(), beside }
    }
}
