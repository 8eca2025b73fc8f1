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
use crate::net::io::socket::send_all;
use crate::net::io::socket::udp::{any, open};
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

    /// Sends each from the next socket of its family and way; where that fails, from another.
    pub(super) fn send(
        &mut self,
        now: Instant,
        checks: Vec<(Way, Transmit)>,
        shared: &SharedState,
    ) {
        self.close(|open| open.used + IDLE <= now, shared);
        let mut alike = BTreeMap::<_, Vec<_>>::new();
        for (way, check) in checks {
            let family = Family::of(check.to);
            if self.addrs().any(|addr| Family::of(addr) == family) {
                self.next = self.next.wrapping_add(1);
                alike.entry((way, any(family))).or_default().push((self.next, check));
            } else {
                self.out_of_reach.tell("node", check.to);
            }
        }
        for ((way, from), checks) in alike {
            let sockets = self.of_way(now, way, shared).iter();
            let sockets = sockets.filter(|socket| socket.addr.is_ipv4() == from.is_ipv4());
            deal(now, &Vec::from_iter(sockets), &checks, shared);
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

/// Sends each from the socket that its number says, modulo how many there are; where that fails, from the
/// one after it, until all have been tried.
fn deal(
    now: Instant,
    sockets: &[&CheckSocket],
    checks: &[(usize, Transmit)],
    shared: &SharedState,
) {
    let may = || shared.log_limit.allow(now);
    let mut left = Vec::from_iter(checks);
    for tried in 0..sockets.len() {
        let (all, mut refused) = (left, Vec::new());
        for (place, CheckSocket { socket, addr }) in sockets.iter().enumerate() {
            let is_here =
                |(next, _): &(usize, _)| next.wrapping_add(tried) % sockets.len() == place;
            let here: Vec<_> = all.iter().copied().filter(|check| is_here(check)).collect();
            let transmits: Vec<_> = here.iter().map(|(_, check)| check).collect();
            for (check, sent) in here.into_iter().zip(send_all(socket, &transmits)) {
                let to = check.1.to;
                match sent {
                    Ok(()) => tell!(may(), TRACE, %to, from = %addr, "check"),
                    Err(error) => {
                        tell!(may(), DEBUG, %to, %error, "cannot send a check");
                        refused.push(check);
                    }
                }
            }
        }
        left = refused;
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
