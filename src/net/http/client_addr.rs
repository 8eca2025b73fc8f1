//! Who asks, where a proxy stands between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::types::Prefix;

/// How many hops are read of `X-Forwarded-For`: more than any chain of proxies has.
const MOST_HOPS: usize = 32;

/// The address that a request comes from: the last one that no trusted proxy has, as the proxies tell it.
pub(super) fn client_addr(peer: IpAddr, headers: &HeaderMap, trusted: &[Prefix]) -> IpAddr {
    let values = headers.get_all("x-forwarded-for").iter();
    // Whatever a stranger has sent, what a proxy has added to it is read.
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let values: Vec<_> = values.iter().map(AsRef::as_ref).collect();
    forwarded_for(peer, &values, trusted)
}

/// The same of these values of the header, in their order.
pub(super) fn forwarded_for(peer: IpAddr, values: &[&str], trusted: &[Prefix]) -> IpAddr {
    let trusts = |ip: IpAddr| trusted.iter().any(|prefix| prefix.contains(ip.to_canonical()));
    let mut from = peer.to_canonical();
    let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
    for hop in hops.take(MOST_HOPS) {
        // What a stranger has written counts only as far as a trusted proxy has added to it.
        let Some(ip) = trusts(from).then(|| hop_of(hop.trim())).flatten() else { break };
        from = ip;
    }
    from
}

/// An address, with a port or without.
fn hop_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_who_asks() {
        let trusted: Vec<Prefix> =
            ["127.0.0.1", "10.0.0.0/8"].map(|text| text.parse().unwrap()).into();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (peer, values, expected) in [
            ("203.0.113.7", &["198.51.100.1"][..], "203.0.113.7"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["192.0.2.1, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["192.0.2.1, 198.51.100.1", "10.1.2.3"], "198.51.100.1"),
            ("127.0.0.1", &["192.0.2.1, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.1, , 10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ] {
            assert_eq!(
                forwarded_for(ip(peer), values, &trusted),
                ip(expected),
                "{peer} {values:?}"
            );
        }
        let long = vec!["10.0.0.1"; 100].join(",");
        assert_eq!(forwarded_for(ip("127.0.0.1"), &[&long], &trusted), ip("10.0.0.1"));
    }
}
