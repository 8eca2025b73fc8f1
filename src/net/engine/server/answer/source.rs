//! Who is never answered, whatever is asked.

use std::net::SocketAddr;

use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::incoming::LocalAddr;

/// Judges where a datagram comes from.
pub(super) fn judge_source(to: &LocalAddr, from: &SocketAddr) -> Result<(), DropReason> {
    let LocalAddr(to) = to;
    match from.port() {
        port if is_port_zero(port) => Err(DropReason::PortZero),
        port if port == to.port() && from == to => Err(DropReason::OwnAddress),
        port if is_loop_port(port) => Err(DropReason::LoopPort),
        _ => Ok(()),
    }
}

fn is_port_zero(port: u16) -> bool {
    planted!(PortZeroAnswered => false);
    port == 0
}

/// Whether the service of a port answers any datagram, and so would talk with a server for ever:
/// echo, quote, chargen, DNS, TFTP's kin, NTP, SNMP, LDAP, SSDP, mDNS, memcached.
fn is_loop_port(port: u16) -> bool {
    planted!(LoopPortAnswered => false);
    // Most ask from a port above them all.
    port <= 11211 && matches!(port, 7 | 17 | 19 | 53 | 123 | 161 | 389 | 1900 | 5353 | 11211)
}
