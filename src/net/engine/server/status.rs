//! What the server is doing, for who watches it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::ServerEngine;
use super::trouble::Trouble;
use crate::net::wire::State;
use crate::types::{
    ListedStatus, NodeStatus, ServerState, Status, SuperiorStatus, Topology, TopologyNode,
    TroubleStatus,
};

/// The most entries of lists that are told of: of 10,000 nodes, six each.
const MOST_ENTRIES: usize = 1 << 16;

impl ServerEngine {
    /// How its nodes, TURN servers and superiors are.
    pub fn status(&self, now: Instant) -> Status {
        let ago = |at: Instant| now.saturating_duration_since(at);
        let checked: BTreeMap<_, _> = self.superiors().collect();
        let superior = |(addr, told): (_, Option<Instant>)| {
            let checked = checked.get(&addr).copied().flatten();
            SuperiorStatus::new(addr, told.map(ago), checked.map(ago))
        };
        let trouble = |(trouble, since): (&Trouble, Instant)| {
            TroubleStatus::new(trouble.as_str(), trouble.to_string(), ago(since))
        };
        let loaded = |turn| NodeStatus { load: self.load.exact, ..turn };
        Status {
            name: self.listing.name.clone(),
            labels: self.labels.clone(),
            state: state(self.listing.state()),
            fault: self.turn.own_fault(),
            nodes: self.members.statuses(now).chain(self.turn.statuses(now)).collect(),
            turn: self.turn.own_statuses(now).map(loaded).collect(),
            superiors: self.heartbeats.superiors().map(superior).collect(),
            troubles: self.troubles().map(trouble).collect(),
            listed: self.listing.nodes.len(),
            flat: self.listing.flat.as_ref().map_or(self.listing.nodes.len(), Vec::len),
            rtts: self.members.rtts().clone(),
            ..Status::default()
        }
    }

    /// Whether there is reason to go on with who is at this address, though nobody names it any more: it is
    /// online as a node, or has checked this server of late as a superior.
    pub fn is_of_use(&self, now: Instant, addr: SocketAddr) -> bool {
        self.is_online(now, addr) || self.watch.has_checked(now, addr)
    }

    /// Who stands where.
    pub(crate) fn topology(&self, now: Instant) -> Topology {
        let mut topology = Topology {
            name: self.listing.name.as_ref().map(ToString::to_string),
            labels: self.labels.clone(),
            superiors: self.listing.superiors.clone(),
            turn: self.turn.own_addrs().collect(),
            ..Topology::default()
        };
        let mut room = MOST_ENTRIES;
        for mut node in self.members.topology() {
            topology.left_out += node.lists.len().saturating_sub(room);
            node.lists.truncate(room);
            room -= node.lists.len();
            topology.nodes.push(node);
        }
        topology.nodes.extend(self.turn.statuses(now).map(|node| TopologyNode {
            node: ListedStatus {
                addr: node.public,
                kind: node.kind.as_str(),
                name: node.name.as_ref().map(ToString::to_string),
                turn: None,
                labels: node.labels,
            },
            state: node.condition.as_str(),
            lists: Vec::new(),
        }));
        topology
    }
}

fn state(state: State) -> ServerState {
    match state {
        State::Offering => ServerState::Offering,
        State::Nothing => ServerState::Nothing,
        State::TurnDown => ServerState::TurnDown,
        State::Full => ServerState::Full,
        State::Draining => ServerState::Draining,
    }
}
