//! The socket that the TURN server beside a leaf is asked from.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tracing::debug;

use super::asking_sockets::Asks;
use super::shared::SharedState;
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::engine::server::ways::Way;
use crate::net::io::socket::udp::{any, open, send};
use crate::types::Family;

/// One at a time: no answer is awaited any more where the next is opened.
pub(super) struct TurnSocket {
    socket: Arc<UdpSocket>,
    way: Way,
}

impl TurnSocket {
    pub(super) fn open(turn: SocketAddr) -> Result<Self, Error> {
        Ok(Self { socket: fresh(turn)?, way: Way::FIRST })
    }

    pub(super) fn socket(&self) -> &Arc<UdpSocket> {
        &self.socket
    }

    /// Sends a request, from a new socket if it is to go another way.
    pub(super) fn send(&mut self, way: Way, binding: &Transmit, shared: &SharedState) {
        let turn = binding.to;
        if way != self.way {
            match fresh(turn) {
                Ok(socket) => {
                    let before = std::mem::replace(&mut self.socket, socket);
                    shared.asking.remove(&before);
                    shared.asking.add(Asks::Turn, self.socket.clone());
                    debug!(%turn, "a TURN server that is silent is asked from another port");
                }
                Err(error) => debug!(%turn, %error, "it is asked from the same port"),
            }
            self.way = way;
        }
        if let Err(error) = send(&self.socket, &binding.payload, turn) {
            debug!(%turn, %error, "cannot ask the TURN server");
        }
    }
}

fn fresh(turn: SocketAddr) -> Result<Arc<UdpSocket>, Error> {
    let addr = any(Family::of(turn));
    open(addr).map(Arc::new).map_err(Error::socket(SocketOperation::AskTurn, addr))
}
