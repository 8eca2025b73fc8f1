//! What a batch takes and gives, whichever way the system has for it.

use std::net::{IpAddr, SocketAddr};

/// Datagrams received at once: enough that the system calls cost little beside the datagrams.
pub(crate) const BATCH: usize = 32;

/// Room for one request. Longer ones are dropped.
pub(crate) const REQUEST_ROOM: usize = 2048;

/// The room that a socket is asked to have for datagrams, in bytes: that of 8,192 requests, 2,048 each,
/// as network drivers take.
pub(crate) const MOST_RECEIVE_BUFFER: usize = 8 << 20;

/// A datagram of a batch.
pub(crate) struct Received<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: &'a SocketAddr,
    /// The address it was sent to, where the system tells.
    pub(crate) to: Option<IpAddr>,
    /// Whether it was longer than the room, and is not all here.
    pub(crate) truncated: bool,
}

/// What became of the answers to a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AnswerCount {
    pub(crate) written: usize,
    /// How many of them the system took.
    pub(crate) sent: usize,
}
