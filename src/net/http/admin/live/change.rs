//! What changed within the last hour.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

use super::row::NodeRow;
use crate::types::ListedStatus;

/// How long a change is told of, in seconds.
const TOLD: f64 = 3600.0;

/// The most that are kept: a cascade of a thousand nodes may come back at once.
const MOST: usize = 1000;

/// The most entries of a list that a change names.
const MOST_NAMES: usize = 8;

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NodeChange {
    /// Each has one more than the one before.
    seq: u64,
    /// When, in seconds since the start of the server.
    at_s: f64,
    /// Which node; `None`: the server itself.
    id: Option<String>,
    addr: Option<SocketAddr>,
    name: Option<String>,
    #[serde(flatten)]
    what: Became,
}

/// What has become of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub(super) enum Became {
    /// It is one now, and was none.
    New { state: &'static str },
    /// It is none any more.
    Gone,
    /// It is in this state; `was` is the same where it was in another one between two looks.
    State { state: &'static str, was: &'static str, why: Option<String> },
    /// It lists others: so many more, and less, and some of them by name.
    Lists { more: usize, less: usize, names: Vec<String> },
}

/// The changes of the last hour, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeLog {
    changes: VecDeque<Arc<NodeChange>>,
    next: u64,
}

impl ChangeLog {
    /// Notes what became of a node, or of the server itself.
    pub(super) fn note(&mut self, at_s: f64, node: Option<(&str, &NodeRow)>, what: Became) {
        if self.changes.len() == MOST {
            self.changes.pop_front();
        }
        let (id, row) = node.unzip();
        let change = NodeChange {
            seq: self.next,
            at_s,
            id: id.map(str::to_owned),
            addr: row.map(|row| row.addr),
            name: row.and_then(|row| row.name.clone()),
            what,
        };
        self.next += 1;
        self.changes.push_back(Arc::new(change));
    }

    /// Forgets what was before the last hour.
    pub(super) fn forget(&mut self, now: f64) {
        while self.changes.front().is_some_and(|change| change.at_s < now - TOLD) {
            self.changes.pop_front();
        }
    }

    /// Those that another one does not have yet.
    pub(super) fn after<'a>(&'a self, before: &ChangeLog) -> impl Iterator<Item = &'a NodeChange> {
        let known = before.next;
        self.all().filter(move |change| change.seq >= known)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &NodeChange> {
        self.changes.iter().map(|change| &**change)
    }
}

/// What has become of a node, by how it was and how it is, and when, where that is known.
pub(super) fn became(was: &NodeRow, is: &NodeRow) -> Option<(Option<f64>, Became)> {
    if was.state != is.state || is.at_s > was.at_s {
        let what = Became::State { state: is.state, was: was.state, why: is.why.clone() };
        return Some((Some(is.at_s), what));
    }
    lists(was, is).map(|what| (None, what))
}

fn lists(was: &NodeRow, is: &NodeRow) -> Option<Became> {
    let addrs = |row: &NodeRow| row.lists.iter().map(|node| node.addr).collect::<BTreeSet<_>>();
    let other = |row: &NodeRow, than: &BTreeSet<SocketAddr>| {
        let others = row.lists.iter().filter(|node| !than.contains(&node.addr));
        let name = |node: &ListedStatus| node.name.clone().unwrap_or_else(|| node.addr.to_string());
        others.map(name).collect::<Vec<_>>()
    };
    let (less, more) = (other(was, &addrs(is)), other(is, &addrs(was)));
    let counts = (more.len(), less.len());
    let names = less.into_iter().chain(more).take(MOST_NAMES).collect();
    (counts != (0, 0)).then_some(Became::Lists { more: counts.0, less: counts.1, names })
}
