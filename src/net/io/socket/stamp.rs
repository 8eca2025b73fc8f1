use std::net::SocketAddr;
use std::time::SystemTime;

/// A datagram that was read.
#[derive(Debug)]
pub(crate) struct Stamped<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: &'a [u8],
    /// When the system received it, by the clock on the wall; `None`: it does not say.
    pub(crate) stamp: Option<SystemTime>,
}
