//! Flat lists: depth costs a client a round trip and a chance to choose wrong, so it is paid only
//! where the size of an answer demands it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::offer::{LONGEST_TAIL, encode};
use crate::net::wire::{Node, ProbeReply};

/// How many servers a node is passed through at most: what has died, but still goes round in a
/// loop of servers, is gone after that many checks.
const MAX_HOPS: u32 = 8;

/// What stands beside the nodes in an answer at most: the total (6 bytes), the server's name
/// (34), its state (2) and version (9).
const BESIDE: usize = 51;

/// Replaces nodes by what they list while all of it fits into one answer. The smallest lists come
/// first: so most nodes are replaced, and those that stay are the ones that stand for most.
///
/// Each node comes with the whole list that it answered, empty where there is none. One that is
/// listed several times is kept with the fewest hops.
pub fn flatten<'a>(nodes: impl IntoIterator<Item = (Node, &'a [Node])>) -> Vec<Node> {
    let mut kept = BTreeMap::new();
    let mut lists = Vec::new();
    for (node, list) in nodes {
        let list: Vec<_> = list.iter().filter_map(passed_on).collect();
        if !list.is_empty() {
            lists.push((size(&list), node.addr, list));
        }
        kept.insert(node.addr, node);
    }
    let mut total: usize = kept.values().map(|node| size(std::slice::from_ref(node))).sum();
    if total > LONGEST_TAIL - BESIDE {
        return kept.into_values().collect(); // a sample as it is
    }
    lists.sort_unstable_by_key(|(size, addr, _)| (*size, *addr));
    for (_, addr, list) in lists {
        // A node that is online itself stays, with no hops, whoever else lists it.
        let mut merged = kept.clone();
        merged.remove(&addr);
        for node in list.into_iter().filter(|node| node.addr != addr) {
            let fewest = merged.entry(node.addr).or_insert_with(|| node.clone());
            if node.hops < fewest.hops {
                *fewest = node;
            }
        }
        let longer = merged.values().map(|node| size(std::slice::from_ref(node))).sum();
        if longer <= LONGEST_TAIL - BESIDE && !merged.is_empty() {
            (kept, total) = (merged, longer);
        }
    }
    debug_assert!(total <= LONGEST_TAIL);
    kept.into_values().collect()
}

/// A node as the superior of the server that lists it passes it on.
fn passed_on(node: &Node) -> Option<Node> {
    let hops = node.hops + 1;
    (hops <= MAX_HOPS && is_a_hosts(node.addr)).then(|| Node { hops, ..node.clone() })
}

fn is_a_hosts(addr: SocketAddr) -> bool {
    !addr.ip().is_unspecified() && !addr.ip().is_multicast()
}

/// Bytes that nodes take in an answer, without their names: those go in only where they fit.
fn size(nodes: &[Node]) -> usize {
    let plain = nodes.iter().map(|node| Node { name: None, ..node.clone() });
    encode(&ProbeReply { nodes: plain.collect(), ..Default::default() }).len()
}
