//! Sockets of their own for what is sent.
//!
//! Datagrams are put into a socket by the core that the network interrupts, and counted there. Another
//! that sends from the same socket counts beside that, and each waits for the other's cache lines: up
//! to 3 % of an answer (docs/performance.md).

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::SockRef;

use super::option::dont_fragment;

/// Opens a reply socket for each of the sockets, which are all of one address.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] for a wildcard, from where a reply socket could
/// not be connected without an address of its own.
pub(super) fn open(sockets: &[UdpSocket]) -> io::Result<Vec<UdpSocket>> {
    let addr = sockets.first().map(UdpSocket::local_addr).transpose()?;
    let Some(addr) = addr.filter(|addr| !addr.ip().is_unspecified()) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    // Only for this long: a process that came now could share the address.
    let lend = |lent| sockets.iter().try_for_each(|s| SockRef::from(s).set_reuse_address(lent));
    let opened = lend(true).and_then(|()| sockets.iter().map(|_| reply_socket(addr)).collect());
    lend(false)?;
    let reply_sockets: Vec<UdpSocket> = opened?;
    reply_sockets.iter().try_for_each(|s| SockRef::from(s).set_reuse_address(false))?;
    Ok(reply_sockets)
}

/// One that sends from this address. It is connected, so that the system gives it nothing but what
/// comes from there: from the server itself, which never asks itself.
fn reply_socket(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = super::open(addr, false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.connect(&addr.into())?;
    dont_fragment(&socket, addr.is_ipv6());
    socket.set_recv_buffer_size(0)?; // the least there is
    Ok(socket.into())
}
