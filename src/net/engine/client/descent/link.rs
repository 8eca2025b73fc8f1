//! Link-local addresses in lists (RFC 4007): a datagram tells of no link but the one it came by.

use std::net::SocketAddr;

use crate::net::wire::ProbeReply;

/// Puts the link-local addresses of a reply on the link that it came by, where it came by one.
pub(in crate::net::engine::client) fn put_on_link(reply: &mut ProbeReply, from: SocketAddr) {
    let scope = match from {
        SocketAddr::V6(from) if from.ip().is_unicast_link_local() => from.scope_id(),
        _ => return,
    };
    let nodes = reply.nodes.iter_mut().flat_map(|node| [Some(&mut node.addr), node.turn.as_mut()]);
    let others = reply.hosts.iter_mut().chain(&mut reply.turn);
    for addr in nodes.flatten().chain(others) {
        if let SocketAddr::V6(addr) = addr
            && addr.ip().is_unicast_link_local()
        {
            addr.set_scope_id(scope);
        }
    }
}
