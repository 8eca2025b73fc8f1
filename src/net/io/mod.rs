//! Sockets, the clock and tokio: the only room that has them. It never prints or exits.

#[cfg(feature = "client")]
pub(crate) mod client;
mod random;
mod resolve;
#[cfg(feature = "server")]
pub(crate) mod server;
mod socket;

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

/// Opens a socket for tokio. One of IPv6 has IPv6 only, so that each family has its own.
fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket::option::dont_fragment(&socket, addr.is_ipv6());
    socket.bind(&addr.into())?;
    UdpSocket::from_std(socket.into())
}

/// An address as a socket bound to `local` must name it; none where it cannot reach it.
fn mapped(to: SocketAddr, local: SocketAddr) -> Option<SocketAddr> {
    match (to, local) {
        (SocketAddr::V4(v4), SocketAddr::V6(local)) => {
            let mapped = SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port());
            local.ip().is_unspecified().then_some(mapped)
        }
        (SocketAddr::V6(_), SocketAddr::V4(_)) => None,
        _ => Some(to),
    }
}

/// Sends at once, or not at all: a full buffer is a lost datagram, nothing worse.
///
/// tokio's own `try_send_to` refuses the first datagram of a socket, before it has heard from the
/// system that one can be sent.
fn send(socket: &UdpSocket, payload: &[u8], to: SocketAddr) -> io::Result<()> {
    match socket2::SockRef::from(socket).send_to(payload, &to.into()) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}
