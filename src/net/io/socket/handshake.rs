//! How long a TCP handshake took, by the system's own clock where it tells that.

use std::time::Duration;

use tokio::net::TcpStream;

use super::option;

/// The time of a connection's handshake, for which `measured` was waited: less, where the system knows that
/// the answer came before it was looked at. A first packet that was sent again has no time there.
pub(in crate::net::io) fn rtt(connection: &TcpStream, measured: Duration) -> Duration {
    option::tcp_rtt(connection).map_or(measured, |rtt| rtt.min(measured))
}
