//! Sockets that receive and send in batches, and what ICMP says of datagrams that were sent.

#[cfg_attr(not(target_os = "linux"), path = "no_icmp.rs")]
pub(super) mod icmp;
#[cfg(target_os = "linux")]
mod mmsg;
#[cfg_attr(not(target_os = "linux"), path = "no_option.rs")]
pub(super) mod option;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
#[cfg(target_os = "linux")]
mod reply;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::net::engine::client::descent::Obstacle;

#[cfg(target_os = "linux")]
pub(crate) use mmsg::Batch;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Batch;

/// Datagrams received at once: enough that the system calls cost little beside the datagrams.
pub(crate) const BATCH: usize = 32;

/// Room for one request. Longer ones are dropped.
pub(crate) const REQUEST_ROOM: usize = 2048;

/// How often a worker that waits looks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(250);

/// Room for datagrams that come while a worker is busy, in bytes of what the system takes for them:
/// 6,500 requests padded to 392 bytes, which take 1,280 on Linux's loopback, or more short ones.
pub(crate) const RECEIVE_BUFFER: usize = 4 << 20;

/// The room that is asked for: that of 8,192 requests, 2,048 bytes each, as network drivers take.
pub(crate) const MOST_RECEIVE_BUFFER: usize = 8 << 20;

/// An ICMP error about a datagram.
#[derive(Debug)]
pub(crate) struct Unreachable {
    /// Where it was sent to.
    pub(crate) to: SocketAddr,
    pub(crate) obstacle: Obstacle,
    /// What the error quotes of it: its beginning, or nothing.
    pub(crate) quoted: Vec<u8>,
}

/// A datagram of a batch.
pub(crate) struct Received<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: &'a SocketAddr,
    /// The address it was sent to, where the system tells.
    pub(crate) to: Option<IpAddr>,
    pub(crate) truncated: bool,
}

/// What became of the answers to a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) answers: usize,
    /// How many of them the system took.
    pub(crate) sent: usize,
}

/// Opens a socket for each worker that answers at an address; where there are several, the system
/// deals the datagrams out by their source. `dual` lets IPv6 sockets have IPv4 datagrams too.
pub(crate) fn listen(addr: SocketAddr, dual: bool, workers: u16) -> io::Result<Vec<UdpSocket>> {
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
    Ok(sockets)
}

/// What answers leave from, for each of the sockets of an address: the same one, where the system lets
/// them have none of their own.
pub(crate) fn reply_sockets(sockets: &[UdpSocket]) -> io::Result<Vec<UdpSocket>> {
    #[cfg(target_os = "linux")]
    if let Ok(reply_sockets) = reply::open(sockets) {
        return Ok(reply_sockets);
    }
    sockets.iter().map(UdpSocket::try_clone).collect()
}

#[cfg(unix)]
fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn share(_socket: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn open(addr: SocketAddr, dual: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    // The system may give less, as its limit says; a smaller buffer is no reason not to serve.
    let _ = socket.set_recv_buffer_size(MOST_RECEIVE_BUFFER);
    socket.set_read_timeout(Some(STOP_CHECK))?;
    Ok(socket)
}

/// How much of [`RECEIVE_BUFFER`] a socket was given.
pub(crate) fn receive_buffer(socket: &UdpSocket) -> io::Result<usize> {
    let told = SockRef::from(socket).recv_buffer_size()?;
    // Linux doubles what it is asked for, to account for its own bookkeeping (socket(7)).
    Ok(if cfg!(target_os = "linux") { told / 2 } else { told })
}
