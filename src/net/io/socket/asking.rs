//! A socket that requests leave from, and that their answers come to.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
#[cfg(feature = "server")]
use std::time::Instant;

use tokio::net::UdpSocket;

use super::arrivals::{Arrivals, Came, Moment};
use super::stamp::Stamped;
use super::stamped;
use super::udp::ANSWER_ROOM;
use crate::types::canonical;

#[cfg(feature = "server")]
pub(crate) use super::stamped::TELLS_WHEN;

/// Such a socket, which tells of each answer when it came.
///
/// A timer is believed when all is read that came before it was due. After a pause of the process, all
/// timers are due at once, and the answers lie here.
#[derive(Debug)]
pub(crate) struct AskingSocket {
    socket: Arc<UdpSocket>,
    arrivals: Arrivals,
    /// What was read, and not taken yet.
    read: VecDeque<Datagram>,
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
        Self { socket, arrivals: Arrivals::new(Moment::now()), read: VecDeque::new() }
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
        if self.read.is_empty() {
            self.read(&mut buffer[..ANSWER_ROOM])?;
        }
        let first = self.read.front().ok_or(io::ErrorKind::InvalidData)?;
        Ok(first.came)
    }

    /// Reads those that are there now, as many as have [`ANSWER_ROOM`] in the buffer. Returns whether
    /// there may be more.
    ///
    /// # Errors
    /// As [`Self::peek`].
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let Self { socket, arrivals, read } = self;
        let (looked, mut now) = (Moment::now(), None);
        let more = stamped::receive(socket, buffer, |Stamped { from, bytes, stamp }| {
            let came = arrivals.came(*now.get_or_insert_with(Moment::now), stamp);
            read.push_back(Datagram { from: canonical(from), bytes: bytes.to_vec(), came });
        });
        let none = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        if more.as_ref().map_or_else(none, |more| !more) {
            arrivals.note_empty(looked);
        }
        more
    }

    /// Whether a datagram was read, and not taken.
    #[cfg(feature = "server")]
    pub(crate) fn is_read(&self) -> bool {
        !self.read.is_empty()
    }

    /// Takes the first that was read.
    pub(crate) fn take(&mut self) -> Option<Datagram> {
        self.read.pop_front()
    }

    /// Takes it, unless it came after a moment.
    #[cfg(feature = "server")]
    pub(crate) fn take_until(&mut self, until: Instant) -> Option<Datagram> {
        let is_due = self.read.front().is_some_and(|first| !first.came.is_after(until));
        if is_due { self.take() } else { None }
    }
}

#[cfg(test)]
#[cfg(all(feature = "server", target_os = "linux"))]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::net::io::socket::udp::open;

    /// Sends each byte as a datagram, and returns when the last of them is there.
    async fn send(socket: &AskingSocket, bytes: &[u8]) {
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for byte in bytes {
            sender.send_to(&[*byte], socket.socket().local_addr().unwrap()).unwrap();
        }
        socket.socket().readable().await.unwrap();
    }

    fn asking() -> AskingSocket {
        AskingSocket::new(Arc::new(open("127.0.0.1:0".parse().unwrap()).unwrap()))
    }

    #[tokio::test]
    async fn what_is_there_is_read_at_once_and_taken_in_its_order() {
        let (mut socket, mut buffer) = (asking(), vec![0; 3 * ANSWER_ROOM]);
        send(&socket, &[1, 2, 3, 4, 5]).await;
        assert!(socket.read(&mut buffer).unwrap(), "there may be more than there is room for");
        assert_eq!(socket.read.len(), 3);
        assert!(!socket.read(&mut buffer).unwrap());
        let third = socket.read[2].came.moment();
        let taken: Vec<_> = std::iter::from_fn(|| socket.take_until(third)).collect();
        assert!(taken.len() >= 3 && taken.is_sorted_by_key(|datagram| datagram.came.moment()));
        let all = taken.into_iter().chain(std::iter::from_fn(|| socket.take()));
        assert!(all.map(|datagram| datagram.bytes).eq([[1], [2], [3], [4], [5]]));
        let none = socket.peek(&mut buffer).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn what_came_after_a_moment_stays() {
        let (mut socket, mut buffer) = (asking(), vec![0; 3 * ANSWER_ROOM]);
        let before = Instant::now();
        send(&socket, &[1]).await;
        socket.read(&mut buffer).unwrap();
        assert!(socket.take_until(before).is_none() && socket.is_read());
        assert!(socket.take_until(Instant::now()).is_some() && !socket.is_read());
    }

    #[tokio::test]
    async fn who_has_read_all_waits_for_the_next_and_asks_no_more() {
        let (mut socket, mut buffer) = (asking(), vec![0; 3 * ANSWER_ROOM]);
        for _ in 0..3 {
            send(&socket, &[1, 2]).await;
            while socket.read(&mut buffer).unwrap_or(false) {}
            let mut context = Context::from_waker(Waker::noop());
            assert!(socket.socket().poll_recv_ready(&mut context).is_pending());
        }
    }
}
