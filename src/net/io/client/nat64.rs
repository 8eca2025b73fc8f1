//! How a client finds out whether its network has a NAT64 (RFC 7050).

use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch::{self, Receiver};
use tokio::time::timeout_at;
use tracing::debug;

use crate::error::Error;
use crate::net::io::interfaces::on_link;
use crate::net::io::look_up::start;
use crate::net::io::source::Source;
use crate::types::{Family, IPV4_ONLY, Nat64, OnLink};

/// How long the look-up may take: as long as the system's resolver waits for its first answer
/// (resolv.conf(5)). IPv4 servers that this host cannot send to are given up then.
const PATIENCE: Duration = Duration::from_secs(5);

/// For so long descents share a look-up that another has begun: each takes a thread as long as the
/// resolver is silent, and a thousand descents may begin at once.
const SHARED: Duration = Duration::from_millis(250);

/// The look-ups of one client.
#[derive(Debug, Default)]
pub(super) struct Nat64LookUps(Mutex<Option<Nat64LookUp>>);

/// One that has begun, and its answer.
#[derive(Debug, Clone)]
struct Nat64LookUp {
    began: Instant,
    answer: Receiver<Option<Nat64>>,
}

impl Nat64LookUps {
    fn begin(&self) -> Nat64LookUp {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = newest.take_if(|newest| newest.began.elapsed() < SHARED);
        newest.insert(shared.unwrap_or_else(Nat64LookUp::begin)).clone()
    }
}

impl Nat64LookUp {
    fn begin() -> Self {
        let (sender, answer) = watch::channel(None);
        let begun = start(IPV4_ONLY, 0, move |found| {
            let _ = sender.send(Some(read(found)));
        });
        if let Err(error) = begun {
            debug!(%error, "cannot look up whether there is a NAT64");
        }
        Self { began: Instant::now(), answer }
    }

    /// What is found; nothing, where that is not known in time. Safe to drop and call again.
    async fn found(&mut self, patience: Duration) -> Nat64 {
        let until = self.began + patience;
        match timeout_at(until.into(), self.answer.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.clone().unwrap_or_default(),
            Ok(Err(_)) => Nat64::default(), // it could not begin, or has panicked
            Err(_) => {
                debug!(?patience, "no answer whether there is a NAT64");
                Nat64::default()
            }
        }
    }
}

/// What the system's resolver says.
fn read(found: io::Result<Vec<SocketAddr>>) -> Nat64 {
    let nat64 = match found {
        Ok(addrs) => Nat64::found_in(addrs.iter().map(SocketAddr::ip)),
        Err(error) => {
            debug!(host = IPV4_ONLY, %error, "cannot look up whether there is a NAT64");
            Nat64::default()
        }
    };
    debug!(?nat64, "looked up whether there is a NAT64");
    nat64
}

/// The search of one descent, which begins when it is needed and not before.
#[derive(Debug)]
pub(super) struct Nat64Search<'a> {
    look_ups: &'a Nat64LookUps,
    /// Whether this host has IPv6, and so may be behind one.
    possible: bool,
    /// Whether it has no IPv4, and so must be.
    closed: bool,
    patience: Duration,
    begun: bool,
    awaited: Option<Nat64LookUp>,
}

impl<'a> Nat64Search<'a> {
    /// Of a host in these networks, that has so long for all it does: half of that for this.
    pub(super) fn new(look_ups: &'a Nat64LookUps, on_link: &OnLink, limit: Duration) -> Self {
        let possible = on_link.has(Family::V6);
        let closed = possible && !on_link.has(Family::V4);
        let patience = PATIENCE.min(limit / 2);
        Self { look_ups, possible, closed, patience, begun: false, awaited: None }
    }

    /// Whether this host has no IPv4 at all.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Begins, if it has not yet. Returns whether it does.
    pub(super) fn begin(&mut self) -> bool {
        let begins = self.possible && !self.begun;
        if begins {
            self.begun = true;
            self.awaited = Some(self.look_ups.begin());
        }
        begins
    }

    /// Whether a NAT64 may lead to where this could not be sent.
    pub(super) fn may_help(&self, to: SocketAddr, error: &Error) -> bool {
        let Error::Socket { source, .. } = error else { return false };
        let no_way = source.kind() == ErrorKind::NetworkUnreachable;
        no_way && self.possible && Nat64::may_lead_to(to)
    }

    /// What is found, once; for ever where it has not begun. Safe to drop and call again.
    pub(super) async fn found(&mut self) -> Nat64 {
        let Some(look_up) = &mut self.awaited else { return pending().await };
        let found = look_up.found(self.patience).await;
        self.awaited = None;
        found
    }
}

/// Addresses to send to from there: those of IPv4 that this host has no way to, by way of a NAT64, where
/// it has one.
pub(super) async fn with_ways(addrs: Vec<SocketAddr>, source: &Source) -> Vec<SocketAddr> {
    let lost = |addr| Nat64::may_lead_to(addr) && source.has_no_way_to(addr);
    if !addrs.iter().any(|addr| lost(*addr)) || !on_link().has(Family::V6) {
        return addrs;
    }
    let nat64 = Nat64LookUp::begin().found(PATIENCE).await;
    let mut ways = Vec::new();
    for addr in addrs {
        let way = nat64.way_to(addr).filter(|_| lost(addr)).unwrap_or(addr);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}
