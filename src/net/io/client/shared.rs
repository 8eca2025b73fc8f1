//! A socket that the application gave.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::input::{Datagram, ReceiveBuffer};
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::io::socket::udp::{BoundAddr, any, send};
use crate::types::Family;

/// Datagrams that wait for one descent on a shared socket; more are dropped, as the system does.
const WAITING: usize = 256;

/// A socket that several descents share. Each takes all that comes and passes it on to the
/// others: ids tell them apart.
#[derive(Debug)]
pub(super) struct SharedSocket {
    socket: UdpSocket,
    inboxes: Mutex<Vec<mpsc::Sender<Datagram>>>,
}

impl SharedSocket {
    pub(super) fn new(socket: std::net::UdpSocket) -> Result<Self, Error> {
        let addr = socket.local_addr().unwrap_or(any(Family::V4));
        let failed = Error::socket(SocketOperation::Use, addr);
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = UdpSocket::from_std(socket).map_err(failed)?;
        Ok(Self { socket, inboxes: Mutex::default() })
    }

    fn add(&self, inbox: mpsc::Sender<Datagram>) {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).push(inbox);
    }

    /// Hands a datagram to the other descents, and forgets those that have ended.
    fn pass_on(&self, datagram: &Datagram, own: &mpsc::Sender<Datagram>) {
        let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.retain(|inbox| !inbox.is_closed());
        for inbox in inboxes.iter().filter(|inbox| !inbox.same_channel(own)) {
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
    reader: ReceiveBuffer,
}

impl Share {
    pub(super) fn new(socket: Arc<SharedSocket>) -> Self {
        let (own, inbox) = mpsc::channel(WAITING);
        socket.add(own.clone());
        Self { socket, inbox, own, reader: ReceiveBuffer::new() }
    }

    pub(super) fn send(&self, transmit: &Transmit) -> Result<(), Error> {
        let failed = Error::socket(SocketOperation::Send, transmit.to);
        let socket = &self.socket.socket;
        let local = BoundAddr(socket.local_addr().map_err(failed)?);
        let unreachable = || io::Error::from(io::ErrorKind::Unsupported);
        let to = local.name_for(transmit.to).ok_or_else(unreachable);
        to.and_then(|to| send(socket, &transmit.payload, to)).map_err(failed)
    }

    /// Waits for the next datagram. Safe to drop and call again.
    pub(super) async fn receive(&mut self) -> Datagram {
        loop {
            tokio::select! {
                Some(datagram) = self.inbox.recv() => return datagram,
                // Not its ICMP errors: one that nobody takes would end every wait.
                _ = self.socket.socket.readable() => {}
            }
            if let Some(datagram) = self.reader.read(&self.socket.socket) {
                self.socket.pass_on(&datagram, &self.own);
                return datagram;
            }
        }
    }
}
