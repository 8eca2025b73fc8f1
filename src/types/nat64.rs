//! NAT64: IPv4 addresses that a network carries in IPv6 addresses of its own (RFC 6052), and how it
//! is found out in which (RFC 7050).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::scope::Scope;

/// The name whose IPv6 addresses say it.
pub(crate) const IPV4_ONLY: &str = "ipv4only.arpa";

/// Its IPv4 addresses, which those carry.
const WELL_KNOWN: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];

/// The prefix that needs no network's own addresses, and carries no others than the internet's
/// (RFC 6052, section 3.1).
const GLOBAL_ONLY: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// The half of an address that no IPv4 address crosses without a gap of so many bits, 64 to 71.
const UPPER: u128 = !0 << 64;
const PASSED_OVER: u32 = 8;

/// The lengths that a prefix may have, in bits.
const LENGTHS: [u8; 6] = [32, 40, 48, 56, 64, 96];

/// How many prefixes are kept: a network has one or two, and whoever answers for its resolver may
/// send hundreds.
const MOST: usize = 8;
const MOST_LOOKED_AT: usize = 64;

/// A prefix of IPv6 addresses that each carry an IPv4 address right behind it. Bits 64 to 71 are
/// passed over (RFC 6052, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prefix64 {
    base: u128,
    len: u8,
}

impl Prefix64 {
    /// The one of this length that an address is in.
    fn of(ip: Ipv6Addr, len: u8) -> Self {
        Self { base: ip.to_bits() & !(u128::MAX >> len), len }
    }

    /// Those by which an address carries one of the well-known ones, of `all` that there are. One alone
    /// is it; among several, which a prefix may be the reason of, it is the one that carries both.
    fn found_in(ip: Ipv6Addr, all: &[Ipv6Addr]) -> impl Iterator<Item = Self> {
        let shows = |prefix: Self, ip, v4| prefix.contains(ip) && prefix.exposed(ip) == v4;
        let found = LENGTHS.map(|len| Self::of(ip, len)).into_iter();
        let found: Vec<_> =
            found.filter(|prefix| WELL_KNOWN.iter().any(|v4| shows(*prefix, ip, *v4))).collect();
        let alone = found.len() == 1;
        let both = move |prefix: Self| {
            WELL_KNOWN.iter().all(|v4| all.iter().any(|ip| shows(prefix, *ip, *v4)))
        };
        found.into_iter().filter(move |prefix| alone || both(*prefix))
    }

    /// Whether it is one of the internet or of a network's own, by itself or by RFC 6052 and RFC 8215:
    /// whoever answers for the resolver may not lead this host to itself or to its neighbours.
    fn is_plausible(self) -> bool {
        let base = Ipv6Addr::from_bits(self.base);
        let local = matches!(base.segments(), [0x64, 0xff9b, 1, ..]);
        let wide = Scope::of(base.into()).is_some_and(|scope| scope >= Scope::Private);
        self.is_global_only() || local || wide
    }

    fn is_global_only(self) -> bool {
        self == Self::of(GLOBAL_ONLY, 96)
    }

    fn contains(self, ip: Ipv6Addr) -> bool {
        Self::of(ip, self.len) == self
    }

    /// The address in it that carries an IPv4 address; `None`: none may.
    fn embed(self, v4: Ipv4Addr) -> Option<Ipv6Addr> {
        let may = !self.is_global_only() || Scope::of(v4.into()) == Some(Scope::Global);
        may.then(|| Ipv6Addr::from_bits(self.base | self.place(v4)))
    }

    /// An IPv4 address at its place among 128 bits.
    fn place(self, v4: Ipv4Addr) -> u128 {
        let bits = u128::from(v4.to_bits()) << (96 - self.len);
        if self.len == 96 { bits } else { bits & UPPER | (bits & !UPPER) >> PASSED_OVER }
    }

    /// The IPv4 address at its place in an address, whatever is before and behind it: translators look
    /// at nothing else (RFC 6052, section 2.2).
    fn exposed(self, ip: Ipv6Addr) -> Ipv4Addr {
        let bits = ip.to_bits();
        let bits = if self.len == 96 { bits } else { bits & UPPER | bits << PASSED_OVER & !UPPER };
        Ipv4Addr::from_bits((bits >> (96 - self.len)) as u32)
    }
}

/// The ways that the network of a host has to IPv4, if it has any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nat64(Vec<Prefix64>);

impl Nat64 {
    /// What the addresses of `ipv4only.arpa` tell, as this host has them from its resolver.
    pub fn found_in(addrs: impl IntoIterator<Item = IpAddr>) -> Self {
        let v6 = |ip| if let IpAddr::V6(ip) = ip { Some(ip) } else { None };
        let all: Vec<_> = addrs.into_iter().filter_map(v6).take(MOST_LOOKED_AT).collect();
        let mut prefixes = Vec::new();
        let found = all.iter().flat_map(|ip| Prefix64::found_in(*ip, &all));
        for prefix in found.filter(|prefix| prefix.is_plausible()) {
            if !prefixes.contains(&prefix) && prefixes.len() < MOST {
                prefixes.push(prefix);
            }
        }
        Self(prefixes)
    }

    /// Whether there is no way.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one may lead to an address: one of IPv4 that is neither of this host nor of this link.
    pub fn may_lead_to(addr: SocketAddr) -> bool {
        addr.is_ipv4() && Scope::of(addr.ip()).is_some_and(|scope| scope > Scope::LinkLocal)
    }

    /// What to send to instead of an IPv4 address; `None`: no way leads to it.
    pub fn way_to(&self, addr: SocketAddr) -> Option<SocketAddr> {
        let SocketAddr::V4(v4) = addr else { return None };
        let prefixes = self.0.iter().filter(|_| Self::may_lead_to(addr));
        let way = prefixes.filter_map(|prefix| prefix.embed(*v4.ip())).next()?;
        Some(SocketAddr::new(way.into(), v4.port()))
    }

    /// Where a datagram to an address ends, as far as this is known: at the IPv4 address that it
    /// carries, or there.
    pub fn end_of(&self, ip: IpAddr) -> IpAddr {
        let IpAddr::V6(v6) = ip else { return ip };
        let prefix = self.0.iter().find(|prefix| prefix.contains(v6));
        prefix.map_or(ip, |prefix| prefix.exposed(v6).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6052, section 2.4: 192.0.2.33 in each of these.
    const EXAMPLES: [(&str, u8, &str); 7] = [
        ("2001:db8::", 32, "2001:db8:c000:221::"),
        ("2001:db8:100::", 40, "2001:db8:1c0:2:21::"),
        ("2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::", 96, "64:ff9b::192.0.2.33"),
    ];

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn prefixes() -> impl Iterator<Item = Prefix64> {
        EXAMPLES.into_iter().map(|(base, len, _)| Prefix64::of(v6(base), len))
    }

    /// Of a network whose resolver says this.
    fn nat64(addrs: &[&str]) -> Nat64 {
        Nat64::found_in(addrs.iter().map(|text| text.parse().unwrap()))
    }

    /// What is sent to instead of an address.
    fn way(nat64: &Nat64, to: &str) -> Option<String> {
        nat64.way_to(to.parse().unwrap()).map(|way| way.to_string())
    }

    #[test]
    fn an_address_is_put_where_the_standard_says() {
        for (prefix, (base, len, embedded)) in prefixes().zip(EXAMPLES) {
            let v4 = Ipv4Addr::new(192, 0, 2, 33);
            assert_eq!(prefix.embed(v4), Some(v6(embedded)), "{base}/{len}");
            assert_eq!(prefix.exposed(v6(embedded)), v4, "{base}/{len}");
        }
    }

    #[test]
    fn every_address_comes_back_out_of_every_prefix_whatever_stands_behind_it() {
        let all = (0..32).map(|bit| 1 << bit).chain([0, u32::MAX, 0x0102_0304]);
        for (v4, prefix) in all.flat_map(|bits| prefixes().map(move |p| (bits, p))) {
            let v4 = Ipv4Addr::from_bits(v4);
            let ip = Ipv6Addr::from_bits(prefix.base | prefix.place(v4));
            assert!(prefix.contains(ip), "{prefix:?} {v4}");
            assert_eq!(prefix.exposed(ip), v4, "{prefix:?}");
            assert_eq!(ip.octets()[8], 0, "{prefix:?} {v4}: bits 64 to 71");
            let behind = if prefix.len == 96 { 0 } else { 0xff << 56 | 0xff_ffff };
            let noisy = Ipv6Addr::from_bits(ip.to_bits() | behind);
            assert_eq!(prefix.exposed(noisy), v4, "{prefix:?}");
        }
    }

    #[test]
    fn a_prefix_is_known_by_what_it_carries() {
        for prefix in prefixes() {
            let carry = |v4| IpAddr::from(Ipv6Addr::from_bits(prefix.base | prefix.place(v4)));
            for v4 in WELL_KNOWN {
                assert_eq!(Nat64::found_in([carry(v4)]), Nat64(vec![prefix]), "{v4}");
            }
            assert_eq!(Nat64::found_in(WELL_KNOWN.map(carry)), Nat64(vec![prefix]));
            assert!(Nat64::found_in([carry(Ipv4Addr::new(192, 0, 0, 172))]).is_empty());
        }
    }

    #[test]
    fn a_prefix_that_has_such_bits_itself_is_told_by_both() {
        let [first, second] = ["2001:db8:c000:aa::192.0.0.170", "2001:db8:c000:aa::192.0.0.171"];
        assert!(nat64(&[first]).is_empty(), "it is at two places");
        let meant = Prefix64::of(v6("2001:db8:c000:aa::"), 96);
        assert_eq!(nat64(&[first, second]), Nat64(vec![meant]));
    }

    #[test]
    fn no_resolver_leads_to_this_host_or_its_neighbours() {
        for text in
            ["::ffff:192.0.0.170", "::192.0.0.170", "fe80::192.0.0.170", "ff02::192.0.0.170"]
        {
            assert!(nat64(&[text]).is_empty(), "{text}");
        }
        for text in ["64:ff9b::192.0.0.170", "64:ff9b:1:fffe::192.0.0.171", "fd00::192.0.0.170"] {
            assert!(!nat64(&[text]).is_empty(), "{text}");
        }
        assert!(nat64(&["192.0.0.170", "2001:db8::1"]).is_empty());
    }

    #[test]
    fn the_well_known_prefix_carries_the_internet_alone() {
        let own = "2001:db8:64::192.0.0.170";
        let both = nat64(&["64:ff9b::192.0.0.170", own, "64:ff9b::192.0.0.171"]);
        let expected = Some("[64:ff9b::cb00:7109]:3478");
        assert_eq!(way(&both, "203.0.113.9:3478").as_deref(), expected);
        assert_eq!(way(&both, "10.0.0.1:3001").as_deref(), Some("[2001:db8:64::a00:1]:3001"));
        assert_eq!(way(&nat64(&["64:ff9b::192.0.0.170"]), "10.0.0.1:3001"), None);
        for near in ["127.0.0.1:3001", "169.254.0.1:3001", "0.0.0.0:1", "[2001:db8::1]:3001"] {
            assert_eq!(way(&both, near), None, "{near}");
        }
        assert_eq!(way(&Nat64::default(), "203.0.113.9:3478"), None);
    }

    #[test]
    fn an_address_ends_at_what_it_carries() {
        let nat64 = nat64(&["2001:db8:64::192.0.0.170"]);
        let end = |text: &str| nat64.end_of(text.parse().unwrap()).to_string();
        assert_eq!(end("2001:db8:64::10.0.0.1"), "10.0.0.1");
        for text in ["2001:db8:65::10.0.0.1", "64:ff9b::a00:1", "10.0.0.1"] {
            assert_eq!(end(text), text.parse::<IpAddr>().unwrap().to_string());
        }
    }

    #[test]
    fn whoever_answers_for_the_resolver_gives_no_endless_list() {
        let many: Vec<_> = (0..99).map(|n| format!("2001:db8:{n:x}::192.0.0.170")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(nat64(&many).0.len(), MOST);
    }
}
