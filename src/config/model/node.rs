use std::net::SocketAddr;

use crate::types::{Endpoint, Name};

/// One of `cluster.nodes`.
///
/// ```
/// use turn_balance::{Endpoint, NodeEntry};
///
/// let inside: Endpoint = "fra-c.internal".parse()?;
/// let outside = "203.0.113.7:3001".parse().unwrap();
/// let node = NodeEntry::new(inside).public(outside).name("fra-c".parse()?);
/// assert_eq!(node.public, Some(outside));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeEntry {
    /// Where it is checked.
    pub addr: Endpoint,
    /// Where clients are told it is; `None`: at `addr`.
    pub public: Option<SocketAddr>,
    /// What it is called until it says so itself.
    pub name: Option<Name>,
}

impl NodeEntry {
    /// A node that is checked there, and that clients find there too.
    pub fn new(addr: impl Into<Endpoint>) -> Self {
        Self { addr: addr.into(), public: None, name: None }
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
}

impl From<Endpoint> for NodeEntry {
    fn from(addr: Endpoint) -> Self {
        Self::new(addr)
    }
}
