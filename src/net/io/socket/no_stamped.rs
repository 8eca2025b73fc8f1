//! Where the system is not asked when a datagram came: it came when it was read, or before.

use std::io;

use tokio::net::UdpSocket;

use super::stamp::Stamped;

#[cfg(feature = "server")]
pub(crate) const TELLS_WHEN: bool = false;

pub(crate) fn keep(_socket: &UdpSocket) -> io::Result<()> {
    Ok(())
}

/// One of them.
pub(crate) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    mut each: impl FnMut(Stamped<'_>),
) -> io::Result<bool> {
    let (len, from) = socket.try_recv_from(buffer)?;
    each(Stamped { from, bytes: &buffer[..len], stamp: None });
    Ok(true)
}
