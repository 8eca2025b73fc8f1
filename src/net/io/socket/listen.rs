//! Sockets that a server listens on.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::Batch;
use super::batch::MOST_RECEIVE_BUFFER;

/// How often a worker that waits looks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(250);

/// Room for datagrams that come while a worker is busy, in bytes of what the system takes for them:
/// 6,500 requests padded to 392 bytes, which take 1,280 on Linux's loopback, or more short ones.
pub(crate) const RECEIVE_BUFFER: usize = 4 << 20;

/// The sockets at one address, of which there is at least one.
pub(crate) struct Listener {
    /// Where they are bound: no port 0.
    pub(crate) addr: SocketAddr,
    pub(crate) sockets: Vec<UdpSocket>,
}

/// Opens a socket for each worker that answers at an address; where there are several, the system
/// deals the datagrams out by their source. `dual` lets IPv6 sockets have IPv4 datagrams too.
pub(crate) fn listen(addr: SocketAddr, dual: bool, workers: u16) -> io::Result<Listener> {
    let first = open(addr, dual)?;
    first.bind(&addr.into())?;
    if workers > 1 {
        // Only now: it could not tell an address that another process has already, otherwise.
        share(&first)?;
    }
    let first = UdpSocket::from(first);
    let addr = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        let socket = open(addr, dual)?;
        share(&socket)?;
        socket.bind(&addr.into())?;
        sockets.push(socket.into());
    }
    for socket in &sockets {
        Batch::prepare(socket)?;
    }
    Ok(Listener { addr, sockets })
}

/// How much of [`RECEIVE_BUFFER`] a socket was given.
pub(crate) fn receive_buffer(socket: &UdpSocket) -> io::Result<usize> {
    let given = SockRef::from(socket).recv_buffer_size()?;
    // Linux doubles what it is asked for, to account for its own bookkeeping (socket(7)).
    Ok(if cfg!(target_os = "linux") { given / 2 } else { given })
}

/// Opens a socket that is not bound yet.
pub(super) fn open(addr: SocketAddr, dual: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    // The system may give less, as its limit says; a smaller buffer is no reason not to serve.
    let _ = socket.set_recv_buffer_size(MOST_RECEIVE_BUFFER);
    socket.set_read_timeout(Some(STOP_CHECK))?;
    Ok(socket)
}

#[cfg(unix)]
fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn share(_socket: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
