use crate::net::engine::server::auth::PeerMessage;
use crate::net::engine::server::drop::DropReason;

/// What became of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// The answer was written.
    Answer,
    /// So was a retry reply: a cookie to come back with.
    Retry,
    /// Something for the one who owns the nodes and the heartbeats.
    PeerMessage(Box<PeerMessage>),
    /// Nothing comes of it.
    Drop(DropReason),
}
