//! The same as `mmsg` with plain `recv_from` and `send_to`, one datagram at a time. The answer
//! leaves from the address that was asked where the socket is bound to one.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{REQUEST_ROOM, Received};

/// One datagram and its answer.
pub(crate) struct Batch {
    buffer: Box<[u8; REQUEST_ROOM]>,
    len: usize,
    from: Option<SocketAddr>,
    answer: Vec<u8>,
    queued: bool,
    calls: u32,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let buffer = Box::new([0; REQUEST_ROOM]);
        Self { buffer, len: 0, from: None, answer: Vec::new(), queued: false, calls: 0 }
    }

    pub(crate) fn prepare(_socket: &UdpSocket) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.queued = false;
        self.calls += 1;
        let (len, from) = socket.recv_from(&mut self.buffer[..])?;
        let ip = from.ip().to_canonical();
        (self.len, self.from) = (len, Some(SocketAddr::new(ip, from.port())));
        Ok(1)
    }

    /// How many system calls were made since this was last asked.
    pub(crate) fn take_calls(&mut self) -> u32 {
        std::mem::take(&mut self.calls)
    }

    /// Not known here.
    pub(crate) fn take_lost(&mut self) -> u32 {
        0
    }

    pub(crate) fn datagram(&mut self, _index: usize) -> Option<(Received<'_>, &mut Vec<u8>)> {
        self.answer.clear();
        let bytes = &self.buffer[..self.len];
        // One that fills the room may have been cut.
        let truncated = self.len == REQUEST_ROOM;
        let received = Received { bytes, from: self.from?, to: None, truncated };
        Some((received, &mut self.answer))
    }

    pub(crate) fn queue(&mut self, _index: usize) {
        self.queued = true;
    }

    pub(crate) fn send(&mut self, socket: &UdpSocket) -> usize {
        let queued = std::mem::take(&mut self.queued);
        let Some(to) = self.from.filter(|_| queued) else {
            return 0;
        };
        let v6 = socket.local_addr().is_ok_and(|addr| addr.is_ipv6());
        let to = match to {
            SocketAddr::V4(v4) if v6 => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            to => to,
        };
        self.calls += 1;
        usize::from(socket.send_to(&self.answer, to).is_ok())
    }
}
