//! A server's configuration while it runs: all that the engine has of it is replaced in one step, and what
//! stays keeps what is known of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::ServerEngine;
use super::auth::Trust;
use super::members::NodeSpec;
use super::turn::TurnSpec;
use crate::types::{Labels, Name};

/// What a server is configured with.
#[derive(Debug, Clone, Default)]
pub struct Reload {
    /// What it is called.
    pub name: Option<Name>,
    /// What it is labelled with.
    pub labels: Labels,
    /// Whom it believes.
    pub trust: Trust,
    /// Where it asks its superiors to be reached.
    pub advertise: Option<SocketAddr>,
    /// These.
    pub superiors: Vec<SocketAddr>,
    /// The nodes that are balance servers.
    pub nodes: Vec<NodeSpec>,
    /// Those that are TURN servers.
    pub turn_nodes: Vec<TurnSpec>,
    /// Those of them that have URLs, where clients find them, and of which entry.
    pub url_nodes: BTreeMap<SocketAddr, usize>,
    /// Its first entry: those below are no more.
    pub first_entry: usize,
    /// The TURN servers beside it.
    pub turn: Vec<TurnSpec>,
    /// How much the one beside it can serve beside others; 0: that is not told.
    pub weight: u32,
    /// Whether it can never offer anything.
    pub barren: bool,
}

impl ServerEngine {
    /// Is configured so from now on. Whether it is draining is no matter of that, and stays.
    pub fn handle_reload(&mut self, now: Instant, reload: Reload) {
        let Reload { name, trust, advertise, superiors, .. } = reload;
        self.heartbeats.set_name(name.clone());
        self.listing.name = name;
        self.set_labels(reload.labels);
        self.heartbeats.set_identity(trust.keys.active().cloned(), advertise);
        self.members.reload(now, trust.clone(), reload.nodes);
        self.listing.trust = trust;
        self.listing.node_addrs = self.members.addrs().collect();
        self.set_turn_nodes(now, reload.turn_nodes);
        self.set_turn(now, reload.turn);
        self.set_weight(reload.weight);
        self.set_url_nodes(reload.url_nodes);
        Arc::make_mut(&mut self.listing.urls).forget_before(reload.first_entry);
        self.set_superiors(now, superiors);
        self.set_barren(now, reload.barren);
    }
}
