//! What is wrong with the list as a whole: looked at some time after it has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::trouble::{Trouble, Troubles};
use crate::net::wire::{Kind, Node};

/// How long after: one look does for all changes until then, and takes a millisecond or two with 10,000
/// nodes.
const PAUSE: Duration = Duration::from_secs(5);

/// When it is looked at next.
#[derive(Debug, Default)]
pub(super) struct Inspection(Option<Instant>);

impl Inspection {
    /// The list has changed.
    pub(super) fn begin(&mut self, now: Instant) {
        self.0.get_or_insert(now + PAUSE);
    }

    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        self.0.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0
    }
}

/// Looks at what is listed, and which TURN servers among the nodes are not because a balance server has
/// their address.
pub(super) fn inspect(
    now: Instant,
    listed: &[Node],
    turn: impl Iterator<Item = SocketAddr>,
    troubles: &mut Troubles,
) {
    let balance = listed.iter().filter(|node| node.kind != Kind::Turn).map(|node| node.addr);
    let balance = BTreeSet::from_iter(balance);
    let hidden = turn.filter(|addr| balance.contains(addr));
    let mut wrong: Vec<_> = hidden.map(|addr| Trouble::SameAddress { addr }).collect();
    let mut named = BTreeMap::new();
    for node in listed {
        let Some(name) = &node.name else { continue };
        if let Some(first) = named.insert(name, node.addr) {
            let nodes = [first, node.addr];
            wrong.push(Trouble::SameName { name: name.clone(), nodes });
        }
    }
    wrong.sort_unstable();
    troubles.keep(now, |trouble| {
        let ours = matches!(trouble, Trouble::SameName { .. } | Trouble::SameAddress { .. });
        !ours || wrong.binary_search(trouble).is_ok()
    });
    wrong.into_iter().for_each(|trouble| troubles.set(now, trouble, true));
}
