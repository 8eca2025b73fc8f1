use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::UdpSocket;

use crate::net::io::socket::unreachable::Unreachable;

/// Room for any answer: the first implementation may send as much as UDP holds, 65,535 bytes.
///
/// It is more than that so that the allocator has it from the system (from 128 KiB on; mallopt(3)),
/// as pages that are zero already and exist once they are touched: a descent touches one or two,
/// and to zero all of them took a tenth of its processor time.
const ROOM: usize = 256 << 10;

/// What came to a descent.
#[derive(Debug)]
pub(super) enum Input {
    Datagram(Datagram),
    /// Of its own sockets only: on a shared one the application may want them itself.
    Unreachable(Unreachable),
}

/// A datagram that came.
#[derive(Debug, Clone)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
    /// When it was read.
    pub(super) at: Instant,
}

/// Takes datagrams off sockets.
#[derive(Debug)]
pub(super) struct ReceiveBuffer(Vec<u8>);

impl ReceiveBuffer {
    pub(super) fn new() -> Self {
        Self(vec![0; ROOM])
    }

    /// The next datagram of a socket; `None`: there is none now.
    pub(super) fn read(&mut self, socket: &UdpSocket) -> Option<Datagram> {
        let Self(buffer) = self;
        let (len, from) = socket.try_recv_from(buffer).ok()?;
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        Some(Datagram { from, bytes: buffer[..len].to_vec(), at: Instant::now() })
    }
}
