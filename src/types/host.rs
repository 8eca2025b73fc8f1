//! Host names, by their looks.

use std::net::IpAddr;

use super::endpoint_error::EndpointError;
use super::link_addr::LinkAddr;
use super::quoted::{ORDERS, escaped};

/// What separates a host name from an address gone wrong and from nonsense. Whether a name is one, and
/// whose, the resolver knows: hosts files, container networks and DNS have names of all kinds.
pub(crate) fn check_host(host: &str) -> Result<(), EndpointError> {
    // What no host of a URL has (WHATWG's forbidden domain code points), with what lists are separated
    // by and a shell's orders.
    let is_forbidden = |c: char| c.is_whitespace() || "%/:@,".contains(c) || ORDERS.contains(c);

    // A program may write an address as a name.
    if host.parse::<IpAddr>().is_ok() || LinkAddr::of(host).is_some() {
        Ok(())
    } else if host.is_empty() || host.contains(is_forbidden) || escaped(host) != host {
        Err(EndpointError::Host(host.to_owned()))
    } else if host.split('.').all(|part| part.is_empty() || is_number(part)) {
        // Some resolvers take `1.2.3` and `0x1.2.3` for 1.2.0.3.
        Err(EndpointError::Ipv4(host.to_owned()))
    } else {
        Ok(())
    }
}

/// Whether a part of a host is a number to those who read IPv4 addresses as `inet_aton` does: in digits, or
/// in hexadecimal ones behind `0x`.
pub(super) fn is_number(part: &str) -> bool {
    let hex = part.strip_prefix("0x").or(part.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// Whether a host is one of DNS by its looks: a dot stands between two labels.
pub(super) fn has_dot(host: &str) -> bool {
    host.trim_end_matches('.').contains('.')
}

/// Whether a host has the form of the names of SRV records, `_service._proto.name` (RFC 2782).
pub(super) fn is_service(host: &str) -> bool {
    let is_label = |label: &str| label.len() > 1 && label.starts_with('_');
    let mut labels = host.splitn(3, '.');
    let begins = labels.by_ref().take(2).filter(|label| is_label(label)).count() == 2;
    begins && labels.next().is_some_and(|name| !name.is_empty())
}

/// Whether a host begins as the names of SRV records do whose servers are reached by UDP (RFC 2782).
pub(crate) fn is_srv(host: &str) -> bool {
    let service = host.split_once('.').filter(|(service, _)| service.starts_with('_'));
    service.is_some_and(|(_, rest)| rest.starts_with("_udp."))
}
