//! Measuring one server again and again: probe requests as the echo.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::descent::Obstacle;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::{Rng, Transmit, later};
use crate::net::wire::{Extras, Response, ResponseBody, View};

/// Of how many requests answers still count, however late they are.
const REMEMBERED: usize = 4096;

/// The shortest interval: with none at all it would do nothing but send.
const SHORTEST: Duration = Duration::from_millis(1);

/// How a server is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoPlan {
    /// Between two requests; less than 1 ms counts as that.
    pub interval: Duration,
    /// After which a request is told of as unanswered.
    pub timeout: Duration,
    /// How long the last ones are awaited where no answer has ever come; else it is twice the longest
    /// round trip.
    pub patience: Duration,
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
    /// The round-trip time; `None`: no answer in time, or an `obstacle`.
    pub rtt: Option<Duration>,
    /// Whether the answer comes after the request was told of as unanswered.
    pub late: bool,
    /// Whether it is one more answer to a request that was answered.
    pub repeated: bool,
    /// What the network says stands before the server.
    pub obstacle: Option<Obstacle>,
    /// From where else an answer came, where none did from the server. It counts for nothing.
    pub answered_from: Option<SocketAddr>,
}

/// The requests to one server and their answers.
#[derive(Debug)]
pub struct Echoes {
    /// Its addresses; once one of them has answered, that alone.
    peers: Vec<Peer>,
    plan: EchoPlan,
    next: Instant,
    sent: u64,
    due: VecDeque<Transmit>,
    /// Requests that may still be answered, and when they were sent.
    missing: BTreeMap<u64, Missing>,
    /// Up to where those were told of as unanswered. All have the same time, so the oldest is first.
    told: u64,
    /// The longest round-trip time; `None`: no answer has come.
    longest: Option<Duration>,
    /// Nothing listens at any of the addresses.
    closed: bool,
    events: VecDeque<Echo>,
    rng: Rng,
}

/// A request that may still be answered.
#[derive(Debug)]
struct Missing {
    sent: Instant,
    answered_from: Option<SocketAddr>,
}

/// One address of the server.
#[derive(Debug)]
struct Peer {
    addr: SocketAddr,
    /// What it was asked, with the number of each request.
    exchange: Exchange<u64>,
    /// What stands before it, and the newest request of which that is known.
    obstacle: Option<(u64, Obstacle)>,
}

impl Echoes {
    /// Measures a server from `now` on. All its addresses, of which there is one at least, are asked
    /// until one of them answers.
    pub fn new(server: &[SocketAddr], plan: EchoPlan, now: Instant, rng: Rng) -> Self {
        let peer = |&addr| Peer { addr, exchange: Exchange::new(Owner::Client), obstacle: None };
        Self {
            peers: server.iter().map(peer).collect(),
            plan,
            next: now,
            sent: 0,
            due: VecDeque::new(),
            missing: BTreeMap::new(),
            told: 0,
            longest: None,
            closed: false,
            events: VecDeque::new(),
            rng,
        }
    }

    /// Bytes of a request's UDP payload: what an id of five bytes makes it.
    pub const REQUEST_LEN: usize = 17;

    /// Requests sent so far: those to several addresses at once count as one.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The address that answers; before one has, the first that nothing is known to stand before.
    pub fn server(&self) -> Option<SocketAddr> {
        let open = self.peers.iter().find(|peer| peer.obstacle.is_none());
        open.or(self.peers.first()).map(|peer| peer.addr)
    }

    /// Whether it is known which of the addresses that is.
    pub fn is_settled(&self) -> bool {
        self.peers.len() == 1
    }

    /// A datagram came. What is no answer to a request that is remembered is ignored.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(datagram)
        else {
            return;
        };
        let proof = Proof::of_reply(id, &reply);
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.addr == from) else {
            return self.note_answered_from(from, proof);
        };
        let Some((sent, seq)) = peer.exchange.asked(proof) else { return };
        let repeated = peer.exchange.judge(proof) == Judged::Repeated;
        peer.exchange.accept(proof);
        self.peers.retain(|peer| peer.addr == from);
        let (bytes, rtt) = (datagram.len(), now.saturating_duration_since(sent));
        self.missing.remove(&seq);
        self.longest = self.longest.max(Some(rtt));
        let late = seq <= self.told;
        self.events.push_back(Echo { bytes, rtt: Some(rtt), late, repeated, ..Echo::missing(seq) });
    }

    /// A datagram came from an address that was not asked: if it answers a request, that is told where
    /// nothing else does.
    fn note_answered_from(&mut self, from: SocketAddr, proof: Proof) {
        let asked = self.peers.iter().find_map(|peer| peer.exchange.asked(proof));
        let missing = asked.and_then(|(_, seq)| self.missing.get_mut(&seq));
        missing.into_iter().for_each(|missing| missing.answered_from = Some(from));
    }

    /// This host cannot send to an address: the newest request is lost there.
    pub fn handle_unreachable(&mut self, to: SocketAddr) {
        self.block(to, self.sent, Obstacle::Path);
    }

    /// An ICMP error came about a datagram to this address. One that does not quote a request is
    /// about none.
    pub fn handle_icmp(&mut self, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        let peer = self.peers.iter().find(|peer| peer.addr == to);
        if let Some(seq) = peer.and_then(|peer| peer.exchange.quoted(quoted)) {
            self.block(to, seq, obstacle);
        }
    }

    /// Lets time pass: requests go unanswered, and in the end nothing more is awaited.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((seq, at)) = self.overdue()
            && at <= now
        {
            self.told = seq;
            let answered_from = self.missing.get(&seq).and_then(|missing| missing.answered_from);
            self.events.push_back(Echo { answered_from, ..Echo::missing(seq) });
        }
        if self.end().is_some_and(|end| end <= now) {
            self.missing.clear();
        }
    }

    /// The next request to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if now >= self.next && self.sends_more() {
            self.next = later(self.next, self.plan.interval.max(SHORTEST)).max(now);
            self.ask(now);
        }
        self.due.pop_front()
    }

    /// What came of requests since the last call.
    pub fn poll_event(&mut self) -> Option<Echo> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; `None`: all is sent and settled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.sends_more().then_some(self.next);
        let overdue = self.overdue().map(|(_, at)| at);
        [next, overdue, self.end()].into_iter().flatten().min()
    }

    /// Sends one more request, to each address.
    fn ask(&mut self, now: Instant) {
        self.sent += 1;
        self.missing.insert(self.sent, Missing { sent: now, answered_from: None });
        if self.missing.len() > REMEMBERED {
            self.missing.pop_first();
        }
        for peer in &mut self.peers {
            // The top bit keeps an id five bytes long, so that all requests are of one size.
            let id = self.rng.random::<u32>() | 1 << 31;
            let token = Token { id, nonce: self.rng.random_range(1..=u64::MAX) };
            let query =
                Query::Probe { view: View::Flat, names: false, extras: Extras::default(), size: 0 };
            peer.exchange.sent(now, token, query, self.sent);
            peer.exchange.keep_newest(REMEMBERED);
            let payload = peer.exchange.encode(token, query);
            self.due.push_back(Transmit { to: peer.addr, payload });
        }
    }

    /// Something stands before an address. A request is lost once that is so for all of them. Where
    /// nothing listens, and nobody has ever answered, that was all.
    fn block(&mut self, to: SocketAddr, seq: u64, obstacle: Obstacle) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.addr == to) else { return };
        peer.obstacle = Some((seq, obstacle));
        let blocked = |peer: &Peer| peer.obstacle.is_some_and(|(newest, _)| newest >= seq);
        if !self.peers.iter().all(blocked) {
            return;
        }
        let any = |wanted| {
            self.peers.iter().any(|peer| peer.obstacle.is_some_and(|(_, what)| what == wanted))
        };
        self.closed |= self.longest.is_none() && any(Obstacle::Port);
        if self.missing.remove(&seq).is_some() {
            let obstacle = if any(Obstacle::Port) { Obstacle::Port } else { obstacle };
            self.events.push_back(Echo { obstacle: Some(obstacle), ..Echo::missing(seq) });
        }
        if self.closed {
            self.missing.clear();
        }
    }

    /// The oldest request that was not told of as unanswered, and when it will be.
    fn overdue(&self) -> Option<(u64, Instant)> {
        let (&seq, missing) = self.missing.range(self.told + 1..).next()?;
        Some((seq, later(missing.sent, self.plan.timeout)))
    }

    /// When the last answer that may still come is given up; `None`: that is not known yet, or was.
    fn end(&self) -> Option<Instant> {
        let wait = match self.longest {
            Some(longest) => longest.saturating_mul(2),
            None => self.plan.patience,
        };
        let newest = self.missing.last_key_value().filter(|_| !self.sends_more());
        newest.map(|(_, newest)| later(newest.sent, wait.max(self.plan.timeout)))
    }

    fn sends_more(&self) -> bool {
        !self.closed && self.plan.count.is_none_or(|count| self.sent < count)
    }
}

impl Echo {
    fn missing(seq: u64) -> Self {
        Self {
            seq,
            bytes: 0,
            rtt: None,
            late: false,
            repeated: false,
            obstacle: None,
            answered_from: None,
        }
    }
}
