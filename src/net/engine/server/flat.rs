//! Flat lists: depth costs a client a round trip and a chance to choose wrong, so it is paid only
//! where the size of an answer demands it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::answer::tail::{LONGEST_TAIL, fit};
use crate::net::wire::{Kind, Node};

/// How many servers a node is passed through at most: what has died, but still goes round in a
/// loop of servers, is gone after that many checks.
const MAX_HOPS: u32 = 8;

/// What stands beside the nodes in an answer at most: the total (6 bytes), the server's name
/// (34), its state (2) and version (9).
const BESIDE: usize = 51;

/// What all nodes together may take.
const ROOM: usize = LONGEST_TAIL - BESIDE;

/// The least that one of them takes: its field's head (2) and an IPv4 address with its port, as a
/// field (8).
const SHORTEST: usize = 10;

/// How many entries are looked at: a flat list that fits has a hundred, each of which a few
/// servers may list.
const LOOKED_AT: usize = 8192;

/// Replaces all nodes that list others by what they list, if the whole of that fits into one
/// answer; else none of them. Half a level is worse than either (docs/selection.md): a client would spend
/// on the leaves of a few regions what it needs to tell the regions apart. `None`: none is replaced.
///
/// Each node comes with what it lists, as far as its answer to a check held the whole of that. One
/// that is listed several times is kept with the fewest hops.
pub fn flatten<'a>(
    lists: impl Iterator<Item = (&'a Node, &'a [Node])> + Clone,
) -> Option<Vec<Node>> {
    let flat = replace(lists).filter(|flat| !flat.is_empty() && fit(flat.values(), ROOM))?;
    Some(flat.into_values().collect())
}

/// Whether a list fits into a flat list, alone.
pub(super) fn may_be_passed_on(list: &[Node]) -> bool {
    let passed: Vec<_> = list.iter().map(|node| passed_on(None, node)).collect();
    fit(&passed, ROOM)
}

/// All nodes that list nobody, and what the others list, each with the fewest hops; `None`: that is
/// more than fits.
fn replace<'a>(
    lists: impl Iterator<Item = (&'a Node, &'a [Node])> + Clone,
) -> Option<BTreeMap<SocketAddr, Node>> {
    let listed = lists.clone().map(|(_, list)| list.len()).sum::<usize>();
    if listed > LOOKED_AT {
        return None;
    }
    let lists_some = |(_, list): &(&Node, &[Node])| list.iter().any(may_pass_on);
    let replaced: BTreeSet<_> =
        lists.clone().filter(lists_some).map(|(node, _)| node.addr).collect();
    let mut flat = BTreeMap::<SocketAddr, Node>::new();
    for (via, list) in lists {
        let below = list.iter().filter(|node| may_pass_on(node)).map(|node| (Some(via), node));
        for (via, node) in below.chain([(None, via)]) {
            let hops = node.hops.saturating_add(via.is_some().into());
            let fewer = flat.get(&node.addr).is_none_or(|known| hops < known.hops);
            if !fewer || replaced.contains(&node.addr) {
                continue;
            }
            let node = via.map_or_else(|| node.clone(), |via| passed_on(Some(via), node));
            flat.insert(node.addr, node);
            if flat.len() > ROOM / SHORTEST {
                return None;
            }
        }
    }
    Some(flat)
}

/// A node as the superior of the server that lists it, `via`, passes it on. The way through that
/// one is the best that is known of it.
fn passed_on(via: Option<&Node>, node: &Node) -> Node {
    let hops = node.hops.saturating_add(1);
    let rtt = via.and_then(|via| via.rtt).zip(node.rtt);
    let rtt = rtt.map(|(there, on)| there.saturating_add(on));
    let checker =
        node.checker.or_else(|| via.filter(|_| node.kind == Kind::Turn).map(|via| via.addr));
    let labels = via.map_or_else(|| node.labels.clone(), |via| node.labels.below(&via.labels));
    Node { hops, rtt, checker, labels, ..node.clone() }
}

fn may_pass_on(node: &Node) -> bool {
    planted!(HopsWithoutEnd => true);
    planted!(HopsWrap => node.hops.wrapping_add(1) <= MAX_HOPS);
    node.hops < MAX_HOPS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn node(last: u8, hops: u32, rtt: u64) -> Node {
        let addr = SocketAddr::from(([192, 0, 2, last], 3001));
        let rtt = Some(Duration::from_millis(rtt));
        Node { hops, rtt, ..Node::new(addr, Kind::Balance) }
    }

    fn flat(lists: &[(Node, Vec<Node>)]) -> Vec<Node> {
        let nodes = || lists.iter().map(|(node, _)| node.clone()).collect();
        flatten(lists.iter().map(|(node, list)| (node, &list[..]))).unwrap_or_else(nodes)
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
    fn whoever_checks_a_turn_server_is_named_for_it() {
        let turn = Node { kind: Kind::Turn, ..node(3, 0, 5) };
        let list = flat(&[(node(1, 0, 10), vec![turn.clone(), node(4, 0, 5)])]);
        assert_eq!((list[0].checker, list[1].checker), (Some(node(1, 0, 0).addr), None));
        let on = flat(&[(node(2, 0, 10), list)]);
        assert_eq!(on[0].checker, Some(node(1, 0, 0).addr), "however far it is passed on");
        assert_eq!(flat(&[(turn.clone(), Vec::new())]), [turn], "its own checker is asked anyway");
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
