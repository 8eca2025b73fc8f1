//! What a server answers: one datagram in, one or none out.
//!
//! All that can be known before a request comes is encoded when it changes, into an [`Snapshot`];
//! an answer is a copy of it behind the request's id and nonce.

mod list;
mod snapshot;
pub(super) mod tail;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::auth::PeerMessage;
use super::drop::DropReason;
use super::limit::{self, Limiter};
use crate::net::engine::Rng;
use crate::net::fault::{Fault, planted};
use crate::net::wire::auth::{Key, Purpose, TRAILER};
use crate::net::wire::{
    DecodeError, Id, MAX_ANSWER, MAX_REQUEST, Probe, Request, RequestBody, frame, put_retry, stun,
};
use list::List;
use tail::FRAME;

pub use snapshot::{Listing, Snapshot};

/// The answers of one worker.
#[derive(Debug)]
pub struct Responder {
    limiter: Arc<Limiter>,
    /// Counts the nodes of samples, so that those of a long list rotate.
    turn: usize,
    /// The moment of the last datagram, which is that of its whole batch, and what it is to the
    /// limiter.
    clock: (Instant, Duration),
    rng: Rng,
}

/// The bytes of an answer.
#[derive(Debug, Clone, Default)]
pub struct Answer<'a> {
    /// What is written for its asker.
    pub head: Vec<u8>,
    /// What follows it, as everybody gets it: a list that was encoded before.
    pub tail: &'a [u8],
}

impl Answer<'_> {
    /// All of it.
    pub fn to_vec(&self) -> Vec<u8> {
        [&self.head, self.tail].concat()
    }
}

/// What became of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// The answer was written.
    Answer,
    /// So was one that sends the asker away, with a cookie to come back with.
    Retry,
    /// Something for [`Cluster::handle_peer_message`](super::cluster::Cluster::handle_peer_message).
    PeerMessage(Box<PeerMessage>),
    /// Nothing comes of it.
    Drop(DropReason),
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

impl Responder {
    /// A worker's answers, within what `limiter` allows to all workers together.
    pub fn new(limiter: Arc<Limiter>, rng: Rng) -> Self {
        let clock = limiter.epoch();
        Self { limiter, turn: 0, clock, rng }
    }

    /// Judges a datagram from `from` to `to`, the address that was asked, and writes the answer
    /// to `out`, which must be empty, if there is one.
    // In line with what it calls for the usual probe, so that all of it stays in registers.
    #[inline(always)]
    pub fn handle_datagram<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        now: Instant,
        to: &SocketAddr,
        from: &SocketAddr,
        datagram: &[u8],
        out: &mut Answer<'a>,
    ) -> Handled {
        match self.judge(snapshot, now, to, from, datagram, out) {
            Ok(verdict) => verdict,
            Err(reason) => Handled::Drop(reason),
        }
    }

    #[inline(always)]
    fn judge<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        now: Instant,
        to: &SocketAddr,
        from: &SocketAddr,
        datagram: &[u8],
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        judge_source(to, from)?;
        if datagram.len() > MAX_REQUEST && !planted(Fault::LongRequestAnswered) {
            return Err(DropReason::TooLong);
        }
        if self.clock.0 != now {
            self.clock = (now, self.limiter.uptime(now));
        }
        let uptime = self.clock.1;
        let (id, probe) = match Probe::decode_usual(datagram) {
            Some((id, probe)) if probe.nonce != 0 => (id, probe),
            _ => match self.judge_unusual(snapshot, uptime, from, datagram, out)? {
                Unusual::Probe(id, probe) => (id, probe),
                Unusual::Done(verdict) => return Ok(verdict),
            },
        };
        self.answer(snapshot, Asker { uptime, from, datagram, id }, probe, out)
    }

    /// Judges what has not the form of a usual probe, which STUN never has.
    #[inline(never)]
    fn judge_unusual<'a, 'd>(
        &mut self,
        snapshot: &'a Snapshot,
        uptime: Duration,
        from: &SocketAddr,
        datagram: &'d [u8],
        out: &mut Answer<'a>,
    ) -> Result<Unusual<'d>, DropReason> {
        if stun::is_stun(datagram) {
            return Err(DropReason::Stun);
        }
        let Request { id, body } = match Request::decode(datagram) {
            // A Pong has none of the fields that a request has.
            Err(DecodeError::Empty) if !snapshot.trust.keys.is_empty() => {
                self.admit(uptime, from, false)?;
                let message = snapshot.trust.pong(datagram)?;
                return Ok(Unusual::Done(Handled::PeerMessage(message.into())));
            }
            request => request?,
        };
        let id = Id::from(id);
        match body {
            RequestBody::Ping(ping) => {
                let listed = snapshot.is_node(*from);
                if !snapshot.trust.hears(listed) {
                    return Err(DropReason::StrangeHeartbeat);
                }
                // A tag costs more to judge than most requests to answer.
                self.admit(uptime, from, listed)?;
                let message = snapshot.trust.heartbeat(listed, ping, datagram)?;
                Ok(Unusual::Done(Handled::PeerMessage(message.into())))
            }
            RequestBody::Probe(Probe { nonce: 0, .. }) => {
                if snapshot.is_peer(*from) && !planted(Fault::PeerAnswered) {
                    return Err(DropReason::PeerProbe);
                }
                let list = snapshot.bare(from.is_ipv4()).ok_or(DropReason::NothingToOffer)?;
                let asker = Asker { uptime, from, datagram, id };
                self.answer_bare(list, asker, out).map(Unusual::Done)
            }
            RequestBody::Probe(probe) => Ok(Unusual::Probe(id, probe)),
        }
    }

    /// Takes a heartbeat, or an answer to one, from the budget of who sends it.
    fn admit(&self, uptime: Duration, from: &SocketAddr, listed: bool) -> Result<(), DropReason> {
        let limiter = &self.limiter;
        let take = if listed { Limiter::take_node } else { Limiter::take };
        let free = limiter.is_exempt(from) || take(limiter, uptime, from);
        free.then_some(()).ok_or(DropReason::Limited)
    }

    /// Answers one who reads no nonce, and so cannot show that it is at its address.
    #[inline(never)]
    fn answer_bare<'a>(
        &mut self,
        list: &'a List,
        asker: Asker,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let (from, v4) = (asker.from, asker.from.is_ipv4());
        let (mut room, mut most) = (MAX_ANSWER, usize::MAX);
        if !self.limiter.is_exempt(from) {
            if self.limiter.repeats(asker.uptime, from, asker.id.get()) {
                return Err(DropReason::Repeated);
            }
            room = limit::room(from, asker.datagram.len());
            if !self.limiter.take(asker.uptime, from) {
                if !self.rng.random_ratio(1, 4) {
                    return Err(DropReason::Limited);
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
        let room = room.checked_sub(BARE_FRAME).ok_or(DropReason::NoRoom)?;
        if most > 1
            && let Some(whole) = list.whole(v4, false, room)
        {
            frame(&mut out.head, asker.id, 0, whole.len());
            out.tail = whole;
            return Ok(Handled::Answer);
        }
        self.answer_sample(list, asker, 0, room, most, &mut out.head)
    }

    #[inline(always)]
    fn answer<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        if snapshot.seal.is_own(probe.nonce) && !planted(Fault::OwnCheckAnswered) {
            return Err(DropReason::OwnCheck);
        }
        let from = asker.from;
        let mut room = MAX_ANSWER;
        if !self.limiter.is_exempt(from) {
            let free = self.limiter.take(asker.uptime, from);
            room = limit::room(from, asker.datagram.len());
            if !free || room < MAX_ANSWER && !probe.cookie.is_empty() {
                let known = self.limiter.knows(asker.uptime, from, probe.cookie);
                match (free, known && self.limiter.take_bearer(asker.uptime, from)) {
                    (_, true) => room = MAX_ANSWER,
                    (true, false) => {}
                    (false, false) => return self.send_away(asker, probe.nonce, &mut out.head),
                }
            }
        }
        // Only a check that is rightly signed: a server signs for nobody else.
        if let Some(key) = snapshot.trust.checker(asker.datagram) {
            return self.answer_signed(room, snapshot, asker, probe, key, out);
        }
        self.answer_within(room, snapshot, asker, probe, out)
    }

    #[inline(never)]
    fn answer_signed<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        key: &Key,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let room = room.checked_sub(TRAILER).ok_or(DropReason::NoRoom)?;
        let verdict = self.answer_within(room, snapshot, asker, probe, out)?;
        out.head.extend_from_slice(std::mem::take(&mut out.tail));
        key.sign(Purpose::Reply, &mut out.head, 0);
        Ok(verdict)
    }

    #[inline(always)]
    fn answer_within<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let room = room.checked_sub(FRAME).ok_or(DropReason::NoRoom)?;
        let (list, direct) = snapshot.full(probe.view);
        let v4 = asker.from.is_ipv4();
        let whole = list.whole(v4, probe.names, room);
        // A part of a list is worth less than the whole of what it is made of.
        if let Some(whole) = whole.or_else(|| direct.whole(v4, probe.names, room)) {
            frame(&mut out.head, asker.id, probe.nonce, whole.len());
            out.tail = whole;
            return Ok(Handled::Answer);
        }
        self.answer_sample(list, asker, probe.nonce, room, usize::MAX, &mut out.head)
    }

    #[inline(never)]
    fn answer_sample(
        &mut self,
        list: &List,
        asker: Asker,
        nonce: u64,
        room: usize,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<Handled, DropReason> {
        let v4 = asker.from.is_ipv4();
        let sample = list.sample(v4, self.turn, room, most).ok_or(DropReason::NoRoom)?;
        self.turn = self.turn.wrapping_add(sample.count());
        frame(out, asker.id, nonce, sample.len());
        sample.write(out);
        Ok(Handled::Answer)
    }

    /// Sends away, every second time, one who asks too often: with a cookie to come back with.
    #[inline(never)]
    fn send_away(
        &mut self,
        asker: Asker,
        nonce: u64,
        out: &mut Vec<u8>,
    ) -> Result<Handled, DropReason> {
        let cookie = match self.rng.random() {
            true => self.limiter.cookie(asker.uptime, asker.from),
            false => return Err(DropReason::Limited),
        };
        frame(out, asker.id, nonce, 2 + cookie.len() + 2);
        put_retry(out, &cookie);
        if out.len() > asker.datagram.len() && !planted(Fault::RetryLarger) {
            out.clear();
            return Err(DropReason::Limited);
        }
        Ok(Handled::Retry)
    }
}

/// What came of a datagram that is read field by field.
enum Unusual<'a> {
    /// It is still to be answered.
    Probe(Id, Probe<'a>),
    Done(Handled),
}

/// Who asks, when, with what bytes, and their id.
#[derive(Clone, Copy)]
struct Asker<'a> {
    uptime: Duration,
    from: &'a SocketAddr,
    datagram: &'a [u8],
    id: Id,
}

/// Who is never answered, whatever is asked.
fn judge_source(to: &SocketAddr, from: &SocketAddr) -> Result<(), DropReason> {
    match from.port() {
        0 if !planted(Fault::PortZeroAnswered) => Err(DropReason::PortZero),
        _ if from.port() == to.port() && from == to => Err(DropReason::OwnAddress),
        port if loops(port) && !planted(Fault::LoopPortAnswered) => Err(DropReason::LoopPort),
        _ => Ok(()),
    }
}
