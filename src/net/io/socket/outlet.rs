//! Sockets of their own for what is sent.
//!
//! Datagrams are put into a socket by the core that the network interrupts, and counted there. Another
//! that sends from the same socket counts beside that, and each waits for the other's cache lines: up
//! to 3 % of an answer (docs/performance.md).

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::SockRef;

use super::option::never_cut;

/// Opens an outlet for each of the sockets, which are all of one address.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] for a wildcard, from where an outlet could
/// not be connected without an address of its own.
pub(super) fn open(inlets: &[UdpSocket]) -> io::Result<Vec<UdpSocket>> {
    let addr = inlets.first().map(UdpSocket::local_addr).transpose()?;
    let Some(addr) = addr.filter(|addr| !addr.ip().is_unspecified()) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    // Only for this long: a process that came now could share the address.
    let lend = |lent| inlets.iter().try_for_each(|s| SockRef::from(s).set_reuse_address(lent));
    let opened = lend(true).and_then(|()| inlets.iter().map(|_| outlet(addr)).collect());
    lend(false)?;
    let outlets: Vec<UdpSocket> = opened?;
    outlets.iter().try_for_each(|s| SockRef::from(s).set_reuse_address(false))?;
    Ok(outlets)
}

/// One that sends from this address. It is connected, so that the system gives it nothing but what
/// comes from there: from the server itself, which never asks itself.
fn outlet(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = super::open(addr, false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.connect(&addr.into())?;
    never_cut(&socket, addr.is_ipv6());
    socket.set_recv_buffer_size(0)?; // the least there is
    Ok(socket.into())
}
