use std::net::SocketAddr;

use crate::net::engine::client::descent::Obstacle;

/// An ICMP error about a datagram.
#[derive(Debug)]
pub(crate) struct Unreachable {
    /// Where it was sent to.
    pub(crate) to: SocketAddr,
    pub(crate) obstacle: Obstacle,
    /// What the error quotes of it: its beginning, or nothing.
    pub(crate) quoted: Vec<u8>,
}
