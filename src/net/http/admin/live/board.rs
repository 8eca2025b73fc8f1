//! What is shown at a moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::change::{Became, ChangeLog, NodeChange, became};
use super::past::Past;
use super::row::{NodeRow, ServerRow, at, id};
use crate::types::{NodeKind, NodeStatus, Status, Topology};

/// The most nodes that are shown, and the most entries of their lists: pages with more are of no use, and
/// each that opens is sent all of it.
const MOST_NODES: usize = 10_000;
const MOST_ENTRIES: usize = 10_000;

/// A server and its nodes, and what was so within the last hour.
#[derive(Debug, Clone)]
pub(super) struct Board {
    /// In seconds since the start of the server, and by the clock that waits.
    now: f64,
    looked: Instant,
    minute: u64,
    server: ServerRow,
    nodes: BTreeMap<String, Arc<NodeRow>>,
    pasts: Arc<BTreeMap<String, Past>>,
    changes: ChangeLog,
}

/// All of it, or what has changed.
#[derive(Debug, Serialize)]
struct BoardEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    now_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a ServerRow>,
    nodes: Vec<EventNode<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<&'a str>,
    changes: Vec<&'a NodeChange>,
    /// Whether a minute has ended: each node's hour has one point more, which is its round-trip time now.
    minute: bool,
}

#[derive(Debug, Serialize)]
struct EventNode<'a> {
    id: &'a str,
    #[serde(flatten)]
    row: &'a NodeRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    past: Option<&'a Past>,
}

impl Board {
    /// The first one, of a server of which nothing is known yet.
    pub(super) fn new(status: &Status, topology: &Topology) -> Self {
        let now = at(status.uptime, Duration::ZERO);
        let (nodes, left_out) = rows(status, topology, &BTreeMap::new());
        let server = ServerRow::new(status, left_out);
        let (pasts, changes) = Default::default();
        Self { now, looked: Instant::now(), minute: minute(now), server, nodes, pasts, changes }
    }

    /// The next one.
    pub(super) fn next(&self, status: &Status, topology: &Topology) -> Self {
        let now = at(status.uptime, Duration::ZERO);
        let (nodes, left_out) = rows(status, topology, &self.nodes);
        let server = ServerRow::new(status, left_out);
        let (pasts, changes) = (self.pasts.clone(), self.changes.clone());
        let mut next = Self {
            now,
            looked: Instant::now(),
            minute: minute(now),
            server,
            nodes,
            pasts,
            changes,
        };
        next.note_changes(self);
        next.note_minutes(self.minute);
        next
    }

    fn note_changes(&mut self, before: &Self) {
        self.changes.forget(self.now);
        let (is, was) = (self.server.state, before.server.state);
        if is != was {
            let what = Became::State { state: is, was, why: None };
            self.changes.note(self.now, None, what);
        }
        for (id, row) in &self.nodes {
            let became = match before.nodes.get(id) {
                None => Some((None, Became::New { state: row.state })),
                Some(was) if Arc::ptr_eq(was, row) => None,
                Some(was) => became(was, row),
            };
            if let Some((at_s, what)) = became {
                self.changes.note(at_s.unwrap_or(self.now), Some((id, row)), what);
            }
        }
        for (id, row) in before.nodes.iter().filter(|(id, _)| !self.nodes.contains_key(*id)) {
            self.changes.note(self.now, Some((id, row)), Became::Gone);
        }
    }

    fn note_minutes(&mut self, before: u64) {
        let minutes = self.minute.saturating_sub(before);
        if minutes == 0 {
            return;
        }
        let pasts = Arc::make_mut(&mut self.pasts);
        pasts.retain(|id, _| self.nodes.contains_key(id));
        for (id, row) in &self.nodes {
            match pasts.get_mut(id) {
                Some(past) => past.note(minutes, row.rtt_ms),
                None => pasts.entry(id.clone()).or_default().note(1, row.rtt_ms),
            }
        }
    }

    /// Whether nobody who has seen another one has anything new to see.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.minute == other.minute && self.server == other.server && self.nodes == other.nodes
    }

    /// By the server's clock, which has gone on since it was looked at.
    fn now_s(&self) -> f64 {
        ((self.now + self.looked.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// All of it, as an event.
    pub(super) fn all(&self) -> String {
        let told = |(id, row)| EventNode { past: self.pasts.get(id), ..EventNode::new((id, row)) };
        let told = BoardEvent {
            schema: Some("tb.events/1"),
            server: Some(&self.server),
            nodes: self.nodes.iter().map(told).collect(),
            changes: self.changes.all().collect(),
            ..BoardEvent::at(self.now_s())
        };
        told.event("all")
    }

    /// What has changed since another one, as an event.
    pub(super) fn since(&self, before: &Self) -> String {
        if self.minute > before.minute + 1 {
            return self.all();
        }
        let is_new = |(id, row): &(&String, &Arc<NodeRow>)| before.nodes.get(*id) != Some(*row);
        let gone = before.nodes.keys().filter(|id| !self.nodes.contains_key(*id));
        let told = BoardEvent {
            server: (self.server != before.server).then_some(&self.server),
            nodes: self.nodes.iter().filter(is_new).map(EventNode::new).collect(),
            gone: gone.map(String::as_str).collect(),
            changes: self.changes.after(&before.changes).collect(),
            minute: self.minute > before.minute,
            ..BoardEvent::at(self.now_s())
        };
        told.event("some")
    }
}

impl BoardEvent<'_> {
    /// Nothing, at a moment.
    fn at(now_s: f64) -> Self {
        Self {
            schema: None,
            now_s,
            server: None,
            nodes: Vec::new(),
            gone: Vec::new(),
            changes: Vec::new(),
            minute: false,
        }
    }

    /// As server-sent events are written.
    fn event(&self, name: &str) -> String {
        // Nothing in it has keys that are no text, or numbers that are none.
        let data = serde_json::to_string(self).unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    }
}

impl<'a> EventNode<'a> {
    fn new((id, row): (&'a String, &'a Arc<NodeRow>)) -> Self {
        Self { id, row, past: None }
    }
}

/// The nodes, and how many of them and of what they list are left out. Those that are as they were stay.
fn rows(
    status: &Status,
    topology: &Topology,
    before: &BTreeMap<String, Arc<NodeRow>>,
) -> (BTreeMap<String, Arc<NodeRow>>, usize) {
    let lists = topology.nodes.iter().map(|node| (node.node.addr, &node.lists));
    let lists: BTreeMap<_, _> = lists.collect();
    let mut left_out = topology.left_out + status.nodes.len().saturating_sub(MOST_NODES);
    let mut room = MOST_ENTRIES;
    let mut row = |node: &NodeStatus| {
        let (id, mut row) = (id(node), NodeRow::new(node, status.uptime));
        let list = lists.get(&node.public).filter(|_| node.kind != NodeKind::Turn);
        let list = list.map_or(&[][..], |list| list);
        row.lists = list.iter().take(room).cloned().collect();
        left_out += list.len() - row.lists.len();
        room -= row.lists.len();
        let same = before.get(&id).filter(|was| ***was == row).cloned();
        (id, same.unwrap_or_else(|| Arc::new(row)))
    };
    let rows = status.nodes.iter().take(MOST_NODES).map(&mut row).collect();
    (rows, left_out)
}

fn minute(now: f64) -> u64 {
    (now / 60.0) as u64
}
