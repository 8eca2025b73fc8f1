//! The sockets of a descent: fresh ones, or a part in one that the application gave.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::net::engine::Transmit;
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

/// What one descent sends and receives with.
pub(super) enum Sockets {
    /// Opened when the first datagram of the family is sent: a fresh source port each.
    Own { v4: Option<UdpSocket>, v6: Option<UdpSocket>, buffer: Vec<u8> },
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
            return Self::Own { v4: None, v6: None, buffer };
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
        let (socket, to) = match self {
            Self::Own { v4, v6, .. } => {
                let (slot, any) = match transmit.to {
                    SocketAddr::V4(_) => (v4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
                    SocketAddr::V6(_) => (v6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))),
                };
                let socket = match slot {
                    Some(socket) => socket,
                    None => slot.insert(open(any).map_err(failed("open a socket for"))?),
                };
                (&*socket, transmit.to)
            }
            Self::Shared { socket, .. } => {
                let local = socket.socket.local_addr().map_err(failed("send to"))?;
                let unreachable = || io::Error::from(io::ErrorKind::Unsupported);
                let to = mapped(transmit.to, local).ok_or_else(unreachable);
                (&socket.socket, to.map_err(failed("send to"))?)
            }
        };
        send(socket, &transmit.payload, to).map_err(failed("send to"))
    }

    /// Waits for the next datagram. Safe to drop and call again.
    pub(super) async fn receive(&mut self) -> Arrival {
        match self {
            Self::Own { v4, v6, buffer } => loop {
                // Both are polled with the same buffer in turn, so only readiness is raced.
                let ready = tokio::select! {
                    () = readable(v4.as_ref()) => v4.as_ref(),
                    () = readable(v6.as_ref()) => v6.as_ref(),
                };
                if let Some(arrival) = ready.and_then(|socket| take(socket, buffer)) {
                    return arrival;
                }
            },
            Self::Shared { socket, inbox, own, buffer } => loop {
                tokio::select! {
                    Some(arrival) = inbox.recv() => return arrival,
                    () = readable(Some(&socket.socket)) => {}
                }
                if let Some(arrival) = take(&socket.socket, buffer) {
                    socket.pass_on(&arrival, own);
                    return arrival;
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

/// Waits until a socket can be read; for ever where there is none.
async fn readable(socket: Option<&UdpSocket>) {
    match socket {
        // An error is one of the next read, where it ends nothing.
        Some(socket) => drop(socket.readable().await),
        None => std::future::pending().await,
    }
}

fn take(socket: &UdpSocket, buffer: &mut [u8]) -> Option<Arrival> {
    let (len, from) = socket.try_recv_from(buffer).ok()?;
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    Some((from, buffer[..len].to_vec(), Instant::now()))
}
