//! A server by UDP.

use std::io::ErrorKind;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::UdpSocket;

use super::fault::fault;
use crate::net::io::socket::udp::ANSWER_ROOM;
use crate::net::io::source::Source;
use crate::types::TurnFault;

/// A socket that hears this server alone, and what the network says about it.
pub(crate) struct Datagrams {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Datagrams {
    pub(crate) fn open(addr: SocketAddr, source: &Source) -> Result<Self, TurnFault> {
        let opened = source.udp(addr).and_then(|socket| {
            SockRef::from(&socket).connect(&addr.into())?;
            Ok(socket)
        });
        let socket = opened.map_err(|error| fault(&error))?;
        Ok(Self { socket, buffer: vec![0; ANSWER_ROOM] })
    }

    /// Sends at once, or not at all: a full buffer is a lost datagram.
    pub(crate) fn send(&self, payload: &[u8]) -> Result<(), TurnFault> {
        match SockRef::from(&self.socket).send(payload) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(fault(&error)),
            _ => Ok(()),
        }
    }

    pub(crate) async fn receive(&mut self) -> Result<Vec<u8>, TurnFault> {
        let len = self.socket.recv(&mut self.buffer).await.map_err(|error| fault(&error))?;
        Ok(self.buffer[..len].to_vec())
    }
}
