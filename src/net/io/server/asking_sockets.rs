//! The sockets that the server itself asks from, and what has come there.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::Notify;

use crate::net::io::socket::asking::{AskingSocket, Datagram};
use crate::net::io::socket::udp::ANSWER_ROOM;

/// How many datagrams are taken from one socket in a row: more than wait there, and an end to a flood.
const MOST: usize = 16_384;

/// Whom a socket asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Nodes,
    Turn,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct AskingSockets {
    open: Mutex<OpenSockets>,
    /// There is another.
    added: Notify,
}

#[derive(Debug)]
struct OpenSockets {
    sockets: Vec<(Asks, AskingSocket)>,
    buffer: Vec<u8>,
}

impl Default for OpenSockets {
    fn default() -> Self {
        Self { sockets: Vec::new(), buffer: vec![0; ANSWER_ROOM] }
    }
}

impl AskingSockets {
    pub(super) fn add(&self, asks: Asks, socket: Arc<UdpSocket>) {
        self.open().sockets.push((asks, AskingSocket::new(socket)));
        self.added.notify_one();
    }

    pub(super) fn remove(&self, socket: &Arc<UdpSocket>) {
        self.open().sockets.retain(|(_, open)| !Arc::ptr_eq(open.socket(), socket));
    }

    /// Takes all that came before a moment, and what may have. Nobody else takes anything meanwhile.
    ///
    /// # Errors
    /// What the system says of one of them; the others are read all the same.
    pub(super) fn take(
        &self,
        until: Instant,
        mut handle: impl FnMut(Asks, Datagram),
    ) -> io::Result<()> {
        let mut open = self.open();
        let OpenSockets { sockets, buffer } = &mut *open;
        let mut result = Ok(());
        for (asks, socket) in sockets {
            for _ in 0..MOST {
                match socket.peek(buffer) {
                    Ok(came) if came.is_after(until) => break,
                    Ok(_) => socket.take().into_iter().for_each(|taken| handle(*asks, taken)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            }
        }
        result
    }

    /// Waits until something may be there. One task alone may wait.
    pub(super) async fn ready(&self) {
        tokio::select! {
            () = std::future::poll_fn(|context| self.poll_ready(context)) => {}
            () = self.added.notified() => {}
        }
    }

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let open = self.open();
        // All of them, so that each wakes this task.
        let ready = open.sockets.iter().filter(|(_, socket)| {
            socket.is_read() || socket.socket().poll_recv_ready(context).is_ready()
        });
        if ready.count() > 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    fn open(&self) -> MutexGuard<'_, OpenSockets> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
