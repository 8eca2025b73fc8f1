//! Where nodes are said to be, and nothing has shown it yet: the places that heartbeats advertise.
//!
//! Nobody there has agreed to be asked, so a heartbeat draws no more than it pays for
//! ([`Prospect`]), each address that heartbeats come from has one such place, and nobody has many.
//! A place that answers rightly becomes a node, and is none of these any more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::prospect::{Claim, Prospect};
use crate::net::engine::Transmit;
use crate::net::engine::exchange::{Proof, Token};
use crate::net::engine::server::deadlines::Deadlines;
use crate::net::engine::server::ways::{Way, Ways};
use crate::net::wire::auth::Keys;

/// The places, by the address of whoever names each.
#[derive(Debug, Default)]
pub(super) struct Prospects {
    prospects: BTreeMap<SocketAddr, Prospect>,
    /// Who names a place.
    by_place: BTreeSet<(SocketAddr, SocketAddr)>,
    /// Who named one with what, the first of each first.
    crowds: BTreeMap<Crowd, BTreeSet<(Instant, SocketAddr)>>,
    deadlines: Deadlines,
}

/// Those that count together, and of which the oldest gives way to a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Crowd {
    /// Named from one IPv4 address, or IPv6 /64.
    Address(IpAddr),
    /// Named from one IPv4 /24, or IPv6 /48.
    Network(IpAddr),
    /// Named with one key.
    Key(u32),
    All,
}

impl Crowd {
    /// How many there may be, where there is room for so many of all. A node that is there answers
    /// within a round trip, so these are the fleets that may come at the same moment.
    fn most(self, room: usize) -> usize {
        match self {
            Self::Address(_) => 16,
            Self::Network(_) => 64,
            Self::Key(_) => 1024,
            Self::All => room,
        }
    }

    /// Those that one belongs to.
    fn of(from: SocketAddr, key: u32) -> [Self; 4] {
        let masked = |v4: u32, v6: u32| match from.ip() {
            IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() >> v4 << v4).into()),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> v6 << v6).into()),
        };
        [Self::Address(masked(0, 64)), Self::Network(masked(8, 80)), Self::Key(key), Self::All]
    }
}

impl Prospects {
    /// A heartbeat names a place: that is where its sender is looked for from now on, and nowhere
    /// else. Returns the place, unless there is no room for it: `room` says how many there may be.
    pub(super) fn claim(&mut self, now: Instant, claim: Claim, room: usize) -> Option<&Prospect> {
        let before = self.prospects.get(&claim.from);
        if before.is_some_and(|before| before.names(&claim)) {
            self.change(claim.from, |prospect| prospect.hear(now, claim));
        } else {
            let prospect = Prospect::new(now, claim, before);
            self.remove(claim.from);
            self.insert(claim.from, prospect);
            let crowds = Crowd::of(claim.from, claim.key);
            crowds.into_iter().for_each(|crowd| self.keep(crowd, room));
        }
        self.prospects.get(&claim.from)
    }

    /// Those alone stay of which this says so.
    pub(super) fn retain(&mut self, stays: impl Fn(&Prospect) -> bool) {
        let gone = self.prospects.iter().filter(|(_, prospect)| !stays(prospect));
        for from in Vec::from_iter(gone.map(|(from, _)| *from)) {
            self.remove(from);
        }
    }

    /// So many may stay.
    pub(super) fn keep_newest(&mut self, room: usize) {
        self.keep(Crowd::All, room);
    }

    /// Whoever is heard from this address is not looked for elsewhere any more.
    pub(super) fn remove(&mut self, from: SocketAddr) {
        let Some(prospect) = self.prospects.remove(&from) else { return };
        self.deadlines.set(from, None);
        self.by_place.remove(&(prospect.place(), from));
        for crowd in Crowd::of(from, prospect.key()) {
            let Some(members) = self.crowds.get_mut(&crowd) else { continue };
            members.remove(&(prospect.since(), from));
            if members.is_empty() {
                self.crowds.remove(&crowd);
            }
        }
    }

    /// A node is found at a place.
    pub(super) fn found(&mut self, place: SocketAddr) {
        for from in Vec::from_iter(self.named_by(place)) {
            self.remove(from);
        }
    }

    /// Whether anybody names a place.
    pub(super) fn contains(&self, place: SocketAddr) -> bool {
        self.named_by(place).next().is_some()
    }

    /// Whether an answer that came from a place is to one of its checks.
    pub(super) fn is_answer(&self, place: SocketAddr, proof: Proof) -> bool {
        self.answered(place, proof).is_some()
    }

    /// Such an answer asks for the check again, with this cookie.
    pub(super) fn retry(&mut self, place: SocketAddr, proof: Proof, cookie: Vec<u8>) {
        if let Some(from) = self.answered(place, proof) {
            self.change(from, |prospect| prospect.retry(proof, cookie));
        }
    }

    /// Lets time pass: who has named a place and says nothing more is forgotten.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for from in Vec::from_iter(self.deadlines.due(now)) {
            if self.prospects.get(&from).is_some_and(|prospect| prospect.is_forgotten(now)) {
                self.remove(from);
            }
        }
    }

    /// The next check to send, if one is due.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        keys: &Keys,
        ways: &mut Ways,
        token: impl FnOnce() -> Token,
    ) -> Option<Transmit> {
        let due = |from: &SocketAddr| {
            let due = self.prospects.get(from).and_then(Prospect::check_due);
            due.is_some_and(|due| due <= now)
        };
        let from = self.deadlines.due(now).find(due)?;
        self.change(from, |prospect| prospect.check(now, token(), keys, ways))
    }

    /// Which way a check of a place leaves: that of whoever names it has been silent the longest.
    pub(super) fn way(&self, place: SocketAddr) -> Way {
        let ways = self.named_by(place).filter_map(|from| self.prospects.get(&from));
        ways.map(Prospect::way).max().unwrap_or_default()
    }

    /// When something is due next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    pub(super) fn len(&self) -> usize {
        self.prospects.len()
    }

    /// In the order of who names them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Prospect> {
        self.prospects.values()
    }

    fn named_by(&self, place: SocketAddr) -> impl Iterator<Item = SocketAddr> {
        let first = SocketAddr::from(([0, 0, 0, 0], 0));
        let from_here = self.by_place.range((place, first)..);
        from_here.take_while(move |(named, _)| *named == place).map(|(_, from)| *from)
    }

    fn answered(&self, place: SocketAddr, proof: Proof) -> Option<SocketAddr> {
        let answered = |from: &SocketAddr| {
            self.prospects.get(from).is_some_and(|prospect| prospect.is_answered_by(proof))
        };
        self.named_by(place).find(answered)
    }

    fn insert(&mut self, from: SocketAddr, prospect: Prospect) {
        for crowd in Crowd::of(from, prospect.key()) {
            self.crowds.entry(crowd).or_default().insert((prospect.since(), from));
        }
        self.by_place.insert((prospect.place(), from));
        self.deadlines.set(from, Some(prospect.deadline()));
        self.prospects.insert(from, prospect);
    }

    fn change<T>(
        &mut self,
        from: SocketAddr,
        change: impl FnOnce(&mut Prospect) -> T,
    ) -> Option<T> {
        let prospect = self.prospects.get_mut(&from)?;
        let result = change(prospect);
        self.deadlines.set(from, Some(prospect.deadline()));
        Some(result)
    }

    /// The oldest give way.
    fn keep(&mut self, crowd: Crowd, room: usize) {
        let most = crowd.most(room);
        while let Some(members) = self.crowds.get(&crowd).filter(|members| members.len() > most)
            && let Some((_, oldest)) = members.first().copied()
        {
            self.remove(oldest);
        }
    }
}
