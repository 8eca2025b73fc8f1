//! A status as the document `tb.status/1`.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{
    NameStatus, NodeStatus, RttHistogram, Status, SuperiorStatus, TrafficCounts, TroubleStatus,
};
use crate::types::{Load, Name, TurnFault};

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Status", 16)?;
        document.serialize_field("schema", "tb.status/1")?;
        document.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        document.serialize_field("labels", &self.labels)?;
        document.serialize_field("version", self.version)?;
        document.serialize_field("uptime_s", &seconds(self.uptime))?;
        document.serialize_field("state", self.state.as_str())?;
        document.serialize_field("fault", &self.fault.map(TurnFault::as_str))?;
        document.serialize_field("nodes", &self.nodes)?;
        document.serialize_field("turn", &self.turn)?;
        document.serialize_field("superiors", &self.superiors)?;
        document.serialize_field("names", &self.names)?;
        document.serialize_field("troubles", &self.troubles)?;
        document.serialize_field("listed", &self.listed)?;
        document.serialize_field("flat", &self.flat)?;
        document.serialize_field("counts", &self.counts)?;
        document.serialize_field("rtts", &self.rtts)?;
        document.end()
    }
}

impl Serialize for NodeStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("NodeStatus", 14)?;
        node.serialize_field("addr", &self.addr)?;
        node.serialize_field("public", &self.public)?;
        node.serialize_field("kind", self.kind.as_str())?;
        node.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        node.serialize_field("joined", &self.joined)?;
        node.serialize_field("state", self.condition.as_str())?;
        node.serialize_field("since_s", &seconds(self.since))?;
        node.serialize_field("fault", &self.fault.map(|fault| fault.as_str()))?;
        node.serialize_field("why", &self.fault.map(|fault| fault.to_string()))?;
        node.serialize_field("rtt_ms", &self.rtt.map(ms))?;
        node.serialize_field("load", &self.load.map(Load::share))?;
        node.serialize_field("labels", &self.labels)?;
        node.serialize_field("turn", &self.turn)?;
        node.serialize_field("lists", &self.lists)?;
        node.end()
    }
}

impl Serialize for SuperiorStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut superior = serializer.serialize_struct("SuperiorStatus", 3)?;
        superior.serialize_field("addr", &self.addr)?;
        superior.serialize_field("told_s", &self.told.map(seconds))?;
        superior.serialize_field("checked_s", &self.checked.map(seconds))?;
        superior.end()
    }
}

impl Serialize for NameStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut name = serializer.serialize_struct("NameStatus", 3)?;
        name.serialize_field("name", &self.name.to_string())?;
        name.serialize_field("addrs", &self.addrs)?;
        name.serialize_field("kept", &self.kept)?;
        name.end()
    }
}

impl Serialize for TroubleStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut trouble = serializer.serialize_struct("TroubleStatus", 3)?;
        trouble.serialize_field("trouble", self.word)?;
        trouble.serialize_field("what", &self.what)?;
        trouble.serialize_field("since_s", &seconds(self.since))?;
        trouble.end()
    }
}

impl Serialize for TrafficCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = serializer.serialize_struct("TrafficCounts", 10)?;
        counts.serialize_field("answers", &self.answers)?;
        counts.serialize_field("unsent", &self.unsent)?;
        counts.serialize_field("retries", &self.retries)?;
        counts.serialize_field("heartbeats", &self.heartbeats)?;
        counts.serialize_field("heartbeats_lost", &self.heartbeats_lost)?;
        counts.serialize_field("receive_errors", &self.receive_errors)?;
        counts.serialize_field("kernel_drops", &self.kernel_drops)?;
        counts.serialize_field("stray_bindings", &self.stray_bindings)?;
        counts.serialize_field("dropped", &self.dropped)?;
        counts.serialize_field("checks", &self.checks)?;
        counts.end()
    }
}

impl Serialize for RttHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts: Vec<_> = self.counts().map(|(bound, count)| (bound.map(ms), count)).collect();
        let mut rtts = serializer.serialize_struct("RttHistogram", 3)?;
        rtts.serialize_field("count", &self.count())?;
        rtts.serialize_field("sum_ms", &ms(self.sum()))?;
        rtts.serialize_field("counts", &counts)?;
        rtts.end()
    }
}

/// Seconds, rounded to milliseconds.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// Milliseconds, rounded to microseconds.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3 * 1e3).round() / 1e3
}
