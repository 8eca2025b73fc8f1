use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

#[cfg(feature = "http")]
use super::listed::{ListedServer, ServerList, may_name, named};
use crate::net::wire::{Down, Kind, MAX_DOWN, Node, ProbeReply, State};
#[cfg(feature = "http")]
use crate::types::OnLink;
use crate::types::{Name, TurnFault};

/// All that a server says of itself and its nodes, as it says it: a stranger's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WholeList {
    /// The least time that an answer took.
    pub rtt: Option<Duration>,
    /// What it is called.
    pub name: Option<Name>,
    /// What it says of itself.
    pub state: State,
    /// Why, where it says that.
    pub fault: Option<TurnFault>,
    /// Of what it offers; 0 from a server of the first implementation.
    pub version: u64,
    /// The TURN server beside it.
    pub turn: Option<SocketAddr>,
    /// What it lists, each address once.
    pub nodes: Vec<Node>,
    /// What stood twice in one answer.
    pub twice: BTreeSet<SocketAddr>,
    /// What it does not offer.
    pub down: Vec<Down>,
    /// How many it says it lists.
    pub total: usize,
}

impl WholeList {
    /// Takes in an answer; `known`: what stood in any before.
    pub(super) fn take(
        &mut self,
        rtt: Duration,
        reply: ProbeReply,
        known: &mut BTreeSet<SocketAddr>,
    ) {
        self.rtt = Some(self.rtt.map_or(rtt, |least| least.min(rtt)));
        (self.name, self.state, self.fault) = (reply.name, reply.state, reply.fault);
        (self.version, self.turn) = (reply.version, reply.turn.or(self.turn));
        // A server of the protocol's first implementation lists hosts, all of them balance servers.
        let hosts = reply.hosts.into_iter().map(|host| Node::new(host, Kind::Balance));
        let mut here = BTreeSet::new();
        for node in reply.nodes.into_iter().chain(hosts) {
            if !here.insert(node.addr) {
                self.twice.insert(node.addr);
            }
            if known.insert(node.addr) {
                let labels = node.labels.below(&reply.labels);
                self.nodes.push(Node { labels, ..node });
            }
        }
        for down in reply.down {
            if self.down.len() < MAX_DOWN && self.down.iter().all(|other| other.addr != down.addr) {
                self.down.push(down);
            }
        }
        let total = usize::try_from(reply.total).unwrap_or(usize::MAX);
        self.total = self.total.max(total).max(self.nodes.len());
    }

    /// As far as the server at an address may name them: its list, and whom it does not offer.
    #[cfg(feature = "http")]
    pub(crate) fn judged(self, addr: SocketAddr, on_link: &OnLink) -> (ServerList, Vec<Down>) {
        let Self { rtt, name, turn, nodes, mut down, total, .. } = self;
        let beside = turn.filter(|turn| nodes.is_empty() && may_name(addr.ip(), *turn, on_link));
        let servers = nodes.into_iter().filter_map(|node| named(node, addr, on_link));
        let servers = servers.chain(beside.map(ListedServer::turn)).collect();
        down.retain(|down| named(Node::new(down.addr, down.kind), addr, on_link).is_some());
        (ServerList { addr, name, rtt: rtt.unwrap_or_default(), servers, total }, down)
    }
}
