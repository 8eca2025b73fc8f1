//! No disguise of an address is judged better than the address itself.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use turn_balance::net::engine::reach::Reach;

fuzz_target!(|input: ([u8; 16], [u8; 4])| {
    let (v6, v4) = (Ipv6Addr::from(input.0), Ipv4Addr::from(input.1));
    let plain = Reach::of(IpAddr::V4(v4));
    let [a, b, c, d] = input.1.map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let disguises = [
        v4.to_ipv6_mapped(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x0102, 0x0304, 0, 0, !high, !low),
    ];
    for disguise in disguises {
        assert!(Reach::of(IpAddr::V6(disguise)) <= plain, "{disguise}");
    }
    let judged = Reach::of(IpAddr::V6(v6));
    assert!(judged.is_none() || !v6.is_multicast() && !v6.is_unspecified(), "{v6}");
});
