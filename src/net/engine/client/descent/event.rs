use std::net::SocketAddr;
use std::time::Duration;

/// What a descent has come to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DescentEvent {
    /// A TURN server better than any before; a better one may follow.
    Provisional {
        /// Its address.
        turn: SocketAddr,
        /// The round-trip time to it, or to the leaf that names it.
        rtt: Duration,
    },
}
