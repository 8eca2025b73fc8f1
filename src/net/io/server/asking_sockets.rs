//! The sockets that the server itself asks from, and what has come there.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use socket2::SockRef;
use tokio::net::UdpSocket;

use crate::net::io::socket::asking::{AskingSocket, Datagram};
use crate::net::io::socket::udp::ANSWER_ROOM;

/// How many datagrams are read at once. There is memory only for what some of them have filled.
const AT_ONCE: usize = 16;

/// What each has room for, in bytes, as far as the system lets it: some thousand answers.
const ROOM: usize = 1 << 20;

/// How often one socket is read in a row: more than waits there, and an end to a flood.
const MOST: usize = 1024;

/// Whom a socket asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Nodes,
    Turn,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct AskingSockets(Mutex<OpenSockets>);

#[derive(Debug)]
struct OpenSockets {
    sockets: Vec<(Asks, AskingSocket)>,
    buffer: Vec<u8>,
}

impl Default for OpenSockets {
    fn default() -> Self {
        Self { sockets: Vec::new(), buffer: vec![0; AT_ONCE * ANSWER_ROOM] }
    }
}

impl AskingSockets {
    /// Adds one. Whoever waits does not hear of it.
    pub(super) fn add(&self, asks: Asks, socket: Arc<UdpSocket>) {
        // More than the answers that come between two steps of the control loop; less is no reason to end.
        let _ = SockRef::from(&*socket).set_recv_buffer_size(ROOM);
        self.open().sockets.push((asks, AskingSocket::new(socket)));
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
            let mut more = true;
            for _ in 0..MOST {
                while let Some(datagram) = socket.take_until(until) {
                    handle(*asks, datagram);
                }
                if socket.is_read() || !more {
                    break;
                }
                more = socket.read(buffer).unwrap_or_else(|error| {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        result = Err(error);
                    }
                    false
                });
            }
        }
        result
    }

    /// Waits until something may be there. One task alone may wait.
    pub(super) async fn ready(&self) {
        std::future::poll_fn(|context| self.poll_ready(context)).await;
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
