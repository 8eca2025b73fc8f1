//! What is on-link for this host: as near as can be, though its addresses may be the internet's.

use std::net::IpAddr;

use super::family::Family;
use super::prefix::Prefix;
use super::scope::Scope;

/// The half of an IPv6 address that is a network's (RFC 4291, section 2.5.4). Whoever has its
/// address from DHCPv6 has it without a prefix (RFC 8415, section 18.2.10.1): the network is that.
const V6_NETWORK: u8 = 64;

/// The networks that this host is in, each with the number of the link that it is on. None of them may be
/// named by who is elsewhere, other hosts of the internet or not: whoever sees an address of this
/// host knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnLink(Vec<(u32, Prefix)>);

impl OnLink {
    /// Those of a host whose interfaces, by their numbers, have these addresses, each with the length of
    /// its prefix. One of no length is none, and what is loopback or link-local its scope judges.
    pub fn new(addrs: impl IntoIterator<Item = (u32, IpAddr, u8)>) -> Self {
        let wide = |ip| Scope::of(ip).is_some_and(|scope| scope > Scope::LinkLocal);
        let network = |(link, ip, len): (u32, IpAddr, u8)| {
            let len = if ip.is_ipv6() { len.min(V6_NETWORK) } else { len };
            Some((link, Prefix::around(ip, len).filter(|_| len > 0)?))
        };
        let addrs = addrs.into_iter().filter(|(_, ip, _)| wide(*ip));
        Self(addrs.filter_map(network).collect())
    }

    /// Whether a list that comes from `namer` may name `ip`: it is in none of them, or both are on one
    /// link, be it by addresses of two families. What comes from this host, or a link-local address, may
    /// name any.
    pub fn allows(&self, namer: IpAddr, ip: IpAddr) -> bool {
        self.allows_also(namer, ip, |_| false)
    }

    /// As [`OnLink::allows`], or every address in them that `ip` stands for is excepted.
    pub fn allows_also(
        &self,
        namer: IpAddr,
        ip: IpAddr,
        excepted: impl Fn(IpAddr) -> bool,
    ) -> bool {
        let near = Scope::of(namer).is_some_and(|scope| scope <= Scope::LinkLocal);
        let beside = |ip| self.links(ip).any(|link| self.links(namer).any(|other| link == other));
        let elsewhere = |ip| self.around(ip).next().is_none();
        near || Scope::stands_for(ip).all(|ip| elsewhere(ip) || beside(ip) || excepted(ip))
    }

    /// Whether any is of a family.
    pub fn has(&self, family: Family) -> bool {
        let v4 = family == Family::V4;
        self.0.iter().any(|(_, network)| network.v4_bits().is_some() == v4)
    }

    /// Those that an address is in.
    pub fn around(&self, ip: IpAddr) -> impl Iterator<Item = &Prefix> {
        self.0.iter().map(|(_, network)| network).filter(move |network| network.contains(ip))
    }

    fn links(&self, ip: IpAddr) -> impl Iterator<Item = u32> {
        let on = move |(link, network): &(u32, Prefix)| network.contains(ip).then_some(*link);
        self.0.iter().filter_map(on)
    }
}
