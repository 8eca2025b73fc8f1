//! What is on-link for this host: as near as can be, though its addresses may be the internet's.

use std::net::IpAddr;

use super::prefix::Prefix;
use super::scope::Scope;

/// The half of an IPv6 address that is a network's (RFC 4291, section 2.5.4). Whoever has its
/// address from DHCPv6 has it without a prefix (RFC 8415, section 18.2.10.1): the network is that.
const V6_NETWORK: u8 = 64;

/// The networks that this host is in. None of them may be named by who is elsewhere, other hosts
/// of the internet or not: whoever sees an address of this host knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnLink(Vec<Prefix>);

impl OnLink {
    /// Those of a host whose interfaces have these addresses, each with the length of its prefix. One of
    /// no length is none, and what is loopback or link-local its scope judges.
    pub fn new(addrs: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let wide = |ip| Scope::of(ip).is_some_and(|scope| scope > Scope::LinkLocal);
        let network = |(ip, len): (IpAddr, u8)| match (ip, len) {
            (_, 0) => None,
            (IpAddr::V6(_), len) => Prefix::around(ip, len.min(V6_NETWORK)),
            (IpAddr::V4(_), len) => Prefix::around(ip, len),
        };
        let addrs = addrs.into_iter().filter(|(ip, _)| wide(*ip));
        Self(addrs.filter_map(network).collect())
    }

    /// Whether a list that comes from `namer` may name `ip`: it is in none of them, or both are in one.
    /// What comes from this host or this link may name any.
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
        let beside = |ip| self.around(ip).any(|network| network.contains(namer));
        let elsewhere = |ip| self.around(ip).next().is_none();
        near || Scope::stands_for(ip).all(|ip| elsewhere(ip) || beside(ip) || excepted(ip))
    }

    /// Those that an address is in.
    pub fn around(&self, ip: IpAddr) -> impl Iterator<Item = &Prefix> {
        self.0.iter().filter(move |network| network.contains(ip))
    }
}
