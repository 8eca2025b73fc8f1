//! Sockets of their own for what is sent.
//!
//! Datagrams are put into a socket by the core that the network interrupts, and counted there. Another
//! that sends from the same socket counts beside that, and each waits for the other's cache lines: up
//! to 3 % of an answer (docs/performance.md).

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::SockRef;

use super::listen;
use super::option::dont_fragment;
use crate::types::Family;

/// What answers leave from, for each of the sockets of an address: the same one, where the system lets
/// them have none of their own.
pub(crate) fn reply_sockets(sockets: &[UdpSocket]) -> io::Result<Vec<UdpSocket>> {
    open(sockets).or_else(|_| sockets.iter().map(UdpSocket::try_clone).collect())
}

/// Opens a reply socket for each of the sockets, which are all of one address.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] for a wildcard, from where a reply socket could
/// not be connected without an address of its own.
fn open(sockets: &[UdpSocket]) -> io::Result<Vec<UdpSocket>> {
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
    let socket = listen::open(addr, false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.connect(&addr.into())?;
    dont_fragment(&socket, Family::of(addr));
    socket.set_recv_buffer_size(0)?; // the least there is
    Ok(socket.into())
}
