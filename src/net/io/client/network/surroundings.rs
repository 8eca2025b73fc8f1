use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use if_addrs::get_if_addrs;

use crate::net::io::socket::udp::any;
use crate::types::{Family, Scope};

/// Addresses on the internet that are nobody's (RFC 5737, RFC 3849): which way leads there is asked, and
/// nothing sent.
const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// What this host's network is, as far as it matters where its datagrams leave from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// Its addresses, each with its interface and whether that is up; but for those of scope loopback and
    /// link, of which every container has one.
    addrs: Vec<(u32, IpAddr, bool)>,
    /// The address that leads to the internet, of each family.
    ways_out: [Option<IpAddr>; 2],
}

impl Surroundings {
    pub(super) fn now() -> Self {
        let interfaces = get_if_addrs().unwrap_or_default();
        let far = |ip| Scope::of(ip).is_some_and(|scope| scope > Scope::LinkLocal);
        let interfaces = interfaces.iter().filter(|interface| far(interface.ip()));
        let mut addrs: Vec<_> =
            interfaces.map(|one| (one.index.unwrap_or(0), one.ip(), one.is_oper_up())).collect();
        addrs.sort_unstable();
        Self { addrs, ways_out: FAR.map(way_out) }
    }
}

/// Where a datagram to an address would leave from.
fn way_out(to: IpAddr) -> Option<IpAddr> {
    let to = SocketAddr::new(to, 9); // discard (RFC 863)
    let socket = UdpSocket::bind(any(Family::of(to))).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|addr| addr.ip())
}
