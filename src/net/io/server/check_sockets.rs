//! The sockets that checks are sent from, and their answers come to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::UdpSocket;

use super::log_limit::{LogLimit, tell};
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::io::socket::udp::{any, open, send};
use crate::types::Family;

/// One at each address that the server listens on.
pub(super) struct CheckSockets {
    sockets: Vec<CheckSocket>,
    /// Which one sends next, where several can: one of them may have no way to the node.
    next: usize,
}

struct CheckSocket {
    socket: Arc<UdpSocket>,
    /// Where it is bound.
    addr: Option<SocketAddr>,
}

impl CheckSockets {
    /// Opens them, all at this port if there is one.
    pub(super) fn open(listening: &[SocketAddr], port: Option<u16>) -> Result<Self, Error> {
        let open = |addr| -> Result<_, Error> {
            let socket = open(addr).map_err(Error::socket(SocketOperation::SendChecks, addr))?;
            Ok(CheckSocket { addr: socket.local_addr().ok(), socket: Arc::new(socket) })
        };
        let sockets = sources(listening, port.unwrap_or(0))
            .into_iter()
            .map(open)
            .collect::<Result<_, _>>()?;
        Ok(Self { sockets, next: 0 })
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = &Arc<UdpSocket>> {
        self.sockets.iter().map(|socket| &socket.socket)
    }

    /// Where they are bound.
    pub(super) fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.addr)
    }

    /// Sends from the next socket of the family; where that fails, from another.
    pub(super) fn send(&mut self, now: Instant, check: &Transmit, log_limit: &LogLimit) {
        let may = || log_limit.allow(now);
        let family = Family::of(check.to);
        self.next = self.next.wrapping_add(1);
        let count = self.sockets.len();
        for index in 0..count {
            let CheckSocket { socket, addr } = &self.sockets[self.next.wrapping_add(index) % count];
            if addr.is_none_or(|addr| Family::of(addr) != family) {
                continue;
            }
            match send(socket, &check.payload, check.to) {
                Ok(()) => return tell!(may(), TRACE, to = %check.to, "check"),
                Err(error) => tell!(may(), DEBUG, to = %check.to, %error, "cannot send a check"),
            }
        }
    }
}

/// The addresses that checks are sent from: those that the server listens on, at this port.
fn sources(listening: &[SocketAddr], port: u16) -> BTreeSet<SocketAddr> {
    let v6_only =
        |addr: &SocketAddr| listening.iter().any(|a| a.is_ipv4() && a.port() == addr.port());
    let dual = |addr: &&SocketAddr| addr.is_ipv6() && addr.ip().is_unspecified() && !v6_only(addr);
    let v4 = listening.iter().find(dual).map(|_| any(Family::V4));
    let at_port = |mut addr: SocketAddr| {
        addr.set_port(port); // its scope stays
        addr
    };
    listening.iter().copied().chain(v4).map(at_port).collect()
}
