//! What a server answers: one datagram in, one or none out.
//!
//! All that can be known before a request comes is encoded when it changes, into an [`Offer`];
//! an answer is a copy of it behind the request's id and nonce.

mod flat;
mod offer;

use std::net::{IpAddr, SocketAddr};

use crate::net::wire::{DecodeError, Ping, Probe, Request, RequestBody, frame, stun};

pub use flat::flatten;
pub use offer::{Listing, Offer};

/// The answers of one worker.
#[derive(Debug, Default)]
pub struct Balancer {
    /// Counts answers, so that samples of a long list rotate.
    turn: usize,
}

/// What became of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The answer was written.
    Answer,
    /// A heartbeat from a configured node, for [`Members`](super::members::Members).
    Heartbeat(Ping),
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
}

impl Reason {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::Malformed,
        Self::Empty,
        Self::Reply,
        Self::Stun,
        Self::Truncated,
        Self::PortZero,
        Self::OwnAddress,
        Self::LoopPort,
        Self::PeerProbe,
        Self::OwnCheck,
        Self::NothingToOffer,
        Self::StrangeHeartbeat,
    ];

    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Reply => "reply",
            Self::Stun => "stun",
            Self::Truncated => "truncated",
            Self::PortZero => "port-zero",
            Self::OwnAddress => "own-address",
            Self::LoopPort => "loop-port",
            Self::PeerProbe => "peer-probe",
            Self::OwnCheck => "own-check",
            Self::NothingToOffer => "nothing-to-offer",
            Self::StrangeHeartbeat => "strange-heartbeat",
        }
    }
}

/// Whether the service of a port answers any datagram, and so would talk with a server for ever:
/// echo, quote, chargen, DNS, TFTP's kin, NTP, SNMP, LDAP, SSDP, mDNS, memcached.
fn loops(port: u16) -> bool {
    matches!(port, 7 | 17 | 19 | 53 | 123 | 161 | 389 | 1900 | 5353 | 11211)
}

impl Balancer {
    /// Judges a datagram from `from` to `to`, the address that was asked, and appends the answer
    /// to `out` if there is one.
    pub fn handle_datagram(
        &mut self,
        offer: &Offer,
        to: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Verdict {
        match self.answer(offer, to, from, datagram, out) {
            Ok(verdict) => verdict,
            Err(reason) => Verdict::Drop(reason),
        }
    }

    fn answer(
        &mut self,
        offer: &Offer,
        to: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Verdict, Reason> {
        judge_source(to, from)?;
        if stun::is_stun(datagram) {
            return Err(Reason::Stun);
        }
        let Request { id, body } = Request::decode(datagram)?;
        match body {
            RequestBody::Ping(ping) if offer.is_node(from) => Ok(Verdict::Heartbeat(ping)),
            RequestBody::Ping(_) => Err(Reason::StrangeHeartbeat),
            RequestBody::Probe(probe) => {
                match probe.nonce {
                    0 if offer.is_peer(from) => return Err(Reason::PeerProbe),
                    nonce if offer.seal.is_own(nonce) => return Err(Reason::OwnCheck),
                    _ => {}
                }
                let tail = self.choose(offer, from.ip(), &probe).ok_or(Reason::NothingToOffer)?;
                frame(out, id, probe.nonce, tail);
                Ok(Verdict::Answer)
            }
        }
    }

    /// The ready-encoded answer; none for a bare probe where there is nothing to offer.
    fn choose<'a>(&mut self, offer: &'a Offer, from: IpAddr, probe: &Probe) -> Option<&'a [u8]> {
        let tails = match probe.nonce {
            0 => offer.bare(from.is_ipv4()),
            _ => offer.full(from.is_ipv4(), probe.view, probe.names),
        };
        self.turn = self.turn.wrapping_add(1);
        tails.get(self.turn % tails.len().max(1)).map(|tail| &**tail)
    }
}

/// Who is never answered, whatever is asked.
fn judge_source(to: SocketAddr, from: SocketAddr) -> Result<(), Reason> {
    match from.port() {
        0 => Err(Reason::PortZero),
        _ if from == to => Err(Reason::OwnAddress),
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
