//! The addresses where TURN servers take streams: what was tried there, and the bounds of that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::types::TurnFault;

/// How many TCP connections a descent begins, whatever is listed: half as many as it may send datagrams, for
/// each is a few packets.
const MOST_CONNECTS: usize = 128;

/// How many of them are kept for those that are near the best.
const KEPT: usize = 24;

/// How many addresses are known at most: whoever is listed behind them would not be asked anyhow.
const MOST_PLACES: usize = 512;

/// Between two connections to one address: as far apart as nothing that is said of a path is the same.
pub(super) const SPACING: Duration = Duration::from_millis(5);

/// An address, by the order in which they became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceId(usize);

/// What was tried at one address.
#[derive(Debug)]
pub(super) struct StreamPlace {
    pub(super) addr: SocketAddr,
    /// The least time that a connection took.
    pub(super) rtt: Option<Duration>,
    /// Why one did not come about.
    pub(super) fault: Option<TurnFault>,
    /// How many were begun.
    pub(super) begun: u32,
    /// How many of those have not ended.
    open: u32,
    newest: Option<Instant>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct StreamPlaces {
    all: Vec<StreamPlace>,
    by_addr: BTreeMap<SocketAddr, PlaceId>,
    /// Connections that are to be begun.
    due: BTreeSet<(Instant, PlaceId)>,
    /// Where connections have not ended, by when the newest was begun.
    awaited: BTreeSet<(Instant, PlaceId)>,
    /// Connections that have not ended, by host; of IPv6 by its network.
    unanswered: BTreeMap<IpAddr, u32>,
    most_unanswered: u32,
    begun: usize,
}

impl StreamPlaces {
    pub(super) fn new(most_unanswered: u32) -> Self {
        let most_unanswered = to_silence(most_unanswered);
        Self {
            all: Vec::new(),
            by_addr: BTreeMap::new(),
            due: BTreeSet::new(),
            awaited: BTreeSet::new(),
            unanswered: BTreeMap::new(),
            most_unanswered,
            begun: 0,
        }
    }

    /// The place at an address; `None`: there are too many.
    pub(super) fn at(&mut self, addr: SocketAddr) -> Option<PlaceId> {
        if let Some(id) = self.by_addr.get(&addr) {
            return Some(*id);
        }
        let id = PlaceId(self.all.len());
        if id.0 >= MOST_PLACES {
            return None;
        }
        let place = StreamPlace { addr, rtt: None, fault: None, begun: 0, open: 0, newest: None };
        self.all.push(place);
        self.by_addr.insert(addr, id);
        Some(id)
    }

    pub(super) fn get(&self, id: PlaceId) -> Option<&StreamPlace> {
        self.all.get(id.0)
    }

    /// The least time of some of them.
    pub(super) fn least(&self, ids: impl IntoIterator<Item = PlaceId>) -> Option<Duration> {
        ids.into_iter().filter_map(|id| self.get(id)?.rtt).min()
    }

    /// A connection is to be begun then.
    pub(super) fn plan(&mut self, id: PlaceId, at: Instant) {
        self.due.insert((at, id));
    }

    /// Whether a connection was begun, or is to be.
    pub(super) fn is_tried(&self, id: PlaceId) -> bool {
        self.get(id).is_some_and(|place| place.begun > 0)
            || self.due.iter().any(|(_, due)| *due == id)
    }

    /// The next connection to begin. `near`: whether it is one of those that some are kept for.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        near: impl Fn(&StreamPlace) -> bool,
    ) -> Option<(PlaceId, SocketAddr)> {
        loop {
            let &(at, id) = self.due.first().filter(|(at, _)| *at <= now)?;
            self.due.remove(&(at, id));
            let Some(place) = self.all.get_mut(id.0) else { continue };
            let most = most_connects(near(place));
            let unanswered = self.unanswered.entry(host(place.addr)).or_default();
            let quiet = place.rtt.is_none() && *unanswered >= self.most_unanswered;
            // Whoever refuses once does so again.
            let refuses = place.fault.is_some() && place.rtt.is_none();
            if self.begun >= most || quiet || refuses {
                continue;
            }
            *unanswered += 1;
            self.begun += 1;
            place.begun += 1;
            place.open += 1;
            if let Some(before) = place.newest.replace(now) {
                self.awaited.remove(&(before, id));
            }
            self.awaited.insert((now, id));
            return Some((id, place.addr));
        }
    }

    /// A connection has ended: it came about after so long, or did not.
    pub(super) fn ended(&mut self, id: PlaceId, outcome: Result<Duration, TurnFault>) {
        let Some(place) = self.all.get_mut(id.0).filter(|place| place.open > 0) else { return };
        place.open -= 1;
        match outcome {
            Ok(rtt) => place.rtt = Some(counts(place.rtt, rtt)),
            Err(fault) => place.fault = place.fault.or(Some(fault)),
        }
        if let Some(unanswered) = self.unanswered.get_mut(&host(place.addr)) {
            *unanswered = unanswered.saturating_sub(1);
        }
        if let Some(newest) = place.newest.filter(|_| place.open == 0) {
            self.awaited.remove(&(newest, id));
        }
    }

    /// When the next connection is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// When the newest of all connections that have not ended was begun, or will be.
    pub(super) fn newest(&self) -> Option<Instant> {
        let ends = [self.due.last(), self.awaited.last()];
        ends.into_iter().flatten().map(|(at, _)| *at).max()
    }

    /// Those of which nothing is known yet.
    pub(super) fn silent(&self) -> Vec<PlaceId> {
        let silent = |id: &PlaceId| self.get(*id).is_some_and(|place| place.rtt.is_none());
        self.awaited.iter().map(|(_, id)| *id).filter(silent).collect()
    }

    /// How many connections were begun.
    pub(super) fn begun(&self) -> usize {
        self.begun
    }
}

/// How many connections there may be before one of these is begun.
fn most_connects(is_near: bool) -> usize {
    planted!(ConnectsWithoutEnd => usize::MAX);
    if is_near { MOST_CONNECTS } else { MOST_CONNECTS - KEPT }
}

/// How many of them go to one host of which nothing is heard.
fn to_silence(most: u32) -> u32 {
    planted!(SilenceConnected => u32::MAX);
    most
}

/// Which time counts, after those before: noise only adds.
fn counts(least: Option<Duration>, rtt: Duration) -> Duration {
    planted!(LastConnectCounts => rtt);
    least.map_or(rtt, |least| least.min(rtt))
}

/// What may be one host: an IPv4 address, or an IPv6 /64.
fn host(addr: SocketAddr) -> IpAddr {
    match addr.ip() {
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) >> 64 << 64).to_be_bytes()),
        v4 => v4,
    }
}
