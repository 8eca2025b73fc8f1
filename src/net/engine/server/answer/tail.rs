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

/// Bytes that a node takes in an answer, without its name and time: those go in only where they
/// fit.
fn encoded_len(node: &Node) -> usize {
    let mut bytes = Vec::new();
    node.put(&mut bytes, false);
    bytes.len()
}

/// Whether all of these fit into so many bytes, without names and times.
pub(in crate::net::engine::server) fn fit<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    room: usize,
) -> bool {
    let left = nodes.into_iter().try_fold(room, |left, node| left.checked_sub(encoded_len(node)));
    left.is_some()
}
