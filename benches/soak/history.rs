//! What was so when, as far as whoever judges has to know.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::place::{Place, SERVERS};

/// When something was so.
#[derive(Default)]
pub(crate) struct Spans(Vec<(Instant, Option<Instant>)>);

impl Spans {
    pub(crate) fn begin(&mut self) {
        if !self.is_so() {
            self.0.push((Instant::now(), None));
        }
    }

    pub(crate) fn end(&mut self) {
        if let Some((_, until @ None)) = self.0.last_mut() {
            *until = Some(Instant::now());
        }
    }

    pub(crate) fn add(&mut self, from: Instant, until: Instant) {
        self.0.push((from, Some(until)));
    }

    pub(crate) fn is_so(&self) -> bool {
        self.0.last().is_some_and(|(_, until)| until.is_none())
    }

    /// Whether it was so at some moment of this time.
    pub(crate) fn was_ever(&self, from: Instant, to: Instant) -> bool {
        self.0.iter().any(|(begin, end)| *begin <= to && end.is_none_or(|end| end >= from))
    }

    /// Whether it was so for all of this time.
    pub(crate) fn was_always(&self, from: Instant, to: Instant) -> bool {
        self.0.iter().any(|(begin, end)| *begin <= from && end.is_none_or(|end| end >= to))
    }

    /// For how long of this time it was so.
    pub(crate) fn time(&self, from: Instant, to: Instant) -> Duration {
        let within = |(begin, end): &(Instant, Option<Instant>)| {
            end.unwrap_or(to).min(to).saturating_duration_since((*begin).max(from))
        };
        self.0.iter().map(within).sum()
    }

    /// The longest of them.
    pub(crate) fn longest(&self) -> Duration {
        let len = |(begin, end): &(Instant, Option<Instant>)| end.map(|end| end - *begin);
        self.0.iter().filter_map(len).max().unwrap_or_default()
    }
}

/// How it stands with a server and the TURN server beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It is there, its TURN server too, and nothing is lost.
    Well,
    /// It drains, or packets are lost.
    Between,
    /// It is not, or its TURN server is not.
    Gone,
}

pub(crate) struct Record {
    /// When each TURN server lived.
    pub(crate) alive: BTreeMap<SocketAddr, Spans>,
    /// When the leaf of each had said that it drains.
    pub(crate) draining: BTreeMap<SocketAddr, Spans>,
    /// When no root could be reached, or none had a leaf to offer yet.
    pub(crate) cut: Spans,
    /// When this process was kept from running.
    pub(crate) stalled: Spans,
    conditions: Vec<(Condition, Instant)>,
}

/// The record, as it is written and read.
pub(crate) struct History(Mutex<Record>);

impl History {
    pub(crate) fn new() -> Self {
        let each = || Place::leaves().map(|leaf| (leaf.turn(), Spans::default())).collect();
        Self(Mutex::new(Record {
            alive: each(),
            draining: each(),
            cut: Spans::default(),
            stalled: Spans::default(),
            conditions: vec![(Condition::Gone, Instant::now()); SERVERS],
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    pub(crate) fn set(&mut self, place: Place, condition: Condition) {
        if self.conditions[place.0].0 != condition {
            self.conditions[place.0] = (condition, Instant::now());
        }
    }

    /// How it has stood with a server for at least so long.
    pub(crate) fn settled(&self, place: Place, time: Duration) -> Option<Condition> {
        let (condition, since) = self.conditions[place.0];
        (since.elapsed() >= time).then_some(condition)
    }
}
