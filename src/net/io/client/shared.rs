//! A socket that the application gave.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::input::room;
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::io::socket::asking::{AskingSocket, Datagram};
use crate::net::io::socket::udp::{BoundAddr, any, send};
use crate::types::Family;

/// Datagrams that wait for one descent on a shared socket; more are dropped, as the system does.
const WAITING: usize = 256;

/// A socket that several descents share. Each takes all that comes and passes it on to the
/// others: ids tell them apart.
#[derive(Debug)]
pub(super) struct SharedSocket {
    socket: Arc<UdpSocket>,
    /// Held by who takes and passes on: whoever finds nothing there then has all that came in his inbox.
    receiving: Mutex<Receiving>,
}

#[derive(Debug)]
struct Receiving {
    socket: AskingSocket,
    inboxes: Vec<mpsc::Sender<Datagram>>,
}

impl SharedSocket {
    pub(super) fn new(socket: std::net::UdpSocket) -> Result<Self, Error> {
        let addr = socket.local_addr().unwrap_or(any(Family::V4));
        let failed = Error::socket(SocketOperation::Use, addr);
        if let Ok(peer) = socket.peer_addr() {
            // It would neither send to another address nor hear one.
            let message = format!("it is connected to `{peer}`");
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, message)));
        }
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = Arc::new(UdpSocket::from_std(socket).map_err(failed)?);
        let receiving =
            Receiving { socket: AskingSocket::new(socket.clone()), inboxes: Vec::new() };
        Ok(Self { socket, receiving: Mutex::new(receiving) })
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiving {
    /// Hands a datagram to the other descents, and forgets those that have ended.
    fn pass_on(&mut self, datagram: &Datagram, own: &mpsc::Sender<Datagram>) {
        self.inboxes.retain(|inbox| !inbox.is_closed());
        for inbox in self.inboxes.iter().filter(|inbox| !inbox.same_channel(own)) {
            let _ = inbox.try_send(datagram.clone());
        }
    }
}

/// One descent's part in a shared socket.
#[derive(Debug)]
pub(super) struct Share {
    socket: Arc<SharedSocket>,
    inbox: mpsc::Receiver<Datagram>,
    /// What fills the inbox.
    own: mpsc::Sender<Datagram>,
    /// What was taken out of it by waiting.
    first: Option<Datagram>,
    buffer: Vec<u8>,
}

impl Share {
    pub(super) fn new(socket: Arc<SharedSocket>) -> Self {
        let (own, inbox) = mpsc::channel(WAITING);
        socket.receiving().inboxes.push(own.clone());
        Self { socket, inbox, own, first: None, buffer: room() }
    }

    pub(super) fn send(&self, transmit: &Transmit) -> Result<(), Error> {
        let failed = Error::socket(SocketOperation::Send, transmit.to);
        let socket = &*self.socket.socket;
        let local = BoundAddr(socket.local_addr().map_err(failed)?);
        let unreachable = || io::Error::from(io::ErrorKind::Unsupported);
        let to = local.name_for(transmit.to).ok_or_else(unreachable);
        to.and_then(|to| send(socket, &transmit.payload, to)).map_err(failed)
    }

    /// What is there now, and came first.
    pub(super) fn look(&mut self) -> Option<Datagram> {
        let passed_on = self.first.take().or_else(|| self.inbox.try_recv().ok());
        passed_on.or_else(|| self.read()).or_else(|| self.inbox.try_recv().ok())
    }

    fn read(&mut self) -> Option<Datagram> {
        let mut receiving = self.socket.receiving();
        receiving.socket.peek(&mut self.buffer).ok()?;
        let datagram = receiving.socket.take()?;
        receiving.pass_on(&datagram, &self.own);
        Some(datagram)
    }

    /// Waits until there may be something. Safe to drop and call again.
    pub(super) async fn ready(&mut self) {
        tokio::select! {
            Some(datagram) = self.inbox.recv() => self.first = Some(datagram),
            // Not its ICMP errors: one that nobody takes would end every wait.
            _ = self.socket.socket.readable() => {}
        }
    }
}
