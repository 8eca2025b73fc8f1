//! Which addresses of others a node may name: what comes from far may not lead into a near network.

use std::net::SocketAddr;

use crate::net::engine::loop_port::is_loop_port;
use crate::types::{OnLink, Scope};

/// Whether one at `from` may name a balance server, where this host is in these networks.
pub(super) fn may_name_server(on_link: &OnLink, from: SocketAddr, addr: SocketAddr) -> bool {
    !is_loop(addr) && may_name(on_link, from, addr)
}

/// Whether one at `from` may name a TURN server.
pub(super) fn may_name(on_link: &OnLink, from: SocketAddr, addr: SocketAddr) -> bool {
    is_wide(from, addr) && is_elsewhere(on_link, from, addr)
}

fn is_wide(from: SocketAddr, addr: SocketAddr) -> bool {
    planted!(RefusedListed => true);
    Scope::of(from.ip()).unwrap_or(Scope::Global).allows(addr.ip())
}

fn is_elsewhere(on_link: &OnLink, from: SocketAddr, addr: SocketAddr) -> bool {
    planted!(OnLinkListed => true);
    on_link.allows(from.ip(), addr.ip())
}

fn is_loop(addr: SocketAddr) -> bool {
    planted!(LoopPortListed => false);
    is_loop_port(addr.port())
}
