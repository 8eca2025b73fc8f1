use std::net::SocketAddr;
use std::time::SystemTime;

/// What is told of a datagram that was read.
#[derive(Debug)]
pub(crate) struct Stamped {
    pub(crate) len: usize,
    pub(crate) from: SocketAddr,
    /// When the system received it, by the clock on the wall; `None`: it does not say.
    pub(crate) stamp: Option<SystemTime>,
}
