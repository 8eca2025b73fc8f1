//! Why nobody is chosen: what came first on the way is told, for what is behind it follows from that.

use std::time::Duration;

use super::contest::{AskedList, StreamRace};
use super::failure::{HttpsFailure, HttpsRootFault};
use crate::net::engine::client::descent::LeftOut;
use crate::types::{HttpsFault, HttpsUrl};

/// Why this one is not, though it would be if it had answered itself.
pub(super) fn unverified(race: &StreamRace, index: usize) -> HttpsFailure {
    let entry = &race.servers.entries()[index];
    let fault = race.finals.outcomes(index).into_values().find_map(Result::err);
    let turn = entry.listed.turn.unwrap_or(entry.listed.addr);
    HttpsFailure::Unverified { root: race.root_of(entry.list), turn, fault }
}

/// Why nobody is in hand after so long.
pub(super) fn failure(race: &StreamRace, waited: Duration) -> HttpsFailure {
    let StreamRace { roots, lists, servers: known, .. } = race;
    let Some(told) = lists.iter().position(|list| matches!(list.outcome, Some(Ok(_)))) else {
        let fault = |list: &AskedList| match &list.outcome {
            Some(Err(fault)) => fault.clone(),
            _ => HttpsFault::Late,
        };
        let told = |list: &AskedList| HttpsRootFault {
            root: roots[list.root].clone(),
            fault: fault(list),
        };
        let asked = lists.iter().filter(|list| list.below.is_none());
        return HttpsFailure::NoList { roots: asked.map(told).collect() };
    };
    let root = race.root_of(told);
    let why = why_none(race, root.clone(), waited);
    let left_out = known
        .entries()
        .iter()
        .filter_map(|entry| Some((entry.breach.clone()?, entry.listed.turn.is_none())));
    let left_out = LeftOut::count(left_out);
    if left_out.is_empty() {
        return why;
    }
    let others = (known.turns().count() > 0).then(|| Box::new(why));
    HttpsFailure::RuledOut { root, left_out, others }
}

/// Why nobody is of those that may be used.
fn why_none(race: &StreamRace, root: HttpsUrl, waited: Duration) -> HttpsFailure {
    let StreamRace { servers: known, places, .. } = race;
    let servers = known.turns().count();
    if servers == 0 {
        return HttpsFailure::Nobody { root };
    }
    if known.turns().all(|(_, entry)| entry.ways.is_empty()) {
        return HttpsFailure::UdpOnly { root, servers };
    }
    let tried: Vec<_> =
        known.turns().filter(|(_, entry)| entry.places().next().is_some()).collect();
    if tried.is_empty() {
        return HttpsFailure::Refused { root, servers };
    }
    let mut faults = tried.iter().flat_map(|(_, entry)| entry.places());
    let fault = faults.find_map(|place| places.get(place)?.fault);
    HttpsFailure::NoConnection { root, servers: tried.len(), waited, fault }
}
