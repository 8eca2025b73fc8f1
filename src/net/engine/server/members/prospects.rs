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
        token: impl FnOnce() -> Token,
    ) -> Option<Transmit> {
        let due = |from: &SocketAddr| {
            let due = self.prospects.get(from).and_then(Prospect::check_due);
            due.is_some_and(|due| due <= now)
        };
        let from = self.deadlines.due(now).find(due)?;
        self.change(from, |prospect| prospect.check(now, token(), keys))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn claim(from: [u8; 4], port: u16, place: u16, key: u32) -> Claim {
        let (from, place) =
            (SocketAddr::from((from, port)), SocketAddr::from(([192, 0, 2, 7], place)));
        Claim { from, place, key, len: 64, known: false }
    }

    #[test]
    fn nobody_names_many_places() {
        let start = Instant::now();
        let named = |claims: &mut dyn Iterator<Item = Claim>, room| {
            let mut prospects = Prospects::default();
            for (ms, claim) in (0..).zip(claims) {
                assert!(prospects.claim(start + Duration::from_millis(ms), claim, room).is_some());
            }
            prospects
        };
        let many = || 1..2000u16;
        let one = named(&mut many().map(|n| claim([203, 0, 113, 1], 9, n, 1)), 5000);
        assert_eq!(one.len(), 1, "the new one replaces the old");
        let address = named(&mut many().map(|n| claim([203, 0, 113, 1], n, n, 1)), 5000);
        assert_eq!(address.len(), 16);
        assert!(address.iter().all(|prospect| prospect.place().port() >= 2000 - 16), "the newest");
        let network = named(&mut many().map(|n| claim([203, 0, 113, n as u8], n, n, 1)), 5000);
        assert_eq!(network.len(), 64);
        let wide = |key: u32| {
            many().map(move |n| claim([n as u8, (n >> 8) as u8, key as u8, 1], n, n, key))
        };
        assert_eq!(named(&mut wide(1), 5000).len(), 1024);
        assert_eq!(named(&mut wide(1).chain(wide(2)), 1500).len(), 1500);
        let mut left = named(&mut wide(1), 5000);
        left.keep_newest(10);
        assert_eq!(left.len(), 10);
        left.handle_timeout(start + Duration::from_secs(15));
        assert_eq!((left.len(), left.poll_timeout()), (0, None));
        assert!(left.by_place.is_empty() && left.crowds.is_empty());
        assert!(left.claim(start, claim([203, 0, 113, 1], 9, 9, 1), 0).is_none());
    }

    #[test]
    fn who_does_not_answer_is_asked_ever_more_seldom() {
        let start = Instant::now();
        let mut prospects = Prospects::default();
        let mut asked = Vec::new();
        for ms in (0..120_000).step_by(250) {
            let now = start + Duration::from_millis(ms);
            // Another place each time does not help.
            let claim = claim([203, 0, 113, 1], 9, 1024 + (ms / 250) as u16, 1);
            prospects.claim(now, claim, 10);
            let token = || Token { id: u32::MAX, nonce: u64::MAX };
            while let Some(check) = prospects.poll_transmit(now, &Keys::default(), token) {
                assert!(check.payload.len() <= 70, "{check:?}");
                asked.push(ms);
            }
        }
        assert_eq!(asked[..7], [0, 250, 750, 1750, 3750, 7750, 15_750]);
        assert!(asked[6..].windows(2).all(|pair| pair[1] - pair[0] == 16_000), "{asked:?}");
    }
}
