//! The sockets that TURN servers are asked from, those beside the server and those that are nodes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tracing::debug;

use super::asking_sockets::Asks;
use super::log_limit::tell;
use super::shared::SharedState;
use crate::error::{Error, SocketOperation};
use crate::net::engine::Transmit;
use crate::net::engine::server::ways::Way;
use crate::net::io::socket::send_all;
use crate::net::io::socket::udp::{any, open};
use crate::types::Family;

/// How many there are at most.
const MOST: usize = 16;

/// After how long without use one is closed: whoever is asked by it is asked every few seconds, and no
/// answer takes so long.
const IDLE: Duration = Duration::from_secs(30);

/// One for each way and wildcard address: the system knows which address leads there.
#[derive(Default)]
pub(super) struct TurnSockets {
    open: BTreeMap<(Way, SocketAddr), OpenTurnSocket>,
}

struct OpenTurnSocket {
    socket: Arc<UdpSocket>,
    used: Instant,
}

impl TurnSockets {
    /// Opens the first one for an address, if it is not there.
    pub(super) fn open(&mut self, now: Instant, to: SocketAddr) -> Result<(), Error> {
        let bind = any(Family::of(to));
        if let Entry::Vacant(place) = self.open.entry((Way::FIRST, bind)) {
            place.insert(OpenTurnSocket { socket: fresh(bind)?, used: now });
        }
        Ok(())
    }

    /// Those that are open.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Arc<UdpSocket>> {
        self.open.values().map(|open| &open.socket)
    }

    /// Sends requests, from a new socket where none has gone its way.
    pub(super) fn send(&mut self, now: Instant, asks: Vec<(Way, Transmit)>, shared: &SharedState) {
        let may = || shared.log_limit.allow(now);
        self.close(|open| open.used + IDLE <= now, shared);
        let mut alike = BTreeMap::<_, Vec<_>>::new();
        for (way, ask) in &asks {
            alike.entry((*way, any(Family::of(ask.to)))).or_default().push(ask);
        }
        for ((way, bind), asks) in alike {
            let sent = match self.of_way(now, way, bind, shared) {
                Ok(socket) => send_all(socket, &asks),
                Err(error) => {
                    tell!(may(), DEBUG, %error, "cannot ask TURN servers");
                    continue;
                }
            };
            for (Transmit { to, .. }, sent) in asks.into_iter().zip(sent) {
                match sent {
                    Ok(()) => tell!(may(), TRACE, %to, "request to a TURN server"),
                    Err(error) => tell!(may(), DEBUG, %to, %error, "cannot ask a TURN server"),
                }
            }
        }
    }

    fn of_way(
        &mut self,
        now: Instant,
        way: Way,
        bind: SocketAddr,
        shared: &SharedState,
    ) -> Result<&UdpSocket, Error> {
        if !self.open.contains_key(&(way, bind)) {
            let used = self.open.values().map(|open| open.used);
            if let Some(oldest) = used.min().filter(|_| self.open.len() >= MOST) {
                self.close(|open| open.used == oldest, shared);
            }
        }
        let open = match self.open.entry((way, bind)) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let socket = fresh(bind)?;
                if way != Way::FIRST {
                    debug!("TURN servers that are silent, or refuse, are asked from another port");
                }
                shared.asking.add(Asks::Turn, socket.clone());
                place.insert(OpenTurnSocket { socket, used: now })
            }
        };
        open.used = now;
        Ok(&open.socket)
    }

    fn close(&mut self, ends: impl Fn(&OpenTurnSocket) -> bool, shared: &SharedState) {
        self.open.retain(|_, open| {
            let stays = !ends(open);
            if !stays {
                shared.asking.remove(&open.socket);
            }
            stays
        });
    }
}

fn fresh(bind: SocketAddr) -> Result<Arc<UdpSocket>, Error> {
    open(bind).map(Arc::new).map_err(Error::socket(SocketOperation::AskTurn, bind))
}
