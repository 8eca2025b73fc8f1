//! What names stand for, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::net::io::resolve::{MOST_ADDRS, Resolved};
use crate::types::Endpoint;

/// What is known of names; it stays while a look-up fails.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    known: BTreeMap<Endpoint, KnownName>,
    /// Those whose first look-up has not ended.
    awaited: BTreeSet<Endpoint>,
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

    /// Whether the first look-up of a name has not ended.
    pub(super) fn is_awaited(&self, name: &Endpoint) -> bool {
        self.awaited.contains(name)
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
    fn what_is_kept_leaves_room_for_what_an_answer_has() {
        let mut name = Noted::new();
        let [one, other] = [1..=64, 101..=160].map(Vec::from_iter);
        name.note(&one, &[]);
        let change = name.note(&other, &one);
        assert_eq!((change.new.len(), change.kept.len(), change.gone.len()), (60, 4, 60));
        assert_eq!(name.all().len(), MOST_ADDRS);
    }
}
