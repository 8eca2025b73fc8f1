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
        let was = before.get(&id);
        row.steady(was.and_then(|was| was.rtt_ms));
        let list = lists.get(&node.public).filter(|_| node.kind != NodeKind::Turn);
        let list = list.map_or(&[][..], |list| list);
        row.lists = list.iter().take(room).cloned().collect();
        left_out += list.len() - row.lists.len();
        room -= row.lists.len();
        let same = was.filter(|was| ***was == row).cloned();
        (id, same.unwrap_or_else(|| Arc::new(row)))
    };
    let rows = status.nodes.iter().take(MOST_NODES).map(&mut row).collect();
    (rows, left_out)
}

fn minute(now: f64) -> u64 {
    (now / 60.0) as u64
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::types::{Labels, ListedStatus, NodeCondition, TopologyNode};

    /// A server with these nodes, by the last part of their addresses, after so many seconds: what each is, and
    /// when that began.
    fn status(now: u64, nodes: &[(u8, NodeCondition, u64)]) -> Status {
        let node = |&(n, condition, at): &(u8, _, u64)| NodeStatus {
            addr: ([192, 0, 2, n], 3001).into(),
            public: ([192, 0, 2, n], 3001).into(),
            kind: NodeKind::Balance,
            name: None,
            joined: false,
            condition,
            since: Duration::from_secs(now - at),
            fault: None,
            rtt: Some(Duration::from_millis(u64::from(n))),
            load: None,
            labels: Labels::default(),
            turn: None,
            lists: 0,
        };
        let nodes = nodes.iter().map(node).collect();
        Status { uptime: Duration::from_secs(now), nodes, ..Status::default() }
    }

    /// What the first node lists.
    fn lists(entries: &[u8]) -> Topology {
        let listed = |n: u8| ListedStatus {
            addr: ([192, 0, 2, n], 3001).into(),
            kind: "leaf",
            name: Some(format!("leaf-{n}")),
            turn: None,
            labels: Labels::default(),
        };
        let lists = entries.iter().map(|n| listed(*n)).collect();
        let node = TopologyNode { node: listed(1), state: "online", lists };
        Topology { nodes: vec![node], ..Topology::default() }
    }

    fn data(event: &str, name: &str) -> Value {
        let data = event.strip_prefix(&format!("event: {name}\ndata: ")).unwrap();
        assert!(data.ends_with("\n\n") && data.matches('\n').count() == 2, "{event}");
        serde_json::from_str(data).unwrap()
    }

    /// The changes that an event has, as `ADDRESS WHAT STATE`.
    fn changes(told: &Value) -> Vec<String> {
        let part = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let change = |change: &Value| {
            [part(&change["id"]), part(&change["what"]), part(&change["state"])].join(" ")
        };
        told["changes"].as_array().unwrap().iter().map(change).collect()
    }

    #[test]
    fn what_changes_is_told_and_nothing_else() {
        use NodeCondition::{Full, Offline, Online};
        let first = Board::new(&status(9, &[(1, Online, 1), (2, Online, 2)]), &lists(&[]));
        let same = first.next(&status(10, &[(1, Online, 1), (2, Online, 2)]), &lists(&[]));
        assert!(same.is_like(&first));
        let all = data(&same.all(), "all");
        assert_eq!((all["nodes"].as_array().unwrap().len(), changes(&all).len()), (2, 0));

        let next = same.next(&status(11, &[(1, Online, 1), (3, Full, 11)]), &lists(&[7, 8]));
        assert!(!next.is_like(&same));
        let some = data(&next.since(&first), "some");
        let ids: Vec<_> =
            some["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
        assert_eq!(ids, ["192.0.2.1:3001", "192.0.2.3:3001"]);
        assert_eq!(some["gone"], serde_json::json!(["192.0.2.2:3001"]));
        assert!(some["server"].is_null() && some["minute"] == false);
        let told = ["192.0.2.1:3001 lists -", "192.0.2.3:3001 new full", "192.0.2.2:3001 gone -"];
        assert_eq!(changes(&some), told);
        assert_eq!(some["changes"][0]["names"], serde_json::json!(["leaf-7", "leaf-8"]));

        // One that was away between two looks is told of; its list, which came back with it, is not.
        let back = next.next(&status(19, &[(1, Online, 18), (3, Offline, 16)]), &lists(&[]));
        let some = data(&back.since(&next), "some");
        assert_eq!(changes(&some), ["192.0.2.1:3001 state online", "192.0.2.3:3001 state offline"]);
        assert_eq!(some["changes"][0]["at_s"], 18.0);
        // Who has seen the one before has all of it.
        assert_eq!(changes(&data(&back.since(&first), "some")).len(), 5);
        let later = back.next(&status(3700, &[(1, Online, 18), (3, Offline, 16)]), &lists(&[]));
        assert!(changes(&data(&later.all(), "all")).is_empty(), "an hour has passed");
    }

    #[test]
    fn a_time_is_told_anew_when_it_has_changed_by_a_tenth() {
        let online = |ms: u64| {
            let mut status = status(9, &[(1, NodeCondition::Online, 1)]);
            status.nodes[0].rtt = Some(Duration::from_millis(ms)).filter(|_| ms > 0);
            status
        };
        let first = Board::new(&online(100), &lists(&[]));
        let mut last = first.clone();
        for near in [109, 91, 105] {
            last = last.next(&online(near), &lists(&[]));
            assert!(last.is_like(&first), "{near}");
        }
        for far in [110, 90, 0] {
            let other = last.next(&online(far), &lists(&[]));
            assert!(!other.is_like(&first), "{far}");
            let told = &data(&other.since(&first), "some")["nodes"][0]["rtt_ms"];
            assert_eq!(told.as_f64(), Some(far as f64).filter(|far| *far > 0.0));
        }
    }

    #[test]
    fn an_hour_has_a_point_a_minute() {
        let online = [(4, NodeCondition::Online, 0)];
        let first = Board::new(&status(59, &online), &lists(&[]));
        let next = first.next(&status(60, &online), &lists(&[]));
        assert_eq!(data(&next.since(&first), "some")["minute"], true);
        assert_eq!(data(&next.all(), "all")["nodes"][0]["past"], serde_json::json!([4.0]));
        // Who has missed one is told all.
        let later = next.next(&status(200, &online), &lists(&[]));
        let all = data(&later.since(&next), "all");
        assert_eq!(all["nodes"][0]["past"], serde_json::json!([4.0, null, 4.0]));
    }
}
