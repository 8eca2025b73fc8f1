//! A descent by HTTPS and TCP, from its start to what comes out of it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::contest::{CameList, Chosen, ListId, StreamAction, StreamRace};
use super::places::PlaceId;
use super::told::StreamEnding;
use super::why::{failure, unverified};
use crate::net::engine::Rng;
use crate::net::engine::client::descent::{Options, Progress, Trace};
use crate::types::{HttpsFault, HttpsUrl, TurnFault};

/// The descent.
#[derive(Debug)]
pub struct StreamDescent {
    race: StreamRace,
    start: Instant,
}

impl StreamDescent {
    /// Asks these roots, from `now` on; all is to be over `options.timeout` after the `start`. `rng`: by what it is drawn among those
    /// that are as near as one another.
    pub fn new(
        options: Options,
        roots: Vec<HttpsUrl>,
        rng: &Rng,
        start: Instant,
        now: Instant,
    ) -> Self {
        Self { race: StreamRace::new(options, roots, rng, start, now), start }
    }

    /// A list came.
    pub fn handle_list(&mut self, now: Instant, id: ListId, came: CameList) {
        self.race.handle_list(now, id, came);
    }

    /// A list does not come.
    pub fn handle_no_list(&mut self, now: Instant, id: ListId, fault: HttpsFault) {
        self.race.handle_no_list(now, id, fault);
    }

    /// A host was looked up; no addresses: it has none.
    pub fn handle_found(&mut self, now: Instant, host: &str, ips: Vec<IpAddr>) {
        self.race.handle_found(now, host, ips);
    }

    /// A connection came about after so long, or did not.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        id: PlaceId,
        outcome: Result<Duration, TurnFault>,
    ) {
        self.race.handle_connected(now, id, outcome);
    }

    /// A check of a TURN server has ended.
    pub fn handle_checked(&mut self, now: Instant, id: usize, outcome: Result<(), TurnFault>) {
        self.race.handle_checked(now, id, outcome);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.race.handle_timeout(now);
    }

    /// What is to be done next.
    pub fn poll_action(&mut self, now: Instant) -> Option<StreamAction> {
        self.race.poll_action(now)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_action`](Self::poll_action) next;
    /// `None`: it is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.race.poll_timeout()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.race.progress()
    }

    /// Everything it has seen, once it is over.
    pub fn trace(&self) -> Option<Trace> {
        let (at, chosen) = self.race.finished()?;
        let elapsed = at.saturating_duration_since(self.start);
        let outcome = match chosen {
            Chosen::Server(index) => Ok(index),
            Chosen::Unverified(index) => Err(unverified(&self.race, index)),
            Chosen::Nobody => Err(failure(&self.race, elapsed)),
        };
        Some(StreamEnding { race: &self.race, elapsed }.trace(outcome))
    }
}
