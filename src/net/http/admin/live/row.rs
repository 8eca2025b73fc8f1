//! A server and its nodes as the page has them: nothing in them changes while nothing happens.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::types::{
    ListedStatus, Load, Name, NodeKind, NodeStatus, Status, SuperiorStatus, TurnFault,
};

/// How exactly a page is told when a superior was heard of: often enough to see that it is.
const TOLD_STEP: f64 = 5.0;

/// The server itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ServerRow {
    name: Option<String>,
    version: &'static str,
    pub(super) state: &'static str,
    fault: Option<&'static str>,
    /// The TURN servers beside it.
    turn: Vec<NodeRow>,
    superiors: Vec<SuperiorRow>,
    troubles: Vec<TroubleRow>,
    /// How many nodes, and entries of their lists, are not shown.
    pub(super) left_out: usize,
}

/// One of its nodes. Times are in seconds since the start of the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NodeRow {
    pub(super) addr: SocketAddr,
    pub(super) public: SocketAddr,
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
    joined: bool,
    pub(super) state: &'static str,
    /// When that began.
    pub(super) at_s: f64,
    fault: Option<&'static str>,
    pub(super) why: Option<String>,
    pub(super) rtt_ms: Option<f64>,
    load: Option<f64>,
    turn: Option<SocketAddr>,
    /// What it lists.
    pub(super) lists: Vec<ListedStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct SuperiorRow {
    addr: SocketAddr,
    told_at_s: Option<f64>,
    checked_at_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TroubleRow {
    trouble: &'static str,
    what: String,
    at_s: f64,
}

impl ServerRow {
    /// Of a status.
    pub(super) fn new(status: &Status, left_out: usize) -> Self {
        let ago = |since| at(status.uptime, since);
        let superior = |superior: &SuperiorStatus| {
            let step = |since| (ago(since) / TOLD_STEP).floor() * TOLD_STEP;
            SuperiorRow {
                addr: superior.addr,
                told_at_s: superior.told.map(step),
                checked_at_s: superior.checked.map(step),
            }
        };
        let troubles = status.troubles.iter().map(|trouble| TroubleRow {
            trouble: trouble.word,
            what: trouble.what.clone(),
            at_s: ago(trouble.since),
        });
        Self {
            name: status.name.as_ref().map(Name::to_string),
            version: status.version,
            state: status.state.as_str(),
            fault: status.fault.map(TurnFault::as_str),
            turn: status.turn.iter().map(|node| NodeRow::new(node, status.uptime)).collect(),
            superiors: status.superiors.iter().map(superior).collect(),
            troubles: troubles.collect(),
            left_out,
        }
    }
}

impl NodeRow {
    /// Of a node of a server that has run for so long.
    pub(super) fn new(node: &NodeStatus, uptime: Duration) -> Self {
        Self {
            addr: node.addr,
            public: node.public,
            kind: node.kind.as_str(),
            name: node.name.as_ref().map(Name::to_string),
            joined: node.joined,
            state: node.condition.as_str(),
            at_s: at(uptime, node.since),
            fault: node.fault.map(|fault| fault.as_str()),
            why: node.fault.map(|fault| fault.to_string()),
            rtt_ms: node.rtt.map(legible_ms),
            load: node.load.map(Load::share),
            turn: node.turn,
            lists: Vec::new(),
        }
    }

    /// Keeps the time that was told last, while it has not changed by a tenth: the least of 48 s changes a little
    /// with every other check, and each change is a whole row for each page.
    pub(super) fn steady(&mut self, told: Option<f64>) {
        if let (Some(is), Some(told)) = (&mut self.rtt_ms, told)
            && 10.0 * (*is - told).abs() < told
        {
            *is = told;
        }
    }
}

/// What a node is known by: a balance server and a TURN server may be at one address.
pub(super) fn id(node: &NodeStatus) -> String {
    match node.kind {
        NodeKind::Turn => format!("turn:{}", node.addr),
        NodeKind::Balance | NodeKind::Leaf => node.addr.to_string(),
    }
}

/// Seconds since the start, to the millisecond, of what has been so for so long.
pub(super) fn at(uptime: Duration, since: Duration) -> f64 {
    uptime.saturating_sub(since).as_millis() as f64 / 1e3
}

/// Milliseconds as they are read: to a hundredth below 1, to a tenth below 100. What differs by less does not
/// change a row.
fn legible_ms(time: Duration) -> f64 {
    let ms = time.as_secs_f64() * 1e3;
    let parts = match ms {
        ..1.0 => 100.0,
        ..100.0 => 10.0,
        _ => 1.0,
    };
    ((ms * parts).round() / parts).max(0.01)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_they_are_read() {
        for (micros, ms) in [
            (3, 0.01),
            (412, 0.41),
            (11_840, 11.8),
            (11_849, 11.8),
            (99_960, 100.0),
            (140_600, 141.0),
        ] {
            assert_eq!(legible_ms(Duration::from_micros(micros)), ms);
        }
    }
}
