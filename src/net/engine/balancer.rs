//! What a server answers: one datagram in, one or none out.
//!
//! All that can be known before a request comes is encoded when it changes, into an [`Offer`];
//! an answer is a copy of it behind the request's id and nonce.

mod flat;
mod list;
mod offer;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::Rng;
use super::limit::{self, Limiter};
use super::trust::Knock;
use crate::net::wire::auth::{Purpose, TRAILER};
use crate::net::wire::{
    DecodeError, MAX_ANSWER, MAX_REQUEST, Probe, Request, RequestBody, frame, put_retry, stun,
};
use list::List;
use offer::FRAME;

pub use flat::flatten;
pub use offer::{Listing, Offer};

/// The answers of one worker.
#[derive(Debug)]
pub struct Balancer {
    limiter: Arc<Limiter>,
    /// Counts the nodes of samples, so that those of a long list rotate.
    turn: usize,
    /// The moment of the last datagram, which is that of its whole batch, and what it is to the
    /// limiter.
    clock: (Instant, Duration),
    rng: Rng,
}

/// What became of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The answer was written.
    Answer,
    /// So was one that sends the asker away, with a cookie to come back with.
    Retry,
    /// Something for [`Cluster::handle_knock`](super::cluster::Cluster::handle_knock).
    Knock(Knock),
    /// Nothing comes of it.
    Drop(Reason),
}

/// Why a datagram is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is no message.
    Malformed,
    /// It has no body that is known.
    Empty,
    /// It is a reply.
    Reply,
    /// It is STUN.
    Stun,
    /// It is longer than the buffer.
    Truncated,
    /// It is longer than any request need be.
    TooLong,
    /// From port 0, where no answer can go.
    PortZero,
    /// From the address that it was sent to.
    OwnAddress,
    /// From a port whose service answers everything.
    LoopPort,
    /// A bare probe from a node or superior, which may be an old server's empty reply.
    PeerProbe,
    /// A check of its own: a node in its configuration is this server.
    OwnCheck,
    /// A bare probe where there is nothing to offer.
    NothingToOffer,
    /// A heartbeat from an address that is no node's.
    StrangeHeartbeat,
    /// From an address or a network that asks too often.
    Limited,
    /// A bare request with the id of the one before it: a loop, perhaps.
    Repeated,
    /// A request so short that no answer may be given to it.
    NoRoom,
    /// A tag that none of the keys makes.
    WrongTag,
    /// A heartbeat without a tag, where one is required.
    Unsigned,
    /// A heartbeat that was heard before.
    Replayed,
    /// A heartbeat that is shorter than the answer that it would get.
    ShortHeartbeat,
    /// A heartbeat from a place where no node may join.
    Unwanted,
    /// A heartbeat for which there is no room among the nodes.
    TooManyNodes,
    /// An answer to a heartbeat that was not sent, or was answered.
    StrayPong,
}

impl Reason {
    /// All of them, in order.
    pub const ALL: [Self; 23] = [
        Self::Malformed,
        Self::Empty,
        Self::Reply,
        Self::Stun,
        Self::Truncated,
        Self::TooLong,
        Self::PortZero,
        Self::OwnAddress,
        Self::LoopPort,
        Self::PeerProbe,
        Self::OwnCheck,
        Self::NothingToOffer,
        Self::StrangeHeartbeat,
        Self::Limited,
        Self::Repeated,
        Self::NoRoom,
        Self::WrongTag,
        Self::Unsigned,
        Self::Replayed,
        Self::ShortHeartbeat,
        Self::Unwanted,
        Self::TooManyNodes,
        Self::StrayPong,
    ];

    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Reply => "reply",
            Self::Stun => "stun",
            Self::Truncated => "truncated",
            Self::TooLong => "too-long",
            Self::PortZero => "port-zero",
            Self::OwnAddress => "own-address",
            Self::LoopPort => "loop-port",
            Self::PeerProbe => "peer-probe",
            Self::OwnCheck => "own-check",
            Self::NothingToOffer => "nothing-to-offer",
            Self::StrangeHeartbeat => "strange-heartbeat",
            Self::Limited => "limited",
            Self::Repeated => "repeated",
            Self::NoRoom => "no-room",
            Self::WrongTag => "wrong-tag",
            Self::Unsigned => "unsigned",
            Self::Replayed => "replayed",
            Self::ShortHeartbeat => "short-heartbeat",
            Self::Unwanted => "unwanted",
            Self::TooManyNodes => "too-many-nodes",
            Self::StrayPong => "stray-pong",
        }
    }
}

/// What stands before the tail of an answer to a bare request at most: the id (6 bytes), the body's
/// tag and length (3).
const BARE_FRAME: usize = FRAME - 9;

/// Whether the service of a port answers any datagram, and so would talk with a server for ever:
/// echo, quote, chargen, DNS, TFTP's kin, NTP, SNMP, LDAP, SSDP, mDNS, memcached.
fn loops(port: u16) -> bool {
    // Most ask from a port above them all.
    port <= 11211 && matches!(port, 7 | 17 | 19 | 53 | 123 | 161 | 389 | 1900 | 5353 | 11211)
}

impl Balancer {
    /// A worker's answers, within what `limiter` allows to all workers together.
    pub fn new(limiter: Arc<Limiter>, rng: Rng) -> Self {
        let clock = limiter.epoch();
        Self { limiter, turn: 0, clock, rng }
    }

    /// Judges a datagram from `from` to `to`, the address that was asked, and appends the answer
    /// to `out` if there is one.
    pub fn handle_datagram(
        &mut self,
        offer: &Offer,
        now: Instant,
        to: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Verdict {
        match self.judge(offer, now, to, from, datagram, out) {
            Ok(verdict) => verdict,
            Err(reason) => Verdict::Drop(reason),
        }
    }

    fn judge(
        &mut self,
        offer: &Offer,
        now: Instant,
        to: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        judge_source(to, from)?;
        if datagram.len() > MAX_REQUEST {
            return Err(Reason::TooLong);
        }
        if stun::is_stun(datagram) {
            return Err(Reason::Stun);
        }
        if self.clock.0 != now {
            self.clock = (now, self.limiter.uptime(now));
        }
        let uptime = self.clock.1;
        let Request { id, body } = match Request::decode(datagram) {
            // A Pong has none of the fields that a request has.
            Err(DecodeError::Empty) if !offer.trust.keys.is_empty() => {
                self.admit(uptime, from.ip())?;
                return offer.trust.pong(datagram).map(Verdict::Knock);
            }
            request => request?,
        };
        let asker = Asker { uptime, from, datagram, id };
        match body {
            RequestBody::Ping(ping) => {
                let listed = offer.is_node(from);
                if !offer.trust.hears(listed) {
                    return Err(Reason::StrangeHeartbeat);
                }
                // A tag costs more to judge than most requests to answer.
                self.admit(uptime, from.ip())?;
                offer.trust.heartbeat(listed, ping, datagram).map(Verdict::Knock)
            }
            RequestBody::Probe(Probe { nonce: 0, .. }) => {
                if offer.is_peer(from) {
                    return Err(Reason::PeerProbe);
                }
                let list = offer.bare(from.is_ipv4()).ok_or(Reason::NothingToOffer)?;
                self.answer_bare(list, &asker, out)
            }
            RequestBody::Probe(probe) => {
                if offer.seal.is_own(probe.nonce) {
                    return Err(Reason::OwnCheck);
                }
                self.answer(offer, &asker, &probe, out)
            }
        }
    }

    /// Takes a request from the budget of an address.
    fn admit(&self, uptime: Duration, ip: IpAddr) -> Result<(), Reason> {
        let free = self.limiter.is_exempt(ip) || self.limiter.take(uptime, ip);
        free.then_some(()).ok_or(Reason::Limited)
    }

    /// Answers one who reads no nonce, and so cannot show that it is at its address.
    #[inline(never)]
    fn answer_bare(
        &mut self,
        list: &List,
        asker: &Asker,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        let (ip, v4) = (asker.from.ip(), asker.from.is_ipv4());
        let (mut room, mut most) = (MAX_ANSWER, usize::MAX);
        if !self.limiter.is_exempt(ip) {
            if self.limiter.repeats(asker.uptime, asker.from, asker.id) {
                return Err(Reason::Repeated);
            }
            room = limit::room(ip, asker.datagram.len());
            if !self.limiter.take(asker.uptime, ip) {
                if !self.rng.random_ratio(1, 4) {
                    return Err(Reason::Limited);
                }
                most = 1;
            } else {
                let whole = list.whole(v4, false, MAX_ANSWER - BARE_FRAME);
                let full = whole.map_or(MAX_ANSWER, |whole| whole.len() + BARE_FRAME);
                if full > room && self.limiter.take_bytes(asker.uptime, full) {
                    room = MAX_ANSWER;
                }
            }
        }
        let room = room.checked_sub(BARE_FRAME).ok_or(Reason::NoRoom)?;
        if most > 1
            && let Some(whole) = list.whole(v4, false, room)
        {
            frame(out, asker.id, 0, whole.len());
            out.extend_from_slice(whole);
            return Ok(Verdict::Answer);
        }
        self.answer_sample(list, asker, 0, room, most, out)
    }

    #[inline]
    fn answer(
        &mut self,
        offer: &Offer,
        asker: &Asker,
        probe: &Probe,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        let ip = asker.from.ip();
        let mut room = MAX_ANSWER;
        if !self.limiter.is_exempt(ip) {
            let free = self.limiter.take(asker.uptime, ip);
            room = limit::room(ip, asker.datagram.len());
            if !free || room < MAX_ANSWER && !probe.cookie.is_empty() {
                let known = self.limiter.knows(asker.uptime, ip, probe.cookie);
                match (free, known && self.limiter.take_bearer(asker.uptime, ip)) {
                    (_, true) => room = MAX_ANSWER,
                    (true, false) => {}
                    (false, false) => return self.send_away(asker, probe.nonce, out),
                }
            }
        }
        // Only a check that is rightly signed: a server signs for nobody else.
        let key = offer.trust.checker(asker.datagram);
        let trailer = key.map_or(0, |_| TRAILER);
        let room = room.checked_sub(FRAME + trailer).ok_or(Reason::NoRoom)?;
        let start = out.len();
        let verdict = self.answer_within(room, offer, asker, probe, out)?;
        if let Some(key) = key {
            key.sign(Purpose::Reply, out, start);
        }
        Ok(verdict)
    }

    fn answer_within(
        &mut self,
        room: usize,
        offer: &Offer,
        asker: &Asker,
        probe: &Probe,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        let (list, direct) = offer.full(probe.view);
        let v4 = asker.from.is_ipv4();
        let whole = list.whole(v4, probe.names, room);
        // A part of a list is worth less than the whole of what it is made of.
        if let Some(whole) = whole.or_else(|| direct.whole(v4, probe.names, room)) {
            frame(out, asker.id, probe.nonce, whole.len());
            out.extend_from_slice(whole);
            return Ok(Verdict::Answer);
        }
        self.answer_sample(list, asker, probe.nonce, room, usize::MAX, out)
    }

    #[inline(never)]
    fn answer_sample(
        &mut self,
        list: &List,
        asker: &Asker,
        nonce: u64,
        room: usize,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        let v4 = asker.from.is_ipv4();
        let sample = list.sample(v4, self.turn, room, most).ok_or(Reason::NoRoom)?;
        self.turn = self.turn.wrapping_add(sample.count());
        frame(out, asker.id, nonce, sample.len());
        sample.write(out);
        Ok(Verdict::Answer)
    }

    /// Sends away, every second time, one who asks too often: with a cookie to come back with.
    #[inline(never)]
    fn send_away(
        &mut self,
        asker: &Asker,
        nonce: u64,
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        let start = out.len();
        let cookie = match self.rng.random() {
            true => self.limiter.cookie(asker.uptime, asker.from.ip()),
            false => return Err(Reason::Limited),
        };
        frame(out, asker.id, nonce, 2 + cookie.len() + 2);
        put_retry(out, &cookie);
        if out.len() - start > asker.datagram.len() {
            out.truncate(start);
            return Err(Reason::Limited);
        }
        Ok(Verdict::Retry)
    }
}

/// Who asks, when, with what bytes, and their id.
struct Asker<'a> {
    uptime: Duration,
    from: SocketAddr,
    datagram: &'a [u8],
    id: u32,
}

/// Who is never answered, whatever is asked.
fn judge_source(to: SocketAddr, from: SocketAddr) -> Result<(), Reason> {
    match from.port() {
        0 => Err(Reason::PortZero),
        _ if from.port() == to.port() && from == to => Err(Reason::OwnAddress),
        port if loops(port) => Err(Reason::LoopPort),
        _ => Ok(()),
    }
}

impl From<DecodeError> for Reason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed => Self::Malformed,
            DecodeError::Empty => Self::Empty,
            DecodeError::Reply => Self::Reply,
        }
    }
}
