//! Where the system is not asked when a datagram came: it came when it was read, or before.

use std::io;

use tokio::net::UdpSocket;

use super::stamp::Stamped;

pub(crate) fn keep(_socket: &UdpSocket) -> io::Result<()> {
    Ok(())
}

pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Stamped> {
    let (len, from) = socket.try_recv_from(buffer)?;
    Ok(Stamped { len, from, stamp: None })
}
