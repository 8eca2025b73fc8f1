//! How a client finds out whether its network has a NAT64 (RFC 7050).

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use super::fresh::Source;
use crate::error::Error;
use crate::net::io::interfaces::on_link;
use crate::net::io::look_up::look_up;
use crate::types::{Family, IPV4_ONLY, Nat64, OnLink};

/// How long the look-up may take: as long as the system's resolver waits for its first answer
/// (resolv.conf(5)). IPv4 servers that this host cannot send to are given up then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The look-up of one descent, which begins when it is needed and not before.
pub(super) struct Nat64Search {
    /// Whether this host has IPv6, and so may be behind one.
    possible: bool,
    /// Whether it has no IPv4, and so must be.
    closed: bool,
    patience: Duration,
    looking: Option<Pin<Box<dyn Future<Output = Nat64> + Send>>>,
    begun: bool,
}

impl Nat64Search {
    /// Of a host in these networks, that has so long for all it does: half of that for this.
    pub(super) fn new(on_link: &OnLink, limit: Duration) -> Self {
        let possible = on_link.has(Family::V6);
        let closed = possible && !on_link.has(Family::V4);
        let patience = PATIENCE.min(limit / 2);
        Self { possible, closed, patience, looking: None, begun: false }
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
            self.looking = Some(Box::pin(find(self.patience)));
        }
        begins
    }

    /// Whether a NAT64 may lead to where this could not be sent.
    pub(super) fn may_help(&self, to: SocketAddr, error: &Error) -> bool {
        let Error::Socket { source, .. } = error else { return false };
        let no_way = matches!(source.kind(), ErrorKind::NetworkUnreachable);
        no_way && self.possible && Nat64::may_lead_to(to)
    }

    /// What is found, once; for ever where it has not begun. Safe to drop and call again.
    pub(super) async fn found(&mut self) -> Nat64 {
        let Some(looking) = &mut self.looking else { return std::future::pending().await };
        let found = looking.await;
        self.looking = None;
        found
    }
}

/// The ways to IPv4 that this host's network has, as its resolver tells them.
pub(super) async fn find(patience: Duration) -> Nat64 {
    let addrs = match timeout(patience, look_up(IPV4_ONLY, 0)).await {
        Ok(Ok(addrs)) => addrs,
        Ok(Err(error)) => {
            debug!(host = IPV4_ONLY, %error, "cannot look up whether there is a NAT64");
            Vec::new()
        }
        Err(_) => {
            debug!(host = IPV4_ONLY, ?patience, "no answer whether there is a NAT64");
            Vec::new()
        }
    };
    let nat64 = Nat64::found_in(addrs.iter().map(SocketAddr::ip));
    debug!(?nat64, "looked up whether there is a NAT64");
    nat64
}

/// Addresses to send to from there: those of IPv4 that this host has no way to, by way of a NAT64, where
/// it has one.
pub(super) async fn with_ways(addrs: Vec<SocketAddr>, source: &Source) -> Vec<SocketAddr> {
    let lost = |addr| Nat64::may_lead_to(addr) && source.has_no_way_to(addr);
    if !addrs.iter().any(|addr| lost(*addr)) || !on_link().has(Family::V6) {
        return addrs;
    }
    let nat64 = find(PATIENCE).await;
    let mut ways = Vec::new();
    for addr in addrs {
        let way = nat64.way_to(addr).filter(|_| lost(addr)).unwrap_or(addr);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}
