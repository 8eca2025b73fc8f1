//! Flat lists: depth costs a client a round trip and a chance to choose wrong, so it is paid only
//! where the size of an answer demands it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::answer::tail::{LONGEST_TAIL, fit};
use crate::net::wire::Node;

/// How many servers a node is passed through at most: what has died, but still goes round in a
/// loop of servers, is gone after that many checks.
const MAX_HOPS: u32 = 8;

/// What stands beside the nodes in an answer at most: the total (6 bytes), the server's name
/// (34), its state (2) and version (9).
const BESIDE: usize = 51;

/// Replaces all nodes that list others by what they list, if the whole of that fits into one
/// answer; else none of them. Half a level is worse than either (docs/selection.md): a client would spend
/// on the leaves of a few regions what it needs to tell the regions apart.
///
/// Each node comes with what it lists, as far as its answer to a check held the whole of that. One
/// that is listed several times is kept with the fewest hops.
pub fn flatten<'a>(nodes: impl IntoIterator<Item = (Node, &'a [Node])>) -> Vec<Node> {
    let mut lists: Vec<(Node, Vec<Node>)> = nodes
        .into_iter()
        .map(|(node, list)| {
            let passed = list.iter().filter_map(|below| passed_on(&node, below)).collect();
            (node, passed)
        })
        .collect();
    let replaced: BTreeSet<_> =
        lists.iter().filter(|(_, list)| !list.is_empty()).map(|(node, _)| node.addr).collect();
    let mut flat = BTreeMap::<SocketAddr, Node>::new();
    for (node, list) in &mut lists {
        let below = std::mem::take(list).into_iter().chain([node.clone()]);
        for node in below.filter(|node| !replaced.contains(&node.addr)) {
            let fewest = flat.entry(node.addr).or_insert_with(|| node.clone());
            if node.hops < fewest.hops {
                *fewest = node;
            }
        }
    }
    if !flat.is_empty() && fit(flat.values(), LONGEST_TAIL - BESIDE) {
        flat.into_values().collect()
    } else {
        lists.into_iter().map(|(node, _)| node).collect()
    }
}

/// A node as the superior of the server that lists it, `via`, passes it on. The way through that
/// one is the best that is known of it.
fn passed_on(via: &Node, node: &Node) -> Option<Node> {
    let hops = one_more(node.hops);
    let rtt = via.rtt.zip(node.rtt).map(|(there, on)| there.saturating_add(on));
    may_pass_on(hops).then(|| Node { hops, rtt, ..node.clone() })
}

/// The hops of a node that is passed on: what it came with is a stranger's word.
fn one_more(hops: u32) -> u32 {
    planted!(HopsWrap => hops.wrapping_add(1));
    hops.saturating_add(1)
}

fn may_pass_on(hops: u32) -> bool {
    planted!(HopsWithoutEnd => true);
    hops <= MAX_HOPS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::wire::Kind;

    fn node(last: u8, hops: u32, rtt: u64) -> Node {
        let addr = SocketAddr::from(([192, 0, 2, last], 3001));
        let rtt = Some(Duration::from_millis(rtt));
        Node { addr, kind: Kind::Balance, turn: None, name: None, hops, rtt }
    }

    fn flat(lists: &[(Node, Vec<Node>)]) -> Vec<Node> {
        flatten(lists.iter().map(|(node, list)| (node.clone(), &list[..])))
    }

    #[test]
    fn a_level_is_replaced_whole_or_not_at_all() {
        let leaves = |from: u8, n: u8| (from..from + n).map(|last| node(last, 0, 5)).collect();
        let lists = [(node(1, 0, 10), leaves(10, 40)), (node(2, 0, 20), leaves(50, 20))];
        let list = flat(&lists);
        assert_eq!(list.len(), 60);
        assert_eq!((list[0].clone(), list[59].clone()), (node(10, 1, 15), node(69, 1, 25)));
        let lists = [(node(1, 0, 10), leaves(10, 100)), (node(2, 0, 20), leaves(110, 20))];
        assert_eq!(flat(&lists), [node(1, 0, 10), node(2, 0, 20)]);
    }

    #[test]
    fn who_lists_nobody_stays_and_is_nearest_to_itself() {
        let lists =
            [(node(1, 0, 10), vec![node(2, 0, 5), node(3, 0, 5)]), (node(2, 0, 20), vec![])];
        assert_eq!(flat(&lists), [node(2, 0, 20), node(3, 1, 15)]);
    }

    #[test]
    fn servers_that_list_one_another_do_not_hide_what_else_they_list() {
        let (a, b) = (node(1, 0, 10), node(2, 0, 10));
        let lists = [(a.clone(), vec![b.clone(), node(3, 0, 5)]), (b.clone(), vec![a.clone()])];
        assert_eq!(flat(&lists), [node(3, 1, 15)]);
        let lists = [(a.clone(), vec![b.clone()]), (b.clone(), vec![a.clone()])];
        assert_eq!(flat(&lists), [a, b]);
        for hops in [8, u32::MAX - 1, u32::MAX] {
            assert_eq!(flat(&[(node(1, 0, 10), vec![node(3, hops, 5)])]), [node(1, 0, 10)]);
        }
    }
}
