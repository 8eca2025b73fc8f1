//! Measuring one server again and again: probe requests as the echo.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{Probe, Request, RequestBody, Response, ResponseBody};

/// How a server is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Between two requests.
    pub interval: Duration,
    /// How long each is awaited.
    pub timeout: Duration,
    /// How many are sent; none: without end.
    pub count: Option<u64>,
}

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Echo {
    /// The number of the request, from 1.
    pub seq: u64,
    /// Bytes of the answer's UDP payload; 0 where none came.
    pub bytes: usize,
    /// The round-trip time; none: no answer in time.
    pub rtt: Option<Duration>,
}

/// The requests to one server and their answers.
#[derive(Debug)]
pub struct Echoes {
    server: SocketAddr,
    schedule: Schedule,
    next: Instant,
    sent: u64,
    /// By id: the nonce, the number and the time of the request.
    outstanding: BTreeMap<u32, (u64, u64, Instant)>,
    deadlines: BTreeSet<(Instant, u32)>,
    events: VecDeque<Echo>,
    rng: Rng,
}

impl Echoes {
    /// Measures `server` from `now` on.
    pub fn new(server: SocketAddr, schedule: Schedule, now: Instant, rng: Rng) -> Self {
        Self {
            server,
            schedule,
            next: now,
            sent: 0,
            outstanding: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            rng,
        }
    }

    /// Bytes of a request's UDP payload: what an id of five bytes makes it.
    pub const REQUEST_LEN: usize = 17;

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// A datagram came. What is no answer to a request that is outstanding is ignored.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(datagram)
        else {
            return;
        };
        let known = self.outstanding.get(&id).copied();
        let Some((nonce, seq, at)) = known.filter(|_| from == self.server) else {
            return;
        };
        if reply.proof().is_none_or(|proof| proof == nonce) {
            self.outstanding.remove(&id);
            self.deadlines.remove(&(at + self.schedule.timeout, id));
            let rtt = Some(now.saturating_duration_since(at));
            self.events.push_back(Echo { seq, bytes: datagram.len(), rtt });
        }
    }

    /// Lets time pass: requests go unanswered.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, id));
            if let Some((_, seq, _)) = self.outstanding.remove(&id) {
                self.events.push_back(Echo { seq, bytes: 0, rtt: None });
            }
        }
    }

    /// The next request to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if now < self.next || !self.sends_more() {
            return None;
        }
        // The top bit keeps an id five bytes long, so that all requests are of one size.
        let id = self.rng.random::<u32>() | 1 << 31;
        let nonce = self.rng.random_range(1..=u64::MAX);
        self.sent += 1;
        self.next = (self.next + self.schedule.interval).max(now);
        self.outstanding.insert(id, (nonce, self.sent, now));
        self.deadlines.insert((now + self.schedule.timeout, id));
        let body = RequestBody::Probe(Probe { nonce, ..Probe::default() });
        Some(Transmit { to: self.server, payload: Request { id, body }.encode(0) })
    }

    /// What came of requests since the last call.
    pub fn poll_event(&mut self) -> Option<Echo> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; none once all is sent and settled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let next = self.sends_more().then_some(self.next);
        [deadline, next].into_iter().flatten().min()
    }

    fn sends_more(&self) -> bool {
        self.schedule.count.is_none_or(|count| self.sent < count)
    }
}
