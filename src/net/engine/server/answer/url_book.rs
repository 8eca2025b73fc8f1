//! The URLs of TURN servers, as far as they are known to work.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::net::wire::{MAX_URLS, put_url};
use crate::types::{ServerUrl, TurnUrl};

/// Whose URLs: those of the TURN server beside the server, or of the nodes of one entry of its
/// configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UrlsOf {
    /// The one beside it, whatever its addresses.
    Beside,
    /// Those of an entry: a name stands for several.
    Entry(usize),
}

/// Which URLs are told of which TURN server, beside that which is made from its address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlBook {
    working: BTreeMap<UrlsOf, Vec<ServerUrl>>,
    /// The nodes that have some, where clients find them.
    nodes: BTreeMap<SocketAddr, usize>,
}

impl UrlBook {
    /// These work. Returns whether that is news.
    pub(in crate::net::engine::server) fn set(&mut self, of: UrlsOf, urls: Vec<ServerUrl>) -> bool {
        let before = self.working.insert(of, urls);
        before.unwrap_or_default() != self.working[&of]
    }

    /// The nodes that have URLs, where clients find them, and of which entry each is. Returns whether that
    /// is news.
    pub(in crate::net::engine::server) fn set_nodes(
        &mut self,
        nodes: BTreeMap<SocketAddr, usize>,
    ) -> bool {
        std::mem::replace(&mut self.nodes, nodes) != self.nodes
    }

    /// Entries below this one are of a configuration that is no more.
    pub(in crate::net::engine::server) fn forget_before(&mut self, first: usize) {
        self.working.retain(|of, _| !matches!(of, UrlsOf::Entry(entry) if *entry < first));
    }

    /// Each URL of a TURN server as an answer has it: of a node, or, at this address, of that beside the
    /// server. The one that is made from its address comes first, and behind those of TURN what is none:
    /// what does not fit is left out.
    pub(super) fn encoded(&self, addr: SocketAddr, beside: bool) -> Vec<Vec<u8>> {
        let of = match (beside, self.nodes.get(&addr)) {
            (true, _) => UrlsOf::Beside,
            (false, Some(entry)) => UrlsOf::Entry(*entry),
            (false, None) => return Vec::new(),
        };
        let made = ServerUrl::from(TurnUrl::udp(addr));
        let working = self.working.get(&of).map(Vec::as_slice).unwrap_or_default();
        let (turn, others): (Vec<_>, Vec<_>) = working.iter().partition(|url| url.turn().is_some());
        let encoded = |url: &ServerUrl| {
            let mut out = Vec::new();
            put_url(&mut out, &url.to_string());
            out
        };
        [&made].into_iter().chain(turn).chain(others).take(MAX_URLS).map(encoded).collect()
    }
}
