//! Which addresses a list may name, in every form in which they can be written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use turn_balance::Prefix;
use turn_balance::internals::{OnLink, Scope};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

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
        ("198.51.100.7", "64:ff9b::a00:1", false, true),
        ("198.51.100.7", "64:ff9b::cb00:7101", true, true),
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
    for (root, named, plain, private) in cases {
        let root = Scope::of(ip(root)).unwrap();
        let floor = root.min(Scope::Private);
        let allowed = (root.allows(ip(named)), floor.allows(ip(named)));
        assert_eq!(allowed, (plain, private), "{named}");
    }
}

/// The IANA registries of special-purpose addresses, row by row.
#[test]
fn every_special_purpose_block_is_known() {
    use Scope::{Global, LinkLocal, Loopback, Private};
    let blocks = [
        ("0.0.0.0/8", None),
        ("10.0.0.0/8", Some(Private)),
        ("100.64.0.0/10", Some(Private)),
        ("127.0.0.0/8", Some(Loopback)),
        ("169.254.0.0/16", Some(LinkLocal)),
        ("172.16.0.0/12", Some(Private)),
        ("192.0.0.0/24", Some(Private)),
        ("192.0.2.0/24", Some(Global)), // documentation
        ("192.88.99.0/24", None),
        ("192.168.0.0/16", Some(Private)),
        ("198.18.0.0/15", Some(Private)),
        ("198.51.100.0/24", Some(Global)), // documentation
        ("203.0.113.0/24", Some(Global)),  // documentation
        ("224.0.0.0/4", None),
        ("240.0.0.0/4", None),
        ("255.255.255.255/32", None),
        ("::/128", None),
        ("::1/128", Some(Loopback)),
        ("64:ff9b:1::/48", None),
        ("100::/64", None),
        ("100:0:0:1::/64", None),
        ("2001:1::/32", Some(Private)),
        ("2001:2::/48", Some(Private)),
        ("2001:3::/32", Some(Private)),
        ("2001:4:112::/48", Some(Private)),
        ("2001:10::/28", Some(Private)),
        ("2001:20::/28", Some(Private)),
        ("2001:30::/28", Some(Private)),
        ("2001:db8::/32", Some(Global)), // documentation
        ("3fff::/20", Some(Global)),     // documentation
        ("5f00::/16", None),
        ("fc00::/7", Some(Private)),
        ("fe80::/10", Some(LinkLocal)),
        ("fec0::/10", Some(Private)),
        ("ff00::/8", None),
        ("4000::/3", None), // not given to anyone yet
    ];
    for (block, scope) in blocks {
        let (base, len) = block.split_once('/').unwrap();
        let (base, len) = (ip(base), len.parse::<u32>().unwrap());
        let last = match base {
            IpAddr::V4(ip) => {
                IpAddr::from((ip.to_bits() | u32::MAX.unbounded_shr(len)).to_be_bytes())
            }
            IpAddr::V6(ip) => {
                IpAddr::from((ip.to_bits() | u128::MAX.unbounded_shr(len)).to_be_bytes())
            }
        };
        assert_eq!([Scope::of(base), Scope::of(last)], [scope; 2], "{block}");
    }
}

#[test]
fn exceptions_let_hosts_through_and_nothing_else() {
    let prefixes = ["10.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "64:ff9b::/96", "::/128"];
    let prefixes = prefixes.map(|prefix| prefix.parse().unwrap());
    let allows = |named| Scope::Global.allows_also(ip(named), &prefixes);
    for named in ["10.1.2.3", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"] {
        assert!(allows(named), "{named}");
    }
    let others = ["192.168.0.1", "64:ff9b::c0a8:1", "224.0.0.1", "255.255.255.255", "::"];
    for named in others.into_iter().chain(["::1", "64:ff9b::e000:1"]) {
        assert!(!allows(named), "{named}");
    }
}

/// What is on-link for a host whose interfaces have these addresses and prefixes, each one.
fn on_link(addrs: &[(&str, u8)]) -> OnLink {
    OnLink::new((0..).zip(addrs).map(|(link, (text, len))| (link, ip(text), *len)))
}

#[test]
fn what_is_on_link_is_named_only_from_there() {
    let here = on_link(&[
        ("203.0.113.9", 24),
        ("203.0.113.50", 32), // its own, on loopback
        ("192.0.2.9", 32),
        ("2001:db8:1::9", 64),
        ("2001:db8:2::9", 128), // from DHCPv6
        ("2001:db8:8000::9", 33),
        ("10.0.0.9", 8),
    ]);
    let cases = [
        // namer, address, whether it may
        ("198.51.100.7", "203.0.113.1", false),
        ("198.51.100.7", "203.0.113.255", false),
        ("198.51.100.7", "203.0.112.255", true),
        ("198.51.100.7", "192.0.2.9", false),
        ("198.51.100.7", "192.0.2.8", true),
        ("203.0.113.7", "203.0.113.1", true),
        ("203.0.113.7", "203.0.113.50", true),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.1", true),
        ("203.0.113.7", "192.0.2.9", false),
        ("203.0.113.7", "2001:db8:1::1", false),
        ("2001:db8:1::7", "2001:db8:1::1", true),
        ("2001:db8:2::7", "2001:db8:1::1", false),
        ("2001:db8:3::7", "2001:db8:2::1", false),
        ("2001:db8:3::7", "2001:db8:ffff::1", false),
        ("2001:db8:3::7", "2001:db8:7fff::1", true),
        ("192.168.0.1", "10.1.2.3", false),
        ("10.200.0.1", "10.1.2.3", true),
        ("127.0.0.1", "203.0.113.1", true),
        ("::1", "10.1.2.3", true),
        ("fe80::1", "2001:db8:1::1", true),
        ("169.254.0.1", "203.0.113.1", true),
    ];
    for (namer, named, may) in cases {
        assert_eq!(here.allows(ip(namer), ip(named)), may, "{namer} names {named}");
    }
    let nothing = [
        ("203.0.113.9", 0),
        ("2001:db8::9", 0),
        ("127.0.0.1", 8),
        ("::1", 128),
        ("169.254.0.9", 16),
        ("fe80::9", 64),
        ("0.0.0.0", 8),
        ("203.0.113.9", 33),
    ];
    assert_eq!(on_link(&nothing), OnLink::default());
}

#[test]
fn who_is_on_a_link_names_what_is_there_by_another_address() {
    let addrs = [(1, "203.0.113.9", 24), (1, "2001:db8:1::9", 64), (2, "192.0.2.9", 24)];
    let here = OnLink::new(addrs.map(|(link, text, len)| (link, ip(text), len)));
    assert!(here.allows(ip("203.0.113.1"), ip("2001:db8:1::7")));
    assert!(here.allows(ip("2001:db8:1::7"), ip("203.0.113.1")));
    assert!(!here.allows(ip("203.0.113.1"), ip("192.0.2.7")));
    assert!(!here.allows(ip("2001:db8:2::7"), ip("2001:db8:1::7")));
}

#[test]
fn an_exception_opens_a_network_or_a_part_of_it() {
    let (here, namer) = (on_link(&[("203.0.113.9", 24)]), ip("198.51.100.7"));
    let but = |named| here.allows_also(namer, ip(named), |ip| ip == self::ip("203.0.113.1"));
    for named in ["203.0.113.1", "64:ff9b::203.0.113.1", "2002:cb00:7101::1", "192.0.2.1"] {
        assert!(but(named), "{named}");
    }
    for named in ["203.0.113.2", "64:ff9b::203.0.113.2", "2001:0:cb00:7101::34ff:8efd"] {
        assert!(!but(named), "{named}");
    }
}

/// All ways in which an IPv6 address carries this IPv4 address.
fn carriers(v4: u32, any: u128) -> Vec<Ipv6Addr> {
    let low = u128::from(v4);
    let above = |bits: u32| any & (u128::MAX << bits);
    let under = |bits: u32| any & !(u128::MAX << bits);
    let local = 0x64_ff9b_0001_u128 << 80;
    let carriers = [
        0xffff << 32 | low,                                          // mapped
        low,                                                         // compatible
        0xffff_0000 << 32 | low,                                     // translated: SIIT
        0x64_ff9b << 96 | low,                                       // NAT64
        local | under(80) & !0xffff_ffff | low,                      // its local form, /96
        local | low >> 16 << 64 | (low & 0xffff) << 40 | under(40),  // the same, /48
        0x2002 << 112 | low << 80 | under(80),                       // 6to4
        0x2001_0000 << 96 | u128::from(!v4) | above(32) & under(96), // Teredo's client
        0x2001_0000 << 96 | low << 64 | under(64),                   // Teredo's server
        above(64) | 0x5efe << 32 | low,                              // ISATAP
        above(64) | 0x0200_5efe << 32 | low,                         // ISATAP
        0x2002_cb00_7101 << 80 | 0x5efe << 32 | low,                 // ISATAP behind 6to4
    ];
    carriers.map(Ipv6Addr::from_bits).into()
}

/// Any address, the special ones as often as the others.
fn any_v4() -> impl Strategy<Value = u32> {
    let special: Vec<u32> = [
        "0.0.0.0",
        "10.0.0.0",
        "100.64.0.0",
        "127.0.0.0",
        "169.254.0.0",
        "172.16.0.0",
        "192.0.0.0",
        "192.88.99.0",
        "192.168.0.0",
        "198.18.0.0",
        "224.0.0.0",
        "255.255.255.0",
    ]
    .map(|base| base.parse::<Ipv4Addr>().unwrap().to_bits())
    .into();
    let near = (proptest::sample::select(special), any::<u8>());
    prop_oneof![any::<u32>(), near.prop_map(|(base, last)| base | u32::from(last))]
}

fn any_scope() -> impl Strategy<Value = Scope> {
    use Scope::{Global, LinkLocal, Loopback, Private};
    proptest::sample::select(vec![Loopback, LinkLocal, Private, Global])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_refused_is_refused_in_every_disguise(
        v4 in any_v4(),
        any: u128,
        root in any_scope(),
        exceptions in proptest::collection::vec(any_v4(), 0..3),
    ) {
        let exceptions: Vec<Prefix> = exceptions
            .into_iter()
            .map(|v4| format!("{}/24", Ipv4Addr::from_bits(v4 & !0xff)).parse().unwrap())
            .chain(["::/0".parse().unwrap()].into_iter().filter(|_| any & 1 == 0))
            .collect();
        let refused = !root.allows_also(Ipv4Addr::from_bits(v4).into(), &exceptions);
        for carrier in carriers(v4, any).into_iter().filter(|ip| !ip.is_loopback()) {
            let allowed = root.allows_also(carrier.into(), &exceptions);
            prop_assert!(!(refused && allowed), "{carrier}");
        }
    }

    #[test]
    fn what_is_on_link_is_so_in_every_disguise(last: u8, any: u128) {
        let here = on_link(&[("203.0.113.9", 24)]);
        let v4 = Ipv4Addr::new(203, 0, 113, last).to_bits();
        for carrier in carriers(v4, any) {
            let namer = ip("198.51.100.7");
            let may = Scope::Global.allows(carrier.into()) && here.allows(namer, carrier.into());
            prop_assert!(!may, "{carrier}");
        }
    }

    #[test]
    fn what_is_allowed_is_a_hosts_and_reaches_as_far(any: u128, root in any_scope()) {
        let ip = IpAddr::from(Ipv6Addr::from_bits(any));
        let scope = Scope::of(ip);
        prop_assert_eq!(root.allows(ip), scope.is_some_and(|scope| scope >= root));
        prop_assert!(!ip.is_multicast() || scope.is_none());
    }
}
