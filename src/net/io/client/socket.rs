//! The sockets of a descent: fresh ones, or a part in one that the application gave.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::net::engine::Transmit;
use crate::net::io::socket::{Unreachable, icmp};
use crate::net::io::{mapped, open, send};

/// Room for any answer: the first implementation may send as much as UDP holds, 65,535 bytes.
///
/// It is more than that so that the allocator has it from the system (from 128 KiB on; mallopt(3)),
/// as pages that are zero already and exist once they are touched: a descent touches one or two,
/// and to zero all of them took a tenth of its processor time.
const ROOM: usize = 256 << 10;

/// Datagrams that wait for one descent on a shared socket; more are dropped, as the system does.
const WAITING: usize = 256;

/// A datagram that came: from where, its bytes, when.
type Arrival = (SocketAddr, Vec<u8>, Instant);

/// How many ICMP errors are taken in a row before anything else is looked at, and how often a
/// datagram is sent that was refused because of one about another.
const ERRORS: usize = 32;
const TRIES: usize = 3;

/// What came to a descent.
pub(super) enum Input {
    Datagram(Arrival),
    /// Of its own sockets only: on a shared one the application may want them itself.
    Unreachable(Unreachable),
}

/// What one descent sends and receives with.
pub(super) enum Sockets {
    /// Opened when the first datagram of the family is sent: a fresh source port each.
    Own {
        v4: Option<UdpSocket>,
        v6: Option<UdpSocket>,
        buffer: Vec<u8>,
        errors: VecDeque<Unreachable>,
    },
    Shared {
        socket: Arc<Shared>,
        inbox: mpsc::Receiver<Arrival>,
        own: mpsc::Sender<Arrival>,
        buffer: Vec<u8>,
    },
}

/// A socket that several descents share. Each takes all that comes and passes it on to the
/// others: ids tell them apart.
#[derive(Debug)]
pub(super) struct Shared {
    socket: UdpSocket,
    inboxes: Mutex<Vec<mpsc::Sender<Arrival>>>,
}

impl Sockets {
    pub(super) fn new(shared: Option<Arc<Shared>>) -> Self {
        let buffer = vec![0; ROOM];
        let Some(socket) = shared else {
            return Self::Own { v4: None, v6: None, buffer, errors: VecDeque::new() };
        };
        let (sender, inbox) = mpsc::channel(WAITING);
        socket.inboxes.lock().unwrap_or_else(PoisonError::into_inner).push(sender.clone());
        Self::Shared { socket, inbox, own: sender, buffer }
    }

    /// Sends one datagram, or says why the system does not.
    pub(super) fn send(&mut self, transmit: &Transmit) -> Result<(), Error> {
        let failed = |operation: &'static str| {
            move |error| Error::Socket { operation, addr: transmit.to, source: Arc::new(error) }
        };
        match self {
            Self::Own { v4, v6, errors, .. } => {
                let (slot, any) = match transmit.to {
                    SocketAddr::V4(_) => (v4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
                    SocketAddr::V6(_) => (v6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))),
                };
                let socket = match slot {
                    Some(socket) => socket,
                    None => {
                        let socket = open(any).map_err(failed("open a socket for"))?;
                        // Without them a closed port is as silent as a lost datagram.
                        let _ = icmp::keep(&socket, any.is_ipv6());
                        slot.insert(socket)
                    }
                };
                send_past_errors(socket, transmit, errors).map_err(failed("send to"))
            }
            Self::Shared { socket, .. } => {
                let local = socket.socket.local_addr().map_err(failed("send to"))?;
                let unreachable = || io::Error::from(io::ErrorKind::Unsupported);
                let to = mapped(transmit.to, local).ok_or_else(unreachable);
                let sent = to.and_then(|to| send(&socket.socket, &transmit.payload, to));
                sent.map_err(failed("send to"))
            }
        }
    }

    /// Waits for what comes next. Safe to drop and call again.
    pub(super) async fn receive(&mut self) -> Input {
        match self {
            Self::Own { v4, v6, buffer, errors } => loop {
                if let Some(unreachable) = errors.pop_front() {
                    return Input::Unreachable(unreachable);
                }
                // Both are polled with the same buffer in turn, so only readiness is raced.
                let ready = tokio::select! {
                    () = ready(v4.as_ref()) => v4.as_ref(),
                    () = ready(v6.as_ref()) => v6.as_ref(),
                };
                let Some(socket) = ready else { continue };
                if let Some(arrival) = take(socket, buffer) {
                    return Input::Datagram(arrival);
                }
                errors
                    .extend(take_errors(|| socket.try_io(Interest::ERROR, || icmp::take(socket))));
            },
            Self::Shared { socket, inbox, own, buffer } => loop {
                tokio::select! {
                    Some(arrival) = inbox.recv() => return Input::Datagram(arrival),
                    // Not its ICMP errors: one that nobody takes would end every wait.
                    _ = socket.socket.readable() => {}
                }
                if let Some(arrival) = take(&socket.socket, buffer) {
                    socket.pass_on(&arrival, own);
                    return Input::Datagram(arrival);
                }
            },
        }
    }
}

impl Shared {
    pub(super) fn new(socket: std::net::UdpSocket) -> Result<Self, Error> {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let addr = socket.local_addr().unwrap_or(any);
        let failed = |error| Error::Socket { operation: "use", addr, source: Arc::new(error) };
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = UdpSocket::from_std(socket).map_err(failed)?;
        Ok(Self { socket, inboxes: Mutex::default() })
    }

    /// Hands a datagram to the other descents, and forgets those that have ended.
    fn pass_on(&self, arrival: &Arrival, own: &mpsc::Sender<Arrival>) {
        let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.retain(|inbox| !inbox.is_closed());
        for inbox in inboxes.iter().filter(|inbox| !inbox.same_channel(own)) {
            let _ = inbox.try_send(arrival.clone());
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

/// The ICMP errors that wait, a bounded number at a time.
fn take_errors(take: impl Fn() -> io::Result<Option<Unreachable>>) -> Vec<Unreachable> {
    (0..ERRORS).map_while(|_| take().ok()).flatten().collect()
}

/// Waits until a socket has a datagram or an ICMP error; for ever where there is none.
async fn ready(socket: Option<&UdpSocket>) {
    match socket {
        // An error is one of the next read, where it ends nothing.
        Some(socket) => drop(socket.ready(Interest::READABLE | Interest::ERROR).await),
        None => std::future::pending().await,
    }
}

fn take(socket: &UdpSocket, buffer: &mut [u8]) -> Option<Arrival> {
    let (len, from) = socket.try_recv_from(buffer).ok()?;
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    Some((from, buffer[..len].to_vec(), Instant::now()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_number_of_errors_about_one_address_refuses_what_goes_to_another() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let closed = std::net::UdpSocket::bind(here).unwrap().local_addr().unwrap();
        let listener = std::net::UdpSocket::bind(here).unwrap();
        let socket = open(here).unwrap();
        icmp::keep(&socket, false).unwrap();
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
