use std::net::SocketAddr;
use std::path::PathBuf;

use super::node::NodeEntry;
use crate::config::key_file::KeyFile;
use crate::types::{Endpoint, Prefix};

/// `[cluster]`: who stands above and below.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cluster {
    /// Servers that are told of this one; names stand for all that DNS has of them.
    pub superiors: Vec<Endpoint>,
    /// Servers that this one checks and lists.
    pub nodes: Vec<NodeEntry>,
    /// Port that checks are sent from; `None`: any.
    pub check_bind: Option<u16>,
    /// Where it asks superiors to be reached that do not list it; `None`: where it sends from.
    pub advertise: Option<SocketAddr>,
    /// Keys that it shares with others, three at most: the first one signs, all are accepted.
    pub keys: Vec<KeyFile>,
    /// Whether heartbeats and answers to checks must be signed.
    pub require_auth: bool,
    /// Whether nodes with a key may join without being listed.
    pub join: bool,
    /// How many nodes there may be: those listed by address, which all have room, then those of names,
    /// then those that join.
    pub max_nodes: usize,
    /// Where nodes that join may be; empty: anywhere.
    pub join_prefixes: Vec<Prefix>,
    /// The file that nodes which have joined are written to, so that they outlive a restart; `None`: they do not.
    pub state: Option<PathBuf>,
}

impl Default for Cluster {
    /// Nobody above or below, no keys, and room for 10,000 nodes.
    fn default() -> Self {
        Self {
            superiors: Vec::new(),
            nodes: Vec::new(),
            check_bind: None,
            advertise: None,
            keys: Vec::new(),
            require_auth: false,
            join: false,
            max_nodes: 10_000,
            join_prefixes: Vec::new(),
            state: None,
        }
    }
}
