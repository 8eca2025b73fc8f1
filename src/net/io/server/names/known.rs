//! What names stand for, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::net::io::resolve::{MOST_ADDRS, Resolved};
use crate::types::{Endpoint, Family};

/// What is known of names; it stays while a look-up fails.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    known: BTreeMap<Endpoint, KnownName>,
    /// Those whose first look-up has not ended.
    awaited: BTreeSet<Endpoint>,
    /// What SRV records name.
    named: BTreeMap<Endpoint, Named>,
}

/// The hosts of SRV records, each a name of its own.
#[derive(Debug, Default)]
struct Named {
    hosts: Vec<Endpoint>,
    /// How many there are.
    found: usize,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct KnownName {
    /// Its addresses that are used, by the newest answer.
    pub(super) addrs: Vec<SocketAddr>,
    /// How many there are.
    pub(super) found: usize,
    /// Those of answers before that are online all the same: an answer may be a part, or wrong.
    pub(super) kept: Vec<SocketAddr>,
}

/// What a new answer changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NameChange {
    pub(super) new: Vec<SocketAddr>,
    /// Those that it lacks, and that go.
    pub(super) gone: Vec<SocketAddr>,
    /// Those that it lacks, unlike the answer before, and that stay as long as they are online.
    pub(super) kept: Vec<SocketAddr>,
}

impl KnownNames {
    /// These are the names from now on. Of those that are new nothing is known, and their first look-ups
    /// begin.
    /// Both are sorted.
    pub(super) fn set(&mut self, names: &[Endpoint], before: &[Endpoint]) {
        let has = |names: &[Endpoint], name: &Endpoint| names.binary_search(name).is_ok();
        self.awaited.retain(|name| has(names, name));
        self.known.retain(|name, _| has(names, name));
        self.awaited.extend(names.iter().filter(|name| !has(before, name)).cloned());
    }

    pub(super) fn get(&self, name: &Endpoint) -> Option<&KnownName> {
        self.known.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Endpoint, &KnownName)> {
        self.known.iter()
    }

    /// Whether the first look-up of a name has not ended, or that of a host that it names.
    pub(super) fn is_awaited(&self, name: &Endpoint) -> bool {
        let mut hosts = self.named.get(name).into_iter().flat_map(|named| &named.hosts);
        self.awaited.contains(name) || hosts.any(|host| self.awaited.contains(host))
    }

    /// Notes what SRV records name.
    pub(super) fn name(&mut self, srv: &Endpoint, hosts: Vec<Endpoint>, found: usize) {
        self.named.insert(srv.clone(), Named { hosts, found });
    }

    /// Of these names alone SRV records name any more.
    pub(super) fn retain_srv(&mut self, names: &[Endpoint]) {
        self.named.retain(|srv, _| names.binary_search(srv).is_ok());
    }

    /// All hosts that SRV records name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Endpoint> {
        self.named.values().flat_map(|named| &named.hosts)
    }

    /// The SRV records that name a host.
    pub(super) fn naming(&self, host: &Endpoint) -> Vec<Endpoint> {
        let naming = self.named.iter().filter(|(_, named)| named.hosts.contains(host));
        naming.map(|(srv, _)| srv.clone()).collect()
    }

    /// What the hosts stand for that SRV records name, as far as it is known.
    pub(super) fn of_hosts(&self, srv: &Endpoint) -> Resolved {
        let Some(Named { hosts, found }) = self.named.get(srv) else { return Resolved::default() };
        let known = || hosts.iter().filter_map(|host| self.known.get(host));
        let addrs: BTreeSet<_> = known().flat_map(KnownName::all).collect();
        let left_out: usize = known().map(|host| host.found.saturating_sub(host.addrs.len())).sum();
        let found = addrs.len() + left_out + (found - hosts.len());
        Resolved { found, ..Resolved::from(Vec::from_iter(addrs)) }
    }

    /// Adds what was known of a family that nobody has told of this time.
    pub(super) fn complete(&self, name: &Endpoint, addrs: &mut Vec<SocketAddr>, untold: Family) {
        let before = self.known.get(name).into_iter().flat_map(|known| &known.addrs);
        addrs.extend(before.filter(|addr| Family::of(**addr) == untold));
    }

    /// A look-up of a name has ended. Returns whether it was the first.
    pub(super) fn end_first(&mut self, name: &Endpoint) -> bool {
        self.awaited.remove(name)
    }

    /// Notes what a look-up has found; another order is no change. `is_online`: whether a node has
    /// answered its last check.
    pub(super) fn note(
        &mut self,
        name: &Endpoint,
        resolved: Resolved,
        is_online: impl Fn(SocketAddr) -> bool,
    ) -> NameChange {
        let KnownName { addrs: before, kept: kept_before, .. } =
            self.known.remove(name).unwrap_or_default();
        let Resolved { mut addrs, found } = resolved;
        addrs.sort_unstable();
        let missing = before.iter().chain(&kept_before).filter(|addr| !addrs.contains(addr));
        let (mut kept, mut gone): (Vec<_>, Vec<_>) = missing.partition(|addr| is_online(**addr));
        let room = kept.len().min(MOST_ADDRS.saturating_sub(addrs.len()));
        gone.extend(kept.split_off(room));
        let is_new = |addr: &&SocketAddr| !before.contains(addr) && !kept_before.contains(addr);
        let change = NameChange {
            new: addrs.iter().filter(is_new).copied().collect(),
            gone: gone.into_iter().copied().collect(),
            kept: kept.iter().filter(|addr| before.contains(addr)).map(|addr| **addr).collect(),
        };
        let kept = kept.into_iter().copied().collect();
        self.known.insert(name.clone(), KnownName { addrs, found, kept });
        change
    }
}

impl KnownName {
    /// All that it stands for, what its newest answer has first.
    pub(super) fn all(&self) -> impl Iterator<Item = SocketAddr> {
        self.addrs.iter().chain(&self.kept).copied()
    }
}

impl NameChange {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(last: u8) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, last], 3001))
    }

    fn addrs(lasts: &[u8]) -> Vec<SocketAddr> {
        lasts.iter().map(|last| addr(*last)).collect()
    }

    /// A name, and what is noted of its answers.
    struct Noted(KnownNames, Endpoint);

    impl Noted {
        fn new() -> Self {
            Self(KnownNames::default(), Endpoint::Name("a.example".to_owned(), 3001))
        }

        fn note(&mut self, answer: &[u8], online: &[u8]) -> NameChange {
            let resolved = Resolved { addrs: addrs(answer), found: answer.len() };
            self.0.note(&self.1, resolved, |addr| addrs(online).contains(&addr))
        }

        fn all(&self) -> Vec<SocketAddr> {
            self.0.get(&self.1).unwrap().all().collect()
        }
    }

    fn change(new: &[u8], gone: &[u8], kept: &[u8]) -> NameChange {
        NameChange { new: addrs(new), gone: addrs(gone), kept: addrs(kept) }
    }

    #[test]
    fn the_order_of_an_answer_is_no_change() {
        let mut name = Noted::new();
        assert_eq!(name.note(&[1, 2, 3], &[]), change(&[1, 2, 3], &[], &[]));
        for order in [[3, 1, 2], [2, 3, 1]] {
            assert!(name.note(&order, &[]).is_none());
            assert_eq!(name.all(), addrs(&[1, 2, 3]));
        }
    }

    #[test]
    fn an_address_goes_when_its_name_has_dropped_it_and_it_is_not_online() {
        let mut name = Noted::new();
        name.note(&[1, 2, 3], &[]);
        assert_eq!(name.note(&[1], &[1, 2]), change(&[], &[3], &[2]));
        assert_eq!(name.all(), addrs(&[1, 2]));
        // It stays as long as that goes on, and is told once.
        assert!(name.note(&[1], &[1, 2]).is_none());
        assert_eq!(name.note(&[1], &[1]), change(&[], &[2], &[]));
        assert_eq!(name.all(), addrs(&[1]));
    }

    #[test]
    fn an_address_that_one_answer_leaves_out_has_never_been_away() {
        let mut name = Noted::new();
        name.note(&[1, 2], &[]);
        name.note(&[2], &[1, 2]);
        assert!(name.note(&[1, 2], &[1, 2]).is_none());
        assert_eq!(name.note(&[2, 3], &[1, 2]), change(&[3], &[], &[1]));
    }

    #[test]
    fn what_srv_records_name_is_what_their_hosts_stand_for() {
        let mut known = KnownNames::default();
        let srv = Endpoint::Srv("_tb._udp.example.org".to_owned());
        let [a, b] = ["a.example.", "b.example."].map(|host| Endpoint::Name(host.to_owned(), 3001));
        let names = [a.clone(), b.clone(), srv.clone()];
        known.set(&names, &[]);
        assert!(known.is_awaited(&srv) && known.end_first(&srv) && !known.is_awaited(&srv));
        known.name(&srv, vec![a.clone(), b.clone()], 3);
        assert!(known.is_awaited(&srv), "its hosts are not known");
        assert_eq!((known.naming(&a), known.naming(&srv)), (vec![srv.clone()], vec![]));
        let resolved = |lasts: &[u8]| Resolved { addrs: addrs(lasts), found: lasts.len() };
        known.end_first(&b);
        known.note(&b, resolved(&[2, 3]), |_| true);
        assert_eq!(known.of_hosts(&srv), Resolved { found: 3, ..resolved(&[2, 3]) });
        known.end_first(&a);
        known.note(&a, resolved(&[1, 2]), |_| true);
        assert_eq!(known.of_hosts(&srv), Resolved { found: 4, ..resolved(&[1, 2, 3]) });
        assert!(!known.is_awaited(&srv));

        // One that is named no more goes, unless it is online.
        assert_eq!(known.note(&srv, known.of_hosts(&srv), |_| true), change(&[1, 2, 3], &[], &[]));
        known.name(&srv, vec![b.clone()], 1);
        known.set(&[b, srv.clone()], &names);
        let of_hosts = known.of_hosts(&srv);
        assert_eq!(known.note(&srv, of_hosts.clone(), |_| true), change(&[], &[], &[1]));
        assert_eq!(known.note(&srv, of_hosts, |_| false), change(&[], &[1], &[]));
    }

    #[test]
    fn a_family_that_nobody_has_told_of_stays() {
        let mut name = Noted::new();
        let v6: SocketAddr = "[2001:db8::1]:3001".parse().unwrap();
        let both = vec![addr(1), v6];
        name.0.note(&name.1, Resolved { addrs: both.clone(), found: 2 }, |_| false);
        for (untold, answer, expected) in
            [(Family::V6, addr(1), both), (Family::V4, v6, vec![v6, addr(1)])]
        {
            let mut told = vec![answer];
            name.0.complete(&name.1, &mut told, untold);
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn what_is_kept_leaves_room_for_what_an_answer_has() {
        let mut name = Noted::new();
        let [one, other] = [1..=64, 101..=160].map(Vec::from_iter);
        name.note(&one, &[]);
        let change = name.note(&other, &one);
        assert_eq!((change.new.len(), change.kept.len(), change.gone.len()), (60, 4, 60));
        assert_eq!(name.all().len(), MOST_ADDRS);
    }
}
