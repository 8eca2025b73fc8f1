//! Which addresses of others a node may name: what comes from far may not lead into a near network.

use std::net::SocketAddr;

use crate::net::engine::loop_port::is_loop_port;
use crate::net::engine::server::trouble::Unfit;
use crate::types::{OnLink, Scope};

/// Why one at `from` may not name a server, one of TURN or of balance, where this host is in these networks;
/// `None`: it may.
pub(super) fn unfit(
    on_link: &OnLink,
    from: SocketAddr,
    addr: SocketAddr,
    turn: bool,
) -> Option<Unfit> {
    if !is_wide(from, addr) || !is_elsewhere(on_link, from, addr) {
        return Some(Unfit::Near);
    }
    (!turn && is_loop(addr)).then_some(Unfit::Port)
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
