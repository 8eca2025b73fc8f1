//! Measuring one server again and again: probe requests as the echo.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit, later};
use crate::net::wire::{Response, ResponseBody, View};

/// How a server is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoPlan {
    /// Between two requests.
    pub interval: Duration,
    /// How long each is awaited.
    pub timeout: Duration,
    /// How many are sent; `None`: without end.
    pub count: Option<u64>,
}

/// What came of one request of a [`Pinger`](crate::Pinger), where its example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Echo {
    /// The number of the request, from 1.
    pub seq: u64,
    /// Bytes of the answer's UDP payload; 0 where none came.
    pub bytes: usize,
    /// The round-trip time; `None`: no answer in time.
    pub rtt: Option<Duration>,
}

/// The requests to one server and their answers.
#[derive(Debug)]
pub struct Echoes {
    server: SocketAddr,
    plan: EchoPlan,
    next: Instant,
    sent: u64,
    /// What is outstanding, with the number of each request. All are awaited for as long, so the
    /// oldest one is given up first.
    exchange: Exchange<u64>,
    events: VecDeque<Echo>,
    rng: Rng,
}

impl Echoes {
    /// Measures `server` from `now` on.
    pub fn new(server: SocketAddr, plan: EchoPlan, now: Instant, rng: Rng) -> Self {
        let (exchange, events) = (Exchange::new(Owner::Client), VecDeque::new());
        Self { server, plan, next: now, sent: 0, exchange, events, rng }
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
        let proof = Proof::of_reply(id, &reply);
        if from == self.server
            && let Judged::Right { sent, note: seq } = self.exchange.judge(proof)
        {
            self.exchange.accept(proof);
            self.exchange.forget_answered();
            let rtt = Some(now.saturating_duration_since(sent));
            self.events.push_back(Echo { seq, bytes: datagram.len(), rtt });
        }
    }

    /// Lets time pass: requests go unanswered.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            let unanswered = self.exchange.forget_oldest();
            self.events.extend(unanswered.map(|seq| Echo { seq, bytes: 0, rtt: None }));
        }
    }

    /// The next request to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if now < self.next || !self.sends_more() {
            return None;
        }
        // The top bit keeps an id five bytes long, so that all requests are of one size.
        let id = self.rng.random::<u32>() | 1 << 31;
        let token = Token { id, nonce: self.rng.random_range(1..=u64::MAX) };
        let query = Query::Probe { view: View::Flat, names: false, size: 0 };
        self.sent += 1;
        self.next = later(self.next, self.plan.interval).max(now);
        self.exchange.sent(now, token, query, self.sent);
        Some(Transmit { to: self.server, payload: self.exchange.encode(token, query) })
    }

    /// What came of requests since the last call.
    pub fn poll_event(&mut self) -> Option<Echo> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; `None`: all is sent and settled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.sends_more().then_some(self.next);
        [self.deadline(), next].into_iter().flatten().min()
    }

    /// When the oldest request that is not answered is given up.
    fn deadline(&self) -> Option<Instant> {
        self.exchange.oldest().map(|sent| later(sent, self.plan.timeout))
    }

    fn sends_more(&self) -> bool {
        self.plan.count.is_none_or(|count| self.sent < count)
    }
}
