//! Sockets of a descent's own.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::input::{Input, room};
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::io::socket::arrivals::Came;
use crate::net::io::socket::asking::AskingSocket;
use crate::net::io::socket::icmp;
use crate::net::io::socket::udp::send;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;
use crate::types::Family;

/// How many ICMP errors are taken in a row before anything else is looked at, and how often a
/// datagram is sent that was refused because of one about another.
const ERRORS: usize = 32;
const TRIES: usize = 3;

/// One socket a family, opened when the first datagram of the family is sent: a fresh source port
/// each.
#[derive(Debug)]
pub(super) struct FreshSockets {
    v4: Option<AskingSocket>,
    v6: Option<AskingSocket>,
    source: Source,
    buffer: Vec<u8>,
    errors: VecDeque<Unreachable>,
}

impl FreshSockets {
    pub(super) fn new(source: Source) -> Self {
        Self { v4: None, v6: None, source, buffer: room(), errors: VecDeque::new() }
    }

    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Error> {
        let failed = |operation| Error::socket(operation, transmit.to);
        let family = Family::of(transmit.to);
        let slot = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        let socket = match slot {
            Some(socket) => socket,
            None => {
                let socket = self.source.udp(transmit.to).map_err(failed(SocketOperation::Open))?;
                // Without them a closed port is as silent as a lost datagram.
                let _ = icmp::keep(&socket, family);
                slot.insert(AskingSocket::new(Arc::new(socket)))
            }
        };
        send_past_errors(socket.socket(), transmit, &mut self.errors)
            .map_err(failed(SocketOperation::Send))
    }

    /// What is there now: of the datagrams the one that came first, and then ICMP errors.
    pub(super) fn look(&mut self, looked: Instant) -> Option<Input> {
        let Self { v4, v6, buffer, errors, .. } = self;
        loop {
            let sockets = [&mut *v4, v6].into_iter().flatten();
            let found = sockets.filter_map(|socket| Some((peek(socket, buffer)?, socket)));
            if let Some((_, socket)) = found.min_by_key(|(came, _)| came.moment()) {
                return socket.take().map(Input::Datagram);
            }
            if let Some(unreachable) = errors.pop_front() {
                return Some(Input::Unreachable(looked, unreachable));
            }
            for socket in [&*v4, v6].into_iter().flatten() {
                errors.extend(take_errors(|| next_error(socket.socket())));
            }
            if errors.is_empty() {
                return None;
            }
        }
    }

    /// Waits until there may be something. Safe to drop and call again.
    pub(super) async fn ready(&self) {
        tokio::select! {
            () = ready(self.v4.as_ref()) => {}
            () = ready(self.v6.as_ref()) => {}
        }
    }
}

/// Sends a datagram. A socket that an ICMP error waits at refuses the next one, wherever that is to
/// go: such errors are set aside, and where more wait than are taken, the refusal of the next is.
fn send_past_errors(
    socket: &UdpSocket,
    transmit: &Transmit,
    errors: &mut VecDeque<Unreachable>,
) -> io::Result<()> {
    let mut sent = send(socket, &transmit.payload, transmit.to);
    for _ in 1..TRIES {
        if sent.is_err() {
            errors.extend(take_errors(|| icmp::take(socket)));
            let _ = socket.take_error();
            sent = send(socket, &transmit.payload, transmit.to);
        }
    }
    sent
}

/// The next ICMP error, whether the runtime has heard of it or not.
fn next_error(socket: &UdpSocket) -> io::Result<Option<Unreachable>> {
    match socket.try_io(Interest::ERROR, || icmp::take(socket)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => icmp::take(socket),
        taken => taken,
    }
}

/// The ICMP errors that wait, a bounded number at a time.
fn take_errors(take: impl Fn() -> io::Result<Option<Unreachable>>) -> Vec<Unreachable> {
    (0..ERRORS).map_while(|_| take().ok()).flatten().collect()
}

/// When the datagram came that is next; `None`: there is none. An ICMP error that waits fails one read.
fn peek(socket: &mut AskingSocket, buffer: &mut [u8]) -> Option<Came> {
    (0..TRIES).find_map(|_| match socket.peek(buffer) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => None,
        found => Some(found.ok()),
    })?
}

/// Waits until a socket has a datagram or an ICMP error; for ever where there is none.
async fn ready(socket: Option<&AskingSocket>) {
    match socket {
        // An error is one of the next read, where it ends nothing.
        Some(socket) => drop(socket.socket().ready(Interest::READABLE | Interest::ERROR).await),
        None => std::future::pending().await,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::net::io::socket::udp::open;

    #[tokio::test]
    async fn no_number_of_errors_about_one_address_refuses_what_goes_to_another() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let closed = std::net::UdpSocket::bind(here).unwrap().local_addr().unwrap();
        let listener = std::net::UdpSocket::bind(here).unwrap();
        let socket = open(here).unwrap();
        icmp::keep(&socket, Family::V4).unwrap();
        // Every other one is refused because of the error about the one before; not the last.
        let more = 4 * TRIES * ERRORS + 1;
        let refused = (0..more).filter(|_| send(&socket, b"?", closed).is_err()).count();
        assert!(refused > TRIES * ERRORS, "{refused} of {more}");
        let transmit = Transmit { to: listener.local_addr().unwrap(), payload: b"!".to_vec() };
        let mut errors = VecDeque::new();
        send_past_errors(&socket, &transmit, &mut errors).unwrap();
        assert_eq!(listener.recv(&mut [0; 16]).unwrap(), 1);
        assert!(!errors.is_empty());
    }
}
