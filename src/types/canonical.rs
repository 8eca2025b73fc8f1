use std::net::{SocketAddr, SocketAddrV6};

/// An address the one way that compares: an IPv4-mapped one is of IPv4, no flow is labelled, and only a
/// link-local one has a scope (RFC 4007), as the system tells where a datagram comes from.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    let SocketAddr::V6(v6) = addr else { return addr };
    let scope = if v6.ip().is_unicast_link_local() { v6.scope_id() } else { 0 };
    match v6.ip().to_ipv4_mapped() {
        Some(ip) => (ip, v6.port()).into(),
        None => SocketAddrV6::new(*v6.ip(), v6.port(), 0, scope).into(),
    }
}

/// The same address on whichever link; `None`: it is that already.
#[cfg(feature = "client")]
pub(crate) fn unscoped(addr: SocketAddr) -> Option<SocketAddr> {
    match addr {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => Some((*v6.ip(), v6.port()).into()),
        _ => None,
    }
}
