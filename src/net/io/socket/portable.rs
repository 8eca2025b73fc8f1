//! Batches of one: what `mmsg` does, with plain `recv_from` and `send_to`. The answer
//! leaves from the address that was asked where the socket is bound to one.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::batch::{AnswerCount, REQUEST_ROOM, Received};
use super::udp::send;
use crate::net::engine::Transmit;
use crate::types::canonical;

/// One datagram and its answer.
pub(crate) struct Batch {
    buffer: Box<[u8; REQUEST_ROOM]>,
    len: usize,
    from: Option<SocketAddr>,
    answer: Vec<u8>,
    calls: u32,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let buffer = Box::new([0; REQUEST_ROOM]);
        Self { buffer, len: 0, from: None, answer: Vec::new(), calls: 0 }
    }

    pub(crate) fn prepare(_socket: &UdpSocket) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.calls += 1;
        let (len, from) = socket.recv_from(&mut self.buffer[..])?;
        (self.len, self.from) = (len, Some(canonical(from)));
        Ok(1)
    }

    /// How many system calls were made since this was last asked.
    pub(crate) fn take_calls(&mut self) -> u32 {
        std::mem::take(&mut self.calls)
    }

    /// Not known here.
    pub(crate) fn take_lost(&mut self, _socket: &UdpSocket) -> u32 {
        0
    }

    /// Hands the datagram to `answer`, and sends what comes of it. To be called once.
    pub(crate) fn answer<'a>(
        &mut self,
        socket: &UdpSocket,
        _count: usize,
        mut answer: impl FnMut(Received<'_>, &mut Vec<u8>) -> Option<&'a [u8]>,
    ) -> AnswerCount {
        let Some(from) = self.from.take() else { return AnswerCount { written: 0, sent: 0 } };
        let bytes = &self.buffer[..self.len];
        // One that fills the room may have been cut.
        let truncated = self.len == REQUEST_ROOM;
        self.answer.clear();
        match answer(Received { bytes, from: &from, to: None, truncated }, &mut self.answer) {
            Some(tail) => self.answer.extend_from_slice(tail),
            None => return AnswerCount { written: 0, sent: 0 },
        }
        let v6 = socket.local_addr().is_ok_and(|addr| addr.is_ipv6());
        let to = match from {
            SocketAddr::V4(v4) if v6 => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            to => to,
        };
        self.calls += 1;
        AnswerCount { written: 1, sent: usize::from(socket.send_to(&self.answer, to).is_ok()) }
    }
}

/// What `mmsg` has of that name, one after the other.
pub(crate) fn send_all(
    socket: &tokio::net::UdpSocket,
    transmits: &[&Transmit],
) -> Vec<io::Result<()>> {
    let send = |transmit: &&Transmit| send(socket, &transmit.payload, transmit.to);
    transmits.iter().map(send).collect()
}
