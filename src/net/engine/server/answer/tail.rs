//! What follows the id and nonce of an answer, as everybody gets it.

use crate::net::wire::{FRAME, MAX_ANSWER, Node, ProbeReply};

/// The longest tail that still makes an answer, if that is not signed.
pub(in crate::net::engine::server) const LONGEST_TAIL: usize = MAX_ANSWER - FRAME;

/// Everything of an answer but its id and nonce.
pub(super) fn encode(reply: &ProbeReply) -> Box<[u8]> {
    let mut tail = Vec::new();
    reply.encode_tail(&mut tail);
    tail.into()
}

/// How a node is encoded, with its name, weight and checker or without.
pub(super) type Put = fn(&Node, &mut Vec<u8>, bool);

/// Whether all of these fit into so many bytes as they are `put`, without names, times and all else that goes in
/// only where it fits.
pub(super) fn fit_as<'a>(put: Put, nodes: impl IntoIterator<Item = &'a Node>, room: usize) -> bool {
    let len = |node| {
        let mut bytes = Vec::new();
        put(node, &mut bytes, false);
        bytes.len()
    };
    nodes.into_iter().try_fold(room, |left, node| left.checked_sub(len(node))).is_some()
}

/// The same as lists without labels have them.
pub(in crate::net::engine::server) fn fit<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    room: usize,
) -> bool {
    fit_as(Node::put, nodes, room)
}
