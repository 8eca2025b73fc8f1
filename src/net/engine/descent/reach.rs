//! Which addresses a list may send the client to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Loopback,
    LinkLocal,
    Private,
    Global,
}

impl Reach {
    /// The reach of an address that is one host's; none for any other (unspecified, multicast,
    /// broadcast, reserved).
    pub(super) fn of(ip: IpAddr) -> Option<Self> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// Whether a list below a root of this reach may name the address: a root on this host may
    /// name any, one on the internet none inside the client's own network.
    pub(super) fn allows(self, ip: IpAddr, allow_private: bool) -> bool {
        let floor = if allow_private { self.min(Self::Private) } else { self };
        Self::of(ip).is_some_and(|reach| reach >= floor)
    }
}

fn of_v4(ip: Ipv4Addr) -> Option<Reach> {
    match ip.octets() {
        [0 | 224..=255, ..] => None, // this network, multicast, reserved, broadcast: RFC 6890
        [127, ..] => Some(Reach::Loopback),
        [169, 254, ..] => Some(Reach::LinkLocal),
        [100, 64..=127, ..] => Some(Reach::Private), // carriers' shared space: RFC 6598
        [198, 18..=19, ..] => Some(Reach::Private),  // benchmarking: RFC 2544
        _ if ip.is_private() => Some(Reach::Private),
        _ => Some(Reach::Global),
    }
}

fn of_v6(ip: Ipv6Addr) -> Option<Reach> {
    if let Some(inner) = embedded(ip) {
        return of_v4(inner);
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Reach::Loopback),
        [0, 0, 0, 0, 0, 0, ..] | [0xff00..=0xffff, ..] => None,
        [0xfe80..=0xfebf, ..] => Some(Reach::LinkLocal),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some(Reach::Private),
        _ => Some(Reach::Global),
    }
}

/// The IPv4 address that a translated or tunnelled IPv6 address ends at: NAT64 (RFC 6052), 6to4
/// (RFC 3056), Teredo (RFC 4380, its client's address is inverted).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x2001, 0, .., high, low] => Some(join(!high, !low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_names_only_what_it_may() {
        let cases = [
            // root, address, allowed, allowed with private addresses
            ("198.51.100.7", "203.0.113.1", true, true),
            ("198.51.100.7", "10.0.0.1", false, true),
            ("198.51.100.7", "172.31.0.1", false, true),
            ("198.51.100.7", "100.64.0.1", false, true),
            ("198.51.100.7", "127.0.0.1", false, false),
            ("198.51.100.7", "169.254.1.1", false, false),
            ("198.51.100.7", "0.0.0.0", false, false),
            ("198.51.100.7", "224.0.0.1", false, false),
            ("198.51.100.7", "255.255.255.255", false, false),
            ("198.51.100.7", "::ffff:127.0.0.1", false, false),
            ("198.51.100.7", "::ffff:203.0.113.1", true, true),
            ("198.51.100.7", "64:ff9b::7f00:1", false, false),
            ("198.51.100.7", "2002:7f00:1::1", false, false),
            ("198.51.100.7", "2001:0:1::80ff:fffe", false, false),
            ("198.51.100.7", "::127.0.0.1", false, false),
            ("198.51.100.7", "::1", false, false),
            ("198.51.100.7", "fe80::1", false, false),
            ("198.51.100.7", "fd00::1", false, true),
            ("198.51.100.7", "ff02::1", false, false),
            ("198.51.100.7", "2001:db8::1", true, true),
            ("10.0.0.1", "10.9.9.9", true, true),
            ("10.0.0.1", "127.0.0.1", false, false),
            ("127.0.0.1", "127.0.0.9", true, true),
            ("127.0.0.1", "10.0.0.1", true, true),
            ("127.0.0.1", "0.0.0.0", false, false),
        ];
        for (root, ip, plain, private) in cases {
            let root = Reach::of(root.parse().unwrap()).unwrap();
            let ip = ip.parse().unwrap();
            assert_eq!((root.allows(ip, false), root.allows(ip, true)), (plain, private), "{ip}");
        }
    }
}
