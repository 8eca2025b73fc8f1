//! Which address is whose: what is ours and what is the sender's cannot be swapped.

use std::net::SocketAddr;

/// An address of this server: where a datagram arrived, and what answers it leaves from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalAddr(pub SocketAddr);

/// A datagram that came to a listening socket.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The address that was asked.
    pub to: &'a LocalAddr,
    /// Who asks.
    pub from: &'a SocketAddr,
    /// What it says.
    pub bytes: &'a [u8],
}
