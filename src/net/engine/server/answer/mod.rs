//! What a server answers: one datagram in, one or none out.
//!
//! All that can be known before a request comes is encoded when it changes, into a [`Snapshot`];
//! an answer is a copy of it behind the request's id and nonce.

mod binding;
mod entries;
mod extra;
mod handled;
mod list;
mod listing;
mod snapshot;
mod source;
pub(super) mod tail;
mod url_book;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::auth::PeerMessage;
use super::drop::DropReason;
use super::incoming::{Incoming, LocalAddr};
use super::limit::{Admission, Asker, Limiter};
use crate::net::engine::Rng;
use crate::net::wire::{
    BARE_FRAME, DecodeError, Extras, Id, MAX_ANSWER, MAX_REQUEST, Probe, Request, RequestBody, stun,
};
use crate::types::Family;
use binding::BindingResponder;
use list::List;
use source::judge_source;
use writer::{Writer, write_retry};

pub use handled::Handled;
pub use listing::Listing;
pub(super) use listing::Offer;
pub use snapshot::Snapshot;
pub use url_book::UrlsOf;
pub use writer::Answer;

/// The answers of one worker.
#[derive(Debug)]
pub struct Responder {
    limiter: Arc<Limiter>,
    writer: Writer,
    bindings: BindingResponder,
    clock: Clock,
    rng: Rng,
}

/// The moment of the last datagram, which is that of its whole batch.
#[derive(Debug)]
struct Clock {
    now: Instant,
    /// How long the limiter had been there then.
    uptime: Duration,
}

impl Responder {
    /// A worker's answers, within what `limiter` allows to all workers together.
    pub fn new(limiter: Arc<Limiter>, rng: Rng) -> Self {
        let clock = Clock { now: limiter.started(), uptime: Duration::ZERO };
        let bindings = BindingResponder::new();
        Self { limiter, writer: Writer::default(), bindings, clock, rng }
    }

    /// Answers within what this one allows from now on, which goes on where the one before was.
    pub fn set_limiter(&mut self, limiter: Arc<Limiter>) {
        self.limiter = limiter;
    }

    /// Judges a datagram, and writes the answer to `out`, which must be empty, if there is one.
    // In line with what it calls for the usual probe, so that all of it stays in registers.
    #[inline(always)]
    pub fn handle_datagram<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        now: Instant,
        incoming: Incoming,
        out: &mut Answer<'a>,
    ) -> Handled {
        let Incoming { to, from, bytes } = incoming;
        match self.judge(snapshot, now, to, from, bytes, out) {
            Ok(handled) => handled,
            Err(reason) => Handled::Drop(reason),
        }
    }

    #[inline(always)]
    fn judge<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        now: Instant,
        to: &LocalAddr,
        from: &SocketAddr,
        bytes: &[u8],
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        judge_source(to, from)?;
        if is_too_long(bytes) {
            return Err(DropReason::TooLong);
        }
        let uptime = self.uptime(now);
        let (id, probe) = match Probe::decode_usual(bytes) {
            Some((id, probe)) if probe.nonce != 0 => (id, probe),
            _ => match self.judge_unusual(snapshot, uptime, from, bytes, out)? {
                Unusual::Probe(id, probe) => (id, probe),
                Unusual::Done(handled) => return Ok(handled),
            },
        };
        self.answer(snapshot, Asker { uptime, from, datagram: bytes, id }, probe, out)
    }

    #[inline(always)]
    fn uptime(&mut self, now: Instant) -> Duration {
        if self.clock.now != now {
            let uptime = now.saturating_duration_since(self.limiter.started());
            self.clock = Clock { now, uptime };
        }
        self.clock.uptime
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
            let (limiter, out) = (&self.limiter, &mut out.head);
            return self
                .bindings
                .respond(snapshot, limiter, uptime, from, datagram, out)
                .map(Unusual::Done);
        }
        let trust = snapshot.trust();
        let Request { id, body } = match Request::decode(datagram) {
            // An answer to a heartbeat has none of the fields that a request has.
            Err(DecodeError::Empty) if !trust.keys.is_empty() => {
                let tagged = trust.is_tagged(datagram);
                let judge = || trust.answer(snapshot.is_superior(*from), datagram);
                let message = self.judge_peer(uptime, from, tagged, judge)?;
                return Ok(Unusual::Done(Handled::PeerMessage(message.into())));
            }
            request => request?,
        };
        let id = Id::from(id);
        match body {
            RequestBody::Ping(ping) => {
                let listed = snapshot.is_node(*from);
                if !trust.hears(listed) {
                    return Err(DropReason::StrangeHeartbeat);
                }
                let judge = || trust.heartbeat(listed, ping, datagram);
                let tagged = trust.is_tagged(datagram);
                let message = self.judge_peer(uptime, from, tagged, judge)?;
                Ok(Unusual::Done(Handled::PeerMessage(message.into())))
            }
            RequestBody::Probe(Probe { nonce: 0, .. }) => {
                if snapshot.is_peer(*from) {
                    return Err(DropReason::PeerProbe);
                }
                let list = snapshot.bare(Family::of(*from)).ok_or(DropReason::NothingToOffer)?;
                let asker = Asker { uptime, from, datagram, id };
                self.answer_bare(list, asker, out).map(Unusual::Done)
            }
            RequestBody::Probe(probe) if probe.extras != Extras::default() => {
                let asker = Asker { uptime, from, datagram, id };
                self.answer_more(snapshot, asker, probe, out).map(Unusual::Done)
            }
            RequestBody::Probe(probe) => Ok(Unusual::Probe(id, probe)),
        }
    }

    /// Judges what a peer sends, then charges it to who has signed it: what others send in its name
    /// costs it nothing.
    fn judge_peer(
        &self,
        uptime: Duration,
        from: &SocketAddr,
        tagged: bool,
        judge: impl FnOnce() -> Result<PeerMessage, DropReason>,
    ) -> Result<PeerMessage, DropReason> {
        planted!(TagJudgedLast => {
            self.limiter.admit_peer(uptime, from, None).and_then(|()| judge())
        });
        if tagged {
            self.limiter.admit_judgement(uptime)?;
        }
        let message = judge()?;
        match &message {
            // What others send in its name costs it nothing here either.
            PeerMessage::Refused(refusal) => {
                let admitted = self.limiter.admit_refused(uptime, from);
                admitted.then_some(()).ok_or(refusal.reason())?;
            }
            _ => self.limiter.admit_peer(uptime, from, message.key())?,
        }
        Ok(message)
    }

    #[inline(always)]
    fn answer<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        if snapshot.is_own_check(probe.nonce) {
            return Err(DropReason::OwnCheck);
        }
        let room = match self.limiter.admit(asker, probe.cookie, &mut self.rng) {
            Admission::Answer { room } | Admission::OneNode { room } => room,
            Admission::Retry => {
                let Asker { uptime, from, datagram, id } = asker;
                return self.retry(uptime, from, datagram.len(), id, probe.nonce, &mut out.head);
            }
            Admission::TooOften => return Err(DropReason::Limited),
            Admission::Repeated => return Err(DropReason::Repeated),
        };
        self.writer.write(room, snapshot, asker, probe, out)
    }

    /// Answers one who asks for more than a list.
    // Not one with the above: what is in line there stays as short as it is.
    #[inline(never)]
    fn answer_more<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        if snapshot.is_own_check(probe.nonce) {
            return Err(DropReason::OwnCheck);
        }
        match self.limiter.admit(asker, probe.cookie, &mut self.rng) {
            Admission::Answer { room } | Admission::OneNode { room } => {
                self.writer.write_more(room, snapshot, asker, probe, out)
            }
            Admission::Retry => {
                let Asker { uptime, from, datagram, id } = asker;
                self.retry(uptime, from, datagram.len(), id, probe.nonce, &mut out.head)
            }
            Admission::TooOften => Err(DropReason::Limited),
            Admission::Repeated => Err(DropReason::Repeated),
        }
    }

    /// Asks to come back with a cookie, in no more than the `len` bytes of the request.
    #[inline(never)]
    fn retry(
        &mut self,
        uptime: Duration,
        from: &SocketAddr,
        len: usize,
        id: Id,
        nonce: u64,
        out: &mut Vec<u8>,
    ) -> Result<Handled, DropReason> {
        write_retry(len, id, nonce, &self.limiter.cookie(uptime, from), out)
    }

    /// Answers one who reads no nonce, and so cannot show that it is at its address.
    #[inline(never)]
    fn answer_bare<'a>(
        &mut self,
        list: &'a List,
        asker: Asker,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let whole = list.whole(Family::of(*asker.from), false, MAX_ANSWER - BARE_FRAME);
        let full = whole.map_or(MAX_ANSWER, |whole| whole.len() + BARE_FRAME);
        let (room, most) = match self.limiter.admit_bare(asker, full, &mut self.rng) {
            Admission::Answer { room } => (room, usize::MAX),
            Admission::OneNode { room } => (room, 1),
            // It does not read one.
            Admission::Retry | Admission::TooOften => return Err(DropReason::Limited),
            Admission::Repeated => return Err(DropReason::Repeated),
        };
        self.writer.write_bare(room, most, list, asker, out)
    }
}

/// What came of a datagram that is read field by field.
enum Unusual<'a> {
    /// It is still to be answered, in the one place that is put in line.
    Probe(Id, Probe<'a>),
    Done(Handled),
}

fn is_too_long(datagram: &[u8]) -> bool {
    planted!(LongRequestAnswered => false);
    datagram.len() > MAX_REQUEST
}
