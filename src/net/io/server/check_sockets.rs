//! The sockets that checks are sent from, and their answers come to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tracing::debug;

use super::asking_sockets::Asks;
use super::log_limit::tell;
use super::out_of_reach::OutOfReach;
use super::shared::SharedState;
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::engine::server::ways::Way;
use crate::net::io::socket::udp::{any, open, send};
use crate::types::Family;

/// How many ways there are at most besides the first.
const MOST_WAYS: usize = 8;

/// After how long without use one is closed: whoever is asked by it is asked every ten seconds at least,
/// and no answer takes so long.
const IDLE: Duration = Duration::from_secs(30);

/// One at each address that the server listens on, and others for nodes that have been silent: a NAT may
/// keep for them what it knew of a port.
pub(super) struct CheckSockets {
    /// By these all nodes are asked that have always answered.
    first: Vec<CheckSocket>,
    others: BTreeMap<Way, OpenWay>,
    /// The port that the configuration fixes, for which there are no others.
    port: Option<u16>,
    /// Which one sends next, where several can: one of them may have no way to the node.
    next: usize,
    out_of_reach: OutOfReach,
}

struct OpenWay {
    sockets: Vec<CheckSocket>,
    used: Instant,
}

struct CheckSocket {
    socket: Arc<UdpSocket>,
    /// Where it is bound.
    addr: SocketAddr,
}

impl CheckSockets {
    /// Opens them, all at this port if there is one.
    pub(super) fn open(listening: &[SocketAddr], port: Option<u16>) -> Result<Self, Error> {
        let first = sources(listening, port.unwrap_or(0)).into_iter().map(CheckSocket::open);
        let first = first.collect::<Result<_, _>>()?;
        Ok(Self {
            first,
            others: BTreeMap::new(),
            port,
            next: 0,
            out_of_reach: OutOfReach::default(),
        })
    }

    /// Those that are open from the beginning.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Arc<UdpSocket>> {
        self.first.iter().map(|socket| &socket.socket)
    }

    /// Where they are bound.
    pub(super) fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.first.iter().map(|socket| socket.addr)
    }

    /// Whether all checks leave from one port, whatever comes of it.
    pub(super) fn is_fixed(&self) -> bool {
        self.port.is_some()
    }

    /// Sends from the next socket of the family and way; where that fails, from another.
    pub(super) fn send(&mut self, now: Instant, way: Way, check: &Transmit, shared: &SharedState) {
        let may = || shared.log_limit.allow(now);
        let family = Family::of(check.to);
        if !self.addrs().any(|addr| Family::of(addr) == family) {
            return self.out_of_reach.tell("node", check.to);
        }
        self.close(|open| open.used + IDLE <= now, shared);
        self.next = self.next.wrapping_add(1);
        let next = self.next;
        let sockets = self.of_way(now, way, shared);
        let count = sockets.len();
        for index in 0..count {
            let CheckSocket { socket, addr } = &sockets[next.wrapping_add(index) % count];
            if Family::of(*addr) != family {
                continue;
            }
            match send(socket, &check.payload, check.to) {
                Ok(()) => return tell!(may(), TRACE, to = %check.to, from = %addr, "check"),
                Err(error) => tell!(may(), DEBUG, to = %check.to, %error, "cannot send a check"),
            }
        }
    }

    /// The sockets of a way, which are opened where they are not.
    fn of_way(&mut self, now: Instant, way: Way, shared: &SharedState) -> &[CheckSocket] {
        if way == Way::FIRST || self.is_fixed() {
            return &self.first;
        }
        if !self.others.contains_key(&way) {
            let used = self.others.values().map(|open| open.used);
            if let Some(oldest) = used.min().filter(|_| self.others.len() >= MOST_WAYS) {
                self.close(|open| open.used == oldest, shared);
            }
            let again = self.first.iter().map(CheckSocket::again);
            match again.collect::<Result<Vec<_>, _>>() {
                Ok(sockets) => {
                    for CheckSocket { socket, addr } in &sockets {
                        debug!(from = %addr, "checks of silent nodes leave from another port");
                        shared.asking.add(Asks::Nodes, socket.clone());
                    }
                    self.others.insert(way, OpenWay { sockets, used: now });
                }
                Err(error) => debug!(%error, "checks of silent nodes leave from the same port"),
            }
        }
        match self.others.get_mut(&way) {
            Some(open) => {
                open.used = now;
                &open.sockets
            }
            None => &self.first,
        }
    }

    fn close(&mut self, ends: impl Fn(&OpenWay) -> bool, shared: &SharedState) {
        self.others.retain(|_, open| {
            let stays = !ends(open);
            if !stays {
                open.sockets.iter().for_each(|socket| shared.asking.remove(&socket.socket));
            }
            stays
        });
    }
}

impl CheckSocket {
    fn open(addr: SocketAddr) -> Result<Self, Error> {
        let failed = Error::socket(SocketOperation::SendChecks, addr);
        let socket = open(addr).map_err(failed)?;
        let addr = socket.local_addr().map_err(failed)?;
        Ok(Self { socket: Arc::new(socket), addr })
    }

    /// Opens one at another port.
    fn again(&self) -> Result<Self, Error> {
        let mut addr = self.addr;
        addr.set_port(0); // its scope stays
        Self::open(addr)
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
