//! No disguise of an address is judged better than the address itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use turn_balance::Prefix;
use turn_balance::internals::Scope;

use super::input::Input;

pub(crate) fn run(bytes: &[u8]) {
    use Scope::{Global, LinkLocal, Loopback, Private};
    let mut input = Input::new(bytes);
    let bits = u128::from(input.number()) << 64 | u128::from(input.number());
    let (v6, v4) = (Ipv6Addr::from_bits(bits), Ipv4Addr::from_bits(input.number() as u32));
    let floor = [Loopback, LinkLocal, Private, Global][input.below(4)];
    let plain = Scope::of(IpAddr::V4(v4));
    let [a, b, c, d] = v4.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let prefix: Result<Prefix, _> = format!("{v4}/{}", input.below(34)).parse();
    let prefixes: Vec<_> = prefix.into_iter().collect();
    let may = floor.allows_also(IpAddr::V4(v4), &prefixes);
    let disguises = [
        v4.to_ipv6_mapped(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x0102, 0x0304, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0x5efe, high, low),
    ];
    for disguise in disguises {
        assert!(Scope::of(IpAddr::V6(disguise)) <= plain, "{disguise}");
        assert!(may || !floor.allows_also(IpAddr::V6(disguise), &prefixes), "{disguise}");
    }
    for ip in [IpAddr::V4(v4), IpAddr::V6(v6)] {
        let judged = Scope::of(ip);
        assert!(judged.is_none() || !ip.is_multicast() && !ip.is_unspecified(), "{ip}");
        assert_eq!(floor.allows(ip), judged.is_some_and(|scope| scope >= floor), "{ip}");
        // An exception makes no host of what is none, and takes nothing away.
        assert!(!floor.allows_also(ip, &prefixes) || judged.is_some(), "{ip}");
        assert!(!floor.allows(ip) || floor.allows_also(ip, &prefixes), "{ip}");
    }
}
