//! Which addresses a list may name: one that comes from far may not lead into a near network.
//!
//! A client judges by the root that it descends from, a superior by the node whose list it takes
//! over. What decides is the IANA registries of special-purpose addresses (RFC 6890), less those
//! for documentation, which are nobody's and stand for any host on the internet here.

use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::prefix::Prefix;

/// How far an address reaches, narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// This host.
    Loopback,
    /// This link.
    LinkLocal,
    /// A network that is not the internet.
    Private,
    /// The internet.
    Global,
}

impl Scope {
    /// The scope of an address that is one host's; `None`: it is no host's, but unspecified,
    /// multicast, broadcast or reserved. One that carries IPv4 addresses reaches no further than
    /// these do.
    pub fn of(ip: IpAddr) -> Option<Self> {
        meant(ip).map(plain).min().flatten()
    }

    /// An address, and the IPv4 addresses that it carries.
    pub fn stands_for(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
        iter::once(ip.to_canonical()).chain(meant(ip))
    }

    /// Whether a list that comes from an address of this scope may name `ip`: one from this host
    /// may name any host, one from the internet none inside the client's own network.
    pub fn allows(self, ip: IpAddr) -> bool {
        self.allows_also(ip, &[])
    }

    /// As [`Scope::allows`], or every address that `ip` stands for is in one of these prefixes. They
    /// make no host of what is none, and no difference to what merely carries such an address.
    pub fn allows_also(self, ip: IpAddr, prefixes: &[Prefix]) -> bool {
        let named = |ip| prefixes.iter().any(|prefix| prefix.contains(ip));
        meant(ip).all(|ip| plain(ip).is_some_and(|scope| scope >= self || named(ip)))
    }
}

/// What a datagram to this address ends at: the IPv4 address that a translated or tunnelled one
/// carries, or itself.
fn meant(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let ip = ip.to_canonical();
    let IpAddr::V6(v6) = ip else { return [Some(ip), None].into_iter().flatten() };
    let segments = v6.segments();
    let at = |index: usize| u32::from(segments[index]) << 16 | u32::from(segments[index + 1]);
    let v4 = |bits| Some(IpAddr::from(Ipv4Addr::from_bits(bits)));
    let meant = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => [v4(at(6)), None], // NAT64: RFC 6052
        [0x2002, ..] => [v4(at(1)), isatap(v6)],             // 6to4: RFC 3056
        // Teredo, its server's and, inverted, its client's: RFC 4380
        [0x2001, 0, ..] => [v4(at(2)), v4(!at(6))],
        _ => [Some(ip), isatap(v6)],
    };
    meant.into_iter().flatten()
}

/// The IPv4 address at the end of an ISATAP tunnel (RFC 5214), which any prefix may have behind it.
fn isatap(ip: Ipv6Addr) -> Option<IpAddr> {
    let [.., 0 | 0x200, 0x5efe, high, low] = ip.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into())
}

/// The scope of an address by itself.
fn plain(ip: IpAddr) -> Option<Scope> {
    match ip {
        IpAddr::V4(ip) => plain_v4(ip),
        IpAddr::V6(ip) => plain_v6(ip),
    }
}

fn plain_v4(ip: Ipv4Addr) -> Option<Scope> {
    match ip.octets() {
        [0 | 224..=255, ..] => None, // this network, multicast, reserved, broadcast: RFC 6890
        [192, 88, 99, _] => None,    // whatever 6to4 relay is near: RFC 7526
        [127, ..] => Some(Scope::Loopback),
        [169, 254, ..] => Some(Scope::LinkLocal),
        [100, 64..=127, ..] => Some(Scope::Private), // carriers' shared space: RFC 6598
        [192, 0, 0, _] => Some(Scope::Private),      // protocols' own, often one's router: RFC 6890
        [198, 18..=19, ..] => Some(Scope::Private),  // benchmarking: RFC 2544
        _ if ip.is_private() => Some(Scope::Private),
        _ => Some(Scope::Global),
    }
}

/// Outside of 2000::/3, all that the registry gives to hosts are the first three. It leaves out
/// what carries an IPv4 address at a place that only its network knows (64:ff9b:1::/48, RFC 8215)
/// or in a form long gone (::/96, RFC 4291).
fn plain_v6(ip: Ipv6Addr) -> Option<Scope> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Scope::Loopback),
        [0xfe80..=0xfebf, ..] => Some(Scope::LinkLocal),
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Some(Scope::Private), // RFC 4193, RFC 3879
        [0x2001, 0..=0x1ff, ..] => Some(Scope::Private),                 // protocols' own: RFC 6890
        [0x2000..=0x3fff, ..] => Some(Scope::Global),
        _ => None,
    }
}
