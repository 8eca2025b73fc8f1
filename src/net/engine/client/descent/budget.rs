//! How much a descent may send: lists are strangers' words, and must not make a cannon of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::candidate_id::CandidateId;
use super::limits::Limits;
use super::report::Unasked;
use crate::net::wire::PADDED_REQUEST;

/// Datagrams kept for the last round, beside those that ask for URLs.
const RESERVE: u32 = 16;

/// Requests for URLs, three to each of four finalists, and how long each is, so that its answer may be
/// the longest there is.
pub(super) const URL_REQUESTS: u32 = 12;
pub(super) const URL_REQUEST: usize = PADDED_REQUEST;

/// The part of all bytes that is kept for URLs at most: a small budget is for finding a TURN server.
const MOST_OF_BYTES: u64 = 4;

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quota {
    datagrams: u32,
    bytes: u64,
}

impl Quota {
    /// A part of it.
    pub(super) fn part(self, of: u32, whole: u32) -> Self {
        // A caller may allow as much as can be counted.
        let part = |n: u64| u128::from(n) * u128::from(of) / u128::from(whole);
        let bytes = part(self.bytes).try_into().unwrap_or(u64::MAX);
        let datagrams = part(self.datagrams.into()).try_into().unwrap_or(u32::MAX);
        Self { datagrams, bytes }
    }

    pub(super) fn is_empty(self) -> bool {
        self.datagrams == 0 || self.bytes == 0
    }

    /// Takes a datagram of `len` bytes out of it, if it is in there.
    pub(super) fn afford(&mut self, len: usize) -> bool {
        let enough = self.datagrams > 0 && self.bytes >= len as u64;
        if enough {
            self.datagrams -= 1;
            self.bytes -= len as u64;
        }
        enough
    }
}

/// What has been spent.
#[derive(Debug)]
pub(super) struct SendBudget {
    limits: Limits,
    /// What the last round may spend beside the rest.
    reserve: Quota,
    datagrams: u32,
    bytes: u64,
    hosts: BTreeMap<IpAddr, Host>,
}

#[derive(Debug, Default)]
struct Host {
    sent: u32,
    answered: bool,
    waiting: Vec<CandidateId>,
}

/// Whether a datagram may go out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spend {
    Send,
    /// Once its host has answered.
    Wait,
    Never,
}

impl Spend {
    /// Why it does not go out now; `None`: it does.
    pub(super) fn withheld(self) -> Option<Unasked> {
        match self {
            Self::Send => None,
            Self::Wait => Some(Unasked::Host),
            Self::Never => Some(Unasked::Budget),
        }
    }
}

impl SendBudget {
    /// Nothing spent yet; some is kept for the last round, which may ask for URLs.
    pub(super) fn new(limits: Limits, urls: bool) -> Self {
        let limits = enforced(limits);
        let requests = if urls { URL_REQUESTS } else { 0 };
        let bytes = (u64::from(requests) * URL_REQUEST as u64).min(limits.bytes / MOST_OF_BYTES);
        let reserve = Quota { datagrams: RESERVE + requests, bytes };
        Self { limits, reserve, datagrams: 0, bytes: 0, hosts: BTreeMap::new() }
    }

    /// What can still be planned, beside requests of these lengths that are.
    pub(super) fn left(&self, planned: impl Iterator<Item = usize>) -> Quota {
        let Quota { datagrams, bytes } = self.reserve;
        let mut left = Quota {
            datagrams: self.limits.datagrams.saturating_sub(datagrams + self.datagrams),
            bytes: self.limits.bytes.saturating_sub(bytes + self.bytes),
        };
        for len in planned {
            left.datagrams = left.datagrams.saturating_sub(1);
            left.bytes = left.bytes.saturating_sub(len as u64);
        }
        left
    }

    /// Judges a datagram to a host, and counts it if it may go. A candidate that is `due` waits for its
    /// host's first answer; what nobody is due is dropped.
    pub(super) fn spend(
        &mut self,
        to: SocketAddr,
        len: usize,
        last_round: bool,
        due: Option<CandidateId>,
    ) -> Spend {
        let reserve = if last_round { Quota::default() } else { self.reserve };
        let many = self.datagrams + reserve.datagrams >= self.limits.datagrams;
        if many || self.bytes + reserve.bytes + len as u64 > self.limits.bytes {
            return Spend::Never;
        }
        let host = self.hosts.entry(network(to)).or_default();
        if !host.answered && host.sent >= self.limits.unanswered {
            host.waiting.extend(due);
            return Spend::Wait;
        }
        host.sent += 1;
        self.datagrams += 1;
        self.bytes += len as u64;
        Spend::Send
    }

    /// An answer came from there: returns who has waited for it.
    pub(super) fn answered(&mut self, from: SocketAddr) -> Vec<CandidateId> {
        let host = self.hosts.entry(network(from)).or_default();
        host.answered = true;
        std::mem::take(&mut host.waiting)
    }
}

/// What is kept of the limits that a descent is given.
fn enforced(limits: Limits) -> Limits {
    planted!(DatagramsWithoutEnd => Limits { datagrams: u32::MAX / 64, ..limits });
    planted!(BytesWithoutEnd => Limits { bytes: u64::MAX / 64, ..limits });
    planted!(SilenceWithoutEnd => Limits { unanswered: u32::MAX, ..limits });
    limits
}

/// Who is behind an address: the IPv4 address, or the IPv6 /64, the least that a subscriber has
/// (RFC 6177).
fn network(addr: SocketAddr) -> IpAddr {
    match addr.ip() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_all_that_can_be_counted() {
        let all = Quota { datagrams: u32::MAX, bytes: u64::MAX };
        assert_eq!(all.part(5, 5), all);
        assert_eq!(all.part(1, 4), Quota { datagrams: u32::MAX / 4, bytes: u64::MAX / 4 });
    }
}
