//! Ports whose services answer anything, a request to them with an answer and an answer with another.

/// Whether one of them is at a port: echo, quote, chargen, DNS, NTP, NetBIOS names, SNMP, LDAP, SSDP,
/// mDNS, memcached. No server talks with whoever sends from there, and no client or superior takes what
/// is there for a balance server.
pub(super) fn is_loop_port(port: u16) -> bool {
    // Most ask from a port above them all.
    port <= 11211 && matches!(port, 7 | 17 | 19 | 53 | 123 | 137 | 161 | 389 | 1900 | 5353 | 11211)
}
