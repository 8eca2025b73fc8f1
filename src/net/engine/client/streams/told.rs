//! What a descent by HTTPS and TCP says when it is over, in the words of one by UDP.

use std::net::SocketAddr;
use std::time::Duration;

use super::choices::Choice;
use super::contest::{Known, StreamRace};
use super::failure::HttpsFailure;
use super::finals::TurnProof;
use super::servers::ServerEntry;
use super::way::Means;
use crate::net::engine::client::descent::{
    Candidate, CandidateState, Cost, Failure, Hop, RunnerUp, Selection, Strategy, Trace, Transport,
    Unasked, Why,
};
use crate::net::engine::client::list::ServerKind;
use crate::net::wire::View;
use crate::types::{Labels, Name, TurnFault, TurnUrl};

/// A descent at its end.
pub(super) struct StreamEnding<'a> {
    pub(super) race: &'a StreamRace,
    pub(super) elapsed: Duration,
}

impl StreamEnding<'_> {
    /// Everything it has seen.
    pub(super) fn trace(&self, outcome: Result<usize, HttpsFailure>) -> Trace {
        let chosen = outcome.as_ref().ok().copied();
        let candidates = self.candidates(chosen);
        let outcome = match outcome {
            Ok(index) => Ok(self.selection(index)),
            Err(why) => Err(Failure::https(why)),
        };
        Trace {
            candidates,
            outcome,
            strategy: self.race.options.strategy,
            transport: Transport::Https,
            view: View::Flat,
            elapsed: self.elapsed,
            cost: self.cost(),
            unresolved: Vec::new(),
        }
    }

    fn selection(&self, index: usize) -> Selection {
        let entry = &self.race.servers.entries()[index];
        let standing = self.race.servers.standing(index, &self.race.places);
        let misses = standing.map_or(0, |standing| standing.misses);
        let choices = self.race.choices();
        let is_it = |one: &Choice| one.standing.index == index;
        let drawn = choices.all.iter().any(|one| is_it(one) && one.drawn);
        let drawn = drawn.then(|| u32::try_from(choices.drawn).unwrap_or(u32::MAX));
        let others = choices.all.into_iter().filter(|one| !is_it(one));
        Selection {
            turn: turn_of(entry),
            listed: None,
            name: entry.listed.name.clone(),
            rtt: self.rtt(index).unwrap_or_default(),
            verified: self.race.finals.proof(index) == TurnProof::Verified,
            drawn,
            load: entry.listed.load,
            labels: entry.listed.labels.clone(),
            transport: Transport::Https,
            urls: self.urls(index),
            elapsed: self.elapsed,
            strategy: self.race.options.strategy,
            path: self.path(entry),
            runners_up: others.map(|one| self.runner_up(one, misses)).collect(),
            cost: self.cost(),
            unresolved: Vec::new(),
        }
    }

    /// `misses`: how much of what is preferred the one that was chosen has not.
    fn runner_up(&self, Choice { standing, proof, drawn }: Choice, misses: u8) -> RunnerUp {
        let entry = &self.race.servers.entries()[standing.index];
        RunnerUp {
            turn: turn_of(entry),
            listed: None,
            name: entry.listed.name.clone(),
            rtt: standing.rtt,
            verified: proof == TurnProof::Verified,
            load: entry.listed.load,
            labels: entry.listed.labels.clone(),
            urls: self.urls(standing.index),
            why: match (self.race.options.strategy, proof) {
                (Strategy::First, _) => Why::Later,
                (_, TurnProof::Failed) => Why::Silent,
                _ if standing.misses > misses => Why::Unpreferred,
                _ if drawn => Why::Drawn,
                _ => Why::Slower,
            },
        }
    }

    fn rtt(&self, index: usize) -> Option<Duration> {
        self.race.servers.standing(index, &self.race.places).map(|standing| standing.rtt)
    }

    /// Those of TURN, what works here first: TLS at 443, TLS, TCP; then what was tried in vain, and UDP.
    fn urls(&self, index: usize) -> Vec<TurnUrl> {
        let entry = &self.race.servers.entries()[index];
        let checked = self.race.finals.outcomes(index);
        let mut urls: Vec<_> =
            entry.urls.iter().filter_map(|url| Some((url, url.turn()?))).collect();
        urls.sort_by_key(|(url, _)| {
            let way = entry.ways.iter().position(|way| way.url == **url);
            let answered = |way: usize| {
                let places = entry.ways[way].places.iter().copied();
                self.race.places.least(places).is_some()
            };
            let works = way.is_some_and(|way| match checked.get(&way) {
                Some(outcome) => outcome.is_ok(),
                None => answered(way),
            });
            (!works, Means::of(url))
        });
        let urls: Vec<_> = urls.into_iter().map(|(_, url)| url.clone()).collect();
        if urls.is_empty() { vec![TurnUrl::udp(turn_of(entry))] } else { urls }
    }

    /// The balance servers from the root down to the one that lists it, and the leaf beside it.
    fn path(&self, entry: &ServerEntry) -> Vec<Hop> {
        let mut hops = Vec::new();
        let mut list = Some(entry.list);
        while let Some(at) = list {
            let of = &self.race.lists[at];
            if let Some(Ok(Known { from, rtt, name })) = &of.outcome {
                let rtt = of.below.is_none().then_some(*rtt);
                let addr = of.below.unwrap_or(*from);
                hops.push(Hop {
                    level: of.level,
                    addr,
                    listed: None,
                    name: name.clone(),
                    rtt,
                    says: None,
                });
            }
            list = of.via;
        }
        hops.reverse();
        if entry.listed.kind == ServerKind::Leaf {
            let (addr, name) = (entry.listed.addr, entry.listed.name.clone());
            let level = self.race.lists[entry.list].level + 1;
            hops.push(Hop { level, addr, listed: None, name, rtt: None, says: None });
        }
        hops
    }

    fn cost(&self) -> Cost {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let states = || self.race.servers.entries().iter().map(|entry| self.state(entry));
        let of = |state| states().filter(|one| *one == state).count();
        Cost {
            candidates: count(self.race.servers.entries().len() + self.race.roots.len()),
            silent: count(of(CandidateState::Silent)),
            unasked: count(of(CandidateState::Unasked)),
            ruled_out: count(of(CandidateState::RuledOut)),
            connections: count(self.race.places.begun()),
            ..Cost::default()
        }
    }

    /// What became of one that was not chosen.
    fn state(&self, entry: &ServerEntry) -> CandidateState {
        let places = || entry.places().filter_map(|place| self.race.places.get(place));
        if entry.breach.is_some() {
            return CandidateState::RuledOut;
        }
        if entry.listed.turn.is_none() {
            let told = entry.own_list.map(|list| &self.race.lists[list].outcome);
            return match told {
                Some(Some(Ok(_))) => CandidateState::Explored,
                Some(_) => CandidateState::Silent,
                None => CandidateState::Unasked,
            };
        }
        if places().any(|place| place.rtt.is_some()) {
            CandidateState::Lost
        } else if places().next().is_none() && entry.refused.is_some() {
            CandidateState::Refused
        } else if places().all(|place| place.begun == 0) {
            CandidateState::Unasked
        } else if places().all(|place| place.fault.is_some_and(|fault| fault != TurnFault::Silent))
        {
            CandidateState::Unreachable
        } else {
            CandidateState::Silent
        }
    }

    fn candidates(&self, chosen: Option<usize>) -> Vec<Candidate> {
        let mut rows: Vec<(Key, Candidate, Option<usize>, Option<usize>)> = Vec::new();
        let row = |level, addr: SocketAddr, name: &Option<Name>, state| Candidate {
            level,
            addr,
            listed: None,
            name: name.clone(),
            via: None,
            turn: None,
            rtt: None,
            total: None,
            load: None,
            labels: Labels::default(),
            sent: 0,
            state,
            says: None,
            fault: None,
            answered_from: None,
            unasked: None,
            unlisted: 0,
            allow: None,
        };
        let on_path = |list: usize| chosen.is_some_and(|chosen| self.is_above(list, chosen));
        for (id, list) in
            self.race.lists.iter().enumerate().filter(|(_, list)| list.below.is_none())
        {
            if let Some(Ok(Known { from, rtt, name })) = &list.outcome {
                let state =
                    if on_path(id) { CandidateState::Path } else { CandidateState::Explored };
                let row = Candidate {
                    rtt: Some(*rtt),
                    total: Some(*rtt),
                    sent: 1,
                    ..row(0, *from, name, state)
                };
                rows.push((key(&row), row, None, Some(id)));
            }
        }
        let choices = self.race.choices().all.into_iter().filter(|one| one.drawn);
        let drawn: Vec<_> = choices.map(|one| one.standing.index).collect();
        let drawn = if chosen.is_some_and(|at| drawn.contains(&at)) { drawn } else { Vec::new() };
        for (index, entry) in self.race.servers.entries().iter().enumerate() {
            let (listed, level) = (&entry.listed, self.race.lists[entry.list].level + 1);
            let is_path = chosen == Some(index) || entry.own_list.is_some_and(on_path);
            let state = match self.state(entry) {
                _ if is_path && listed.kind == ServerKind::Turn => CandidateState::Selected,
                _ if is_path => CandidateState::Path,
                CandidateState::Lost if drawn.contains(&index) => CandidateState::Undrawn,
                state => state,
            };
            let begun =
                entry.places().filter_map(|id| self.race.places.get(id)).map(|place| place.begun);
            let unasked =
                (state == CandidateState::Unasked).then_some(match entry.ways.is_empty() {
                    true if listed.turn.is_some() => Unasked::UdpOnly,
                    _ => Unasked::Budget,
                });
            let checked = self.race.finals.outcomes(index).into_values().find_map(Result::err);
            let failed = self.race.finals.proof(index) == TurnProof::Failed;
            let one = Candidate {
                turn: listed.turn,
                load: listed.load,
                labels: listed.labels.clone(),
                rtt: self.rtt(index),
                sent: begun.sum(),
                fault: checked.filter(|_| failed),
                unasked,
                allow: entry.refused.flatten().filter(|_| state == CandidateState::Refused),
                ..row(level, listed.addr, &listed.name, state)
            };
            let below = is_path.then(|| turn_of(entry)).filter(|_| listed.kind == ServerKind::Leaf);
            let turn = below.map(|turn| Candidate {
                turn: Some(turn),
                rtt: one.rtt,
                sent: one.sent,
                ..row(level + 1, turn, &None, CandidateState::Selected)
            });
            rows.push((key(&one), one, Some(entry.list), entry.own_list));
            if let Some(turn) = turn {
                // Below its own leaf: that is found by the address.
                rows.push((key(&turn), turn, None, None));
            }
        }
        rows.sort_by_key(|row| row.0);
        let at = |list: usize| rows.iter().position(|(.., own)| *own == Some(list));
        let leaf = chosen.map(|chosen| self.race.servers.entries()[chosen].listed.addr);
        let vias: Vec<_> = rows
            .iter()
            .map(|(_, row, via, own)| match (via, own) {
                (Some(list), _) => at(*list),
                (None, None) if row.level > 0 => rows
                    .iter()
                    .position(|(_, one, ..)| Some(one.addr) == leaf && one.level + 1 == row.level),
                _ => None,
            })
            .collect();
        rows.into_iter().zip(vias).map(|((_, row, ..), via)| Candidate { via, ..row }).collect()
    }

    /// Whether a list is the one that an entry stands in, or above that.
    fn is_above(&self, list: usize, index: usize) -> bool {
        let mut at = Some(self.race.servers.entries()[index].list);
        while let Some(id) = at {
            if id == list {
                return true;
            }
            at = self.race.lists[id].via;
        }
        false
    }
}

/// Rows stand by level, then with the best first and the silent last.
type Key = (u8, bool, Option<Duration>, SocketAddr);

fn key(row: &Candidate) -> Key {
    let silent = row.rtt.is_none() && row.state != CandidateState::Path;
    (row.level, silent, row.rtt, row.addr)
}

/// The TURN server of an entry that is one.
fn turn_of(entry: &ServerEntry) -> SocketAddr {
    entry.listed.turn.unwrap_or(entry.listed.addr)
}
