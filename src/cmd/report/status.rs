//! What a server says of itself, as far as it is shown: older and newer ones say less and more.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use turn_balance::Name;

use super::problem::Problem;

/// The document `tb.status/1`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusReport {
    schema: String,
    pub(crate) name: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) version: String,
    pub(crate) uptime_s: f64,
    pub(crate) state: String,
    pub(crate) fault: Option<String>,
    pub(crate) nodes: Vec<NodeReport>,
    /// The TURN servers beside it.
    pub(crate) turn: Vec<NodeReport>,
    pub(crate) superiors: Vec<SuperiorReport>,
    pub(crate) names: Vec<NameReport>,
    pub(crate) troubles: Vec<TroubleReport>,
    pub(crate) counts: CountReport,
}

/// One of its nodes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeReport {
    pub(crate) public: String,
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) state: String,
    pub(crate) since_s: f64,
    pub(crate) why: Option<String>,
    pub(crate) rtt_ms: Option<f64>,
    pub(crate) load: Option<f64>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) lists: u64,
}

/// One of its superiors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SuperiorReport {
    pub(crate) addr: String,
    pub(crate) told_s: Option<f64>,
    pub(crate) checked_s: Option<f64>,
}

/// A name among its nodes and superiors, and what it stands for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NameReport {
    pub(crate) name: String,
    pub(crate) addrs: Vec<String>,
    pub(crate) kept: Vec<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TroubleReport {
    pub(crate) what: String,
    pub(crate) since_s: f64,
}

/// What came of datagrams.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CountReport {
    pub(crate) unsent: u64,
    pub(crate) heartbeats_lost: u64,
    pub(crate) receive_errors: u64,
    pub(crate) kernel_drops: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
}

/// In place of a document that there is not.
#[derive(Debug, Serialize)]
pub(crate) struct FailedStatus<'a> {
    error: &'a Problem,
}

impl StatusReport {
    pub(crate) const SCHEMA: &'static str = "tb.status/1";

    /// Reads one; `None`: it is something else.
    pub(crate) fn read(body: &str) -> Option<Self> {
        let report: Self = serde_json::from_str(body).ok()?;
        (report.schema == Self::SCHEMA).then_some(report)
    }

    /// What is printed where there is none.
    pub(crate) fn failed(error: &Problem) -> FailedStatus<'_> {
        FailedStatus { error }
    }

    /// Its name.
    pub(crate) fn called(&self) -> Option<Name> {
        self.name.as_ref()?.parse().ok()
    }

    /// Where the balance servers among its nodes are that it does not offer.
    pub(crate) fn unoffered(&self) -> Vec<SocketAddr> {
        let nodes = self.nodes.iter().filter(|node| node.state != "online" && node.kind != "turn");
        nodes.filter_map(|node| node.public.parse().ok()).collect()
    }

    /// How many of its nodes are online.
    pub(crate) fn online(&self) -> usize {
        self.nodes.iter().filter(|node| node.state == "online").count()
    }
}

/// A length of time in its largest unit.
pub(crate) fn span(seconds: f64, between: &str) -> String {
    let (unit, size) = match seconds {
        s if s < 60.0 => ("s", 1.0),
        s if s < 3600.0 => ("m", 60.0),
        s if s < 48.0 * 3600.0 => ("h", 3600.0),
        _ => ("d", 24.0 * 3600.0),
    };
    format!("{}{between}{unit}", (seconds / size).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_their_largest_unit() {
        for (seconds, text) in [
            (0.4, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (7200.0, "2h"),
            (36.0 * 3600.0, "36h"),
            (12.0 * 24.0 * 3600.0, "12d"),
        ] {
            assert_eq!(span(seconds, ""), text);
        }
    }
}
