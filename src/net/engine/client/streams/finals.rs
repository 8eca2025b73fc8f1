//! The last round: the TURN servers themselves, by Binding over TCP or TLS. That a port takes connections is
//! no proof that TURN is behind it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::places::{PlaceId, StreamPlaces};
use super::ranking::{StreamStanding, is_finalist_beside};
use super::servers::Servers;
use crate::types::{ServerUrl, TurnFault};

/// How many TURN servers one round asks.
const FINALISTS: usize = 4;

/// How many rounds there are: each asks those behind whoever was asked in vain.
const ROUNDS: u8 = 3;

/// One check: of a server, by one of its ways.
#[derive(Debug)]
struct FinalCheck {
    server: usize,
    way: usize,
    place: PlaceId,
    begun: bool,
    outcome: Option<Result<(), TurnFault>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Finals {
    checks: Vec<FinalCheck>,
    rounds: u8,
    /// Until when they are awaited.
    until: Option<Instant>,
}

/// What is known of a TURN server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TurnProof {
    /// It has answered.
    Verified,
    /// It was not asked.
    Unasked,
    /// It is being asked.
    Awaited,
    /// It has not answered by any of its ways.
    Failed,
}

impl Finals {
    /// Asks the best of those that were not asked. Returns whether it does.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        ranked: &[StreamStanding],
        servers: &Servers,
        places: &StreamPlaces,
    ) -> bool {
        let is_unasked =
            |one: &StreamStanding| self.proof(one.index) == TurnProof::Unasked && !one.aside;
        let mut unasked = ranked.iter().copied().filter(is_unasked);
        let Some(best) = unasked.next().filter(|_| self.rounds < ROUNDS) else { return false };
        let near = |one: &StreamStanding| is_finalist_beside(one.rtt, best.rtt);
        let chosen: Vec<_> =
            [best].into_iter().chain(unasked.filter(near)).take(FINALISTS).collect();
        self.rounds += 1;
        let mut slowest = Duration::ZERO;
        for one in chosen {
            slowest = slowest.max(one.rtt);
            let entry = &servers.entries()[one.index];
            for (way, places_of) in entry.ways.iter().map(|way| &way.places).enumerate() {
                let rtt = |place: &PlaceId| Some((places.get(*place)?.rtt?, *place));
                let Some((_, place)) = places_of.iter().filter_map(rtt).min() else { continue };
                let check =
                    FinalCheck { server: one.index, way, place, begun: false, outcome: None };
                self.checks.push(check);
            }
        }
        // TCP, TLS in two round trips, Binding; and whatever certificates and a busy server take.
        self.until = Some(now + slowest * 8 + Duration::from_millis(500));
        true
    }

    /// The next check to begin.
    pub(super) fn poll(&mut self, servers: &Servers) -> Option<(usize, PlaceId, ServerUrl)> {
        let id = self.checks.iter().position(|check| !check.begun)?;
        let check = &mut self.checks[id];
        check.begun = true;
        let way = servers.entries().get(check.server)?.ways.get(check.way)?;
        Some((id, check.place, way.url.clone()))
    }

    /// A check has ended.
    pub(super) fn ended(&mut self, id: usize, outcome: Result<(), TurnFault>) {
        if let Some(check) = self.checks.get_mut(id) {
            check.outcome.get_or_insert(outcome);
        }
    }

    /// What is awaited is awaited no longer.
    pub(super) fn give_up(&mut self) {
        for check in &mut self.checks {
            check.outcome.get_or_insert(Err(TurnFault::Silent));
        }
    }

    /// Until when it is worth to wait.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn proof(&self, server: usize) -> TurnProof {
        let (mut asked, mut awaited, mut verified) = (false, false, false);
        for check in self.checks.iter().filter(|check| check.server == server) {
            asked = true;
            awaited |= check.outcome.is_none();
            verified |= check.outcome == Some(Ok(()));
        }
        match (asked, awaited, verified) {
            (false, ..) => TurnProof::Unasked,
            // The best way is known once all are.
            (_, true, _) => TurnProof::Awaited,
            (_, false, true) => TurnProof::Verified,
            (_, false, false) => TurnProof::Failed,
        }
    }

    /// What came of the checks of one server, by its ways.
    pub(super) fn outcomes(&self, server: usize) -> BTreeMap<usize, Result<(), TurnFault>> {
        let of = self.checks.iter().filter(|check| check.server == server);
        of.filter_map(|check| Some((check.way, check.outcome?))).collect()
    }
}
