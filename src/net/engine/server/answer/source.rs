//! Who is never answered, whatever is asked.

use std::net::SocketAddr;

use crate::net::engine::loop_port::is_loop_port;
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::incoming::LocalAddr;

/// Judges where a datagram comes from.
pub(super) fn judge_source(to: &LocalAddr, from: &SocketAddr) -> Result<(), DropReason> {
    let LocalAddr(to) = to;
    match from.port() {
        port if is_port_zero(port) => Err(DropReason::PortZero),
        // Where it came to has no scope, and needs none: it came by the same link.
        port if port == to.port() && from.ip() == to.ip() => Err(DropReason::OwnAddress),
        port if is_loop(port) => Err(DropReason::LoopPort),
        _ => Ok(()),
    }
}

fn is_port_zero(port: u16) -> bool {
    planted!(PortZeroAnswered => false);
    port == 0
}

fn is_loop(port: u16) -> bool {
    planted!(LoopPortAnswered => false);
    is_loop_port(port)
}
