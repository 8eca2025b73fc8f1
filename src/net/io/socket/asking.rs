//! A socket that requests leave from, and that their answers come to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;

use super::arrivals::{Arrivals, Came, Moment};
use super::stamped;
use crate::types::canonical;

/// Such a socket, which tells of each answer when it came.
///
/// A timer is believed when all is read that came before it was due. After a pause of the process, all
/// timers are due at once, and the answers lie here.
#[derive(Debug)]
pub(crate) struct AskingSocket {
    socket: Arc<UdpSocket>,
    arrivals: Arrivals,
    /// What was read, and not taken yet.
    head: Option<Datagram>,
}

/// A datagram that came.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    pub(crate) came: Came,
}

impl AskingSocket {
    pub(crate) fn new(socket: Arc<UdpSocket>) -> Self {
        // Without it, an answer came when it is read.
        let _ = stamped::keep(&socket);
        Self { socket, arrivals: Arrivals::new(Moment::now()), head: None }
    }

    pub(crate) fn socket(&self) -> &Arc<UdpSocket> {
        &self.socket
    }

    /// The datagram that came first of those that are there now; it stays. The buffer is to be as long as
    /// any of them.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::WouldBlock`]: there is none.
    pub(crate) fn peek(&mut self, buffer: &mut [u8]) -> io::Result<Came> {
        if let Some(head) = &self.head {
            return Ok(head.came);
        }
        let looked = Moment::now();
        let received = stamped::receive(&self.socket, buffer).inspect_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                self.arrivals.note_empty(looked);
            }
        })?;
        let came = self.arrivals.came(Moment::now(), received.stamp);
        let from = canonical(received.from);
        self.head = Some(Datagram { from, bytes: buffer[..received.len].to_vec(), came });
        Ok(came)
    }

    /// Whether a datagram was read, and not taken.
    #[cfg(feature = "server")]
    pub(crate) fn is_read(&self) -> bool {
        self.head.is_some()
    }

    /// Takes what [`Self::peek`] has found.
    pub(crate) fn take(&mut self) -> Option<Datagram> {
        self.head.take()
    }
}
