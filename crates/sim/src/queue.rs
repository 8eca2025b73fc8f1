//! What is to happen, by time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

use rand::RngExt;
use turn_balance::internals::engine::Rng;

/// Among happenings of the same instant the least of these comes first.
type Tie = u64;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// What is on its way, and whether it is an ICMP error that quotes it.
    flight: BTreeMap<(Instant, Tie), (Datagram, bool)>,
    /// The one alarm of each.
    alarms: BTreeMap<SocketAddr, (Instant, Tie)>,
    due: BTreeSet<(Instant, Tie, SocketAddr)>,
    order: u64,
    /// Draws ties. Without it arrivals come in the order of their sending.
    pub(crate) shuffle: Option<Rng>,
}

#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) payload: Vec<u8>,
    pub(crate) origin: Origin,
}

/// Where a datagram comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whether a host has not sent the first of them, but somebody in its name.
    pub(crate) forged: bool,
    /// How many answers to one another stand between that and this.
    pub(crate) answers: u32,
}

impl Origin {
    /// Somebody sends of their own accord.
    pub(crate) const OWN: Self = Self { forged: false, answers: 0 };
    pub(crate) const FORGED: Self = Self { forged: true, answers: 0 };

    pub(crate) fn answer(self) -> Self {
        Self { answers: self.answers + 1, ..self }
    }
}

pub(crate) enum Happening {
    Arrival(Datagram),
    Refusal(Datagram),
    Wake(SocketAddr),
}

impl Queue {
    pub(crate) fn push(&mut self, at: Instant, datagram: Datagram) {
        self.order += 1;
        let tie = self.tie(self.order);
        self.flight.insert((at, tie), (datagram, false));
    }

    /// Tells the sender of a datagram that nothing listens there.
    pub(crate) fn push_refusal(&mut self, at: Instant, datagram: Datagram) {
        self.order += 1;
        let tie = self.tie(self.order);
        self.flight.insert((at, tie), (datagram, true));
    }

    /// Sets, moves or takes back somebody's alarm.
    pub(crate) fn alarm(&mut self, addr: SocketAddr, at: Option<Instant>) {
        let before = self.alarms.get(&addr).copied();
        if before.map(|(before, _)| before) == at {
            return;
        }
        if let Some((before, tie)) = before {
            self.due.remove(&(before, tie, addr));
            self.alarms.remove(&addr);
        }
        if let Some(at) = at {
            let tie = self.tie(0);
            self.alarms.insert(addr, (at, tie));
            self.due.insert((at, tie, addr));
        }
    }

    /// The next that happens, until `end`. Without ties alarms come after the arrivals of their
    /// instant.
    pub(crate) fn pop(&mut self, end: Instant) -> Option<(Instant, Happening)> {
        let arrival = self.flight.first_key_value().map(|(&(at, _), _)| at);
        let alarm = self.due.first().map(|&(at, ..)| at);
        let at = arrival.into_iter().chain(alarm).min().filter(|at| *at <= end)?;
        let both = arrival == alarm;
        let first = !both || self.shuffle.as_mut().is_none_or(|rng| rng.random());
        let happening = if arrival == Some(at) && first {
            match self.flight.pop_first()?.1 {
                (datagram, false) => Happening::Arrival(datagram),
                (datagram, true) => Happening::Refusal(datagram),
            }
        } else {
            let (.., addr) = self.due.pop_first()?;
            self.alarms.remove(&addr);
            Happening::Wake(addr)
        };
        Some((at, happening))
    }

    fn tie(&mut self, tie: Tie) -> Tie {
        self.shuffle.as_mut().map_or(tie, |rng| rng.random())
    }
}
