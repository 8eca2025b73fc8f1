//! Who stands where: the nodes of a server, and what they list.

use std::net::SocketAddr;

use crate::types::Labels;

/// A server, its superiors, its nodes, and what these list, as documents have it.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "http", derive(serde::Serialize))]
pub(crate) struct Topology {
    pub(crate) name: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) superiors: Vec<SocketAddr>,
    /// The TURN servers beside it.
    pub(crate) turn: Vec<SocketAddr>,
    pub(crate) nodes: Vec<TopologyNode>,
    /// How many entries of lists are left out.
    pub(crate) left_out: usize,
}

/// A node, and what it lists.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "http", derive(serde::Serialize))]
pub(crate) struct TopologyNode {
    #[cfg_attr(feature = "http", serde(flatten))]
    pub(crate) node: ListedStatus,
    pub(crate) state: &'static str,
    pub(crate) lists: Vec<ListedStatus>,
}

/// One of a list.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "http", derive(serde::Serialize))]
pub(crate) struct ListedStatus {
    /// Where clients are told it is.
    pub(crate) addr: SocketAddr,
    pub(crate) kind: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) turn: Option<SocketAddr>,
    /// As whoever lists it knows.
    #[cfg_attr(feature = "http", serde(skip_serializing_if = "Labels::is_empty"))]
    pub(crate) labels: Labels,
}
