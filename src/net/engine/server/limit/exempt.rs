//! Who is neither limited nor suspected.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::types::Prefix;

/// Prefixes by family, each as its base and the bits of it that count.
#[derive(Debug)]
pub(super) struct Exempt {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Exempt {
    pub(super) fn new(prefixes: &[Prefix]) -> Self {
        let v4 = prefixes.iter().filter_map(Prefix::v4_bits).collect();
        let v6 = prefixes.iter().filter_map(Prefix::v6_bits).collect();
        Self { v4, v6 }
    }

    #[inline]
    pub(super) fn contains(&self, addr: &SocketAddr) -> bool {
        match addr {
            SocketAddr::V4(addr) => self.contains_v4(*addr.ip()),
            SocketAddr::V6(addr) => self.contains_v6(addr.ip()),
        }
    }

    #[inline]
    fn contains_v4(&self, ip: Ipv4Addr) -> bool {
        self.v4.iter().any(|(base, mask)| ip.to_bits() & mask == *base)
    }

    #[inline(never)]
    fn contains_v6(&self, ip: &Ipv6Addr) -> bool {
        match ip.to_ipv4_mapped() {
            Some(ip) => self.contains_v4(ip),
            None => self.v6.iter().any(|(base, mask)| ip.to_bits() & mask == *base),
        }
    }
}
