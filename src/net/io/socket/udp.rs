//! Sockets for tokio, one datagram at a time.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use super::option::dont_fragment;
use crate::types::Family;

/// Room for any answer, in bytes: the first implementation may send as much as UDP holds.
pub(crate) const ANSWER_ROOM: usize = 65_535;

/// Opens a socket. One of IPv6 has IPv6 only, so that each family has its own.
pub(crate) fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    dont_fragment(&socket, Family::of(addr));
    socket.bind(&addr.into())?;
    UdpSocket::from_std(socket.into())
}

/// Any address and port of a family, to send from.
pub(crate) fn any(family: Family) -> SocketAddr {
    match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
        Family::V6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Has a socket send and receive by way of one interface alone (`SO_BINDTODEVICE`).
#[cfg(target_os = "linux")]
pub(crate) fn bind_to(socket: &impl std::os::fd::AsFd, interface: &str) -> io::Result<()> {
    SockRef::from(socket).bind_device(Some(interface.as_bytes()))
}

/// No such thing is known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bind_to<T>(_socket: &T, _interface: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sends at once, or not at all: a full buffer is a lost datagram, nothing worse.
///
/// tokio's own `try_send_to` refuses the first datagram of a socket, before it has heard from the
/// system that one can be sent.
pub(crate) fn send(socket: &UdpSocket, payload: &[u8], to: SocketAddr) -> io::Result<()> {
    match SockRef::from(socket).send_to(payload, &to.into()) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Where a socket is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundAddr(pub(crate) SocketAddr);

impl BoundAddr {
    /// What the socket must call `to`; `None`: it cannot reach it.
    pub(crate) fn name_for(self, to: SocketAddr) -> Option<SocketAddr> {
        match (to, self.0) {
            (SocketAddr::V4(v4), SocketAddr::V6(local)) => {
                let mapped = SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port());
                local.ip().is_unspecified().then_some(mapped)
            }
            (SocketAddr::V6(_), SocketAddr::V4(_)) => None,
            _ => Some(to),
        }
    }
}
