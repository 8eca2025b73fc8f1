//! A status as metrics.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::net::http::problem::HttpProblem;
use crate::types::{NodeCondition, NodeKind, NodeStatus, RttHistogram, ServerState, Status};

/// Of more nodes than this none is told of alone: monitoring would keep thousands of rows for what nobody
/// looks at, and `/api/v1/status` has it.
const MOST_NODES: usize = 1000;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of a server.
#[derive(Debug)]
pub(super) struct Metrics(Arc<Status>);

impl From<Arc<Status>> for Metrics {
    fn from(status: Arc<Status>) -> Self {
        Self(status)
    }
}

/// Metrics in the format that is asked for: as OpenMetrics, where nothing else is.
pub(super) fn answer(
    metrics: impl Collector,
    headers: &HeaderMap,
) -> Result<Response, HttpProblem> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(metrics));
    let mut body = String::new();
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    let plain = accepted.contains("text/plain") && !accepted.contains("openmetrics");
    let (written, kind) = if plain {
        (prometheus_text::encode(&mut body, &registry), prometheus_text::CONTENT_TYPE)
    } else {
        (text::encode(&mut body, &registry), OPEN_METRICS)
    };
    let failed =
        |_| HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written");
    written.map_err(failed)?;
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (status, mut to) = (&*self.0, MetricWriter(encoder));
        to.info("tb_build", "What runs", &[("version", status.version)])?;
        to.seconds("tb_uptime", "Since when the server runs", [([], status.uptime.as_secs_f64())])?;
        let state =
            |state: ServerState| ([("state", state.as_str())], u64::from(state == status.state));
        to.gauges("tb_state", "What the server says of itself", ServerState::ALL.map(state))?;
        counts(status, &mut to)?;
        to.histogram(
            "tb_check_rtt",
            "Round-trip times of checks of balance servers",
            &status.rtts,
        )?;
        nodes(status, &mut to)?;
        let listed = [("direct", status.listed), ("flat", status.flat)];
        let listed = listed.map(|(view, nodes)| ([("view", view)], nodes as u64));
        to.gauges("tb_listed_nodes", "Nodes on the lists of the server", listed)?;
        superiors(status, &mut to)?;
        let turn = status.turn.iter().map(|turn| (turn.public.to_string(), is_online(turn)));
        let turn: Vec<_> = turn.collect();
        let turn = turn.iter().map(|(turn, up)| ([("turn", turn.as_str())], *up));
        to.gauges("tb_turn_up", "Whether the TURN server beside it may be offered", turn)?;
        let load =
            status.turn.iter().filter_map(|turn| Some((turn.public.to_string(), turn.load?)));
        let load: Vec<_> = load.collect();
        let load = load.iter().map(|(turn, load)| ([("turn", turn.as_str())], load.share()));
        to.ratios(
            "tb_turn_load",
            "How full the TURN server beside it is, as it was last read",
            load,
        )
    }
}

fn counts(status: &Status, to: &mut MetricWriter<'_>) -> fmt::Result {
    let counts = &status.counts;
    for (name, help, count) in [
        ("tb_answers", "Answers sent, retries among them", counts.answers),
        ("tb_answers_unsent", "Answers that the system did not take", counts.unsent),
        ("tb_retries", "Requests that were asked to come again with a cookie", counts.retries),
        ("tb_heartbeats", "Heartbeats, and answers to them, received", counts.heartbeats),
        ("tb_heartbeats_lost", "Those for which there was no room", counts.heartbeats_lost),
        ("tb_receive_errors", "Times that a listening socket failed", counts.receive_errors),
        ("tb_kernel_drops", "Datagrams for which a socket had no room", counts.kernel_drops),
        ("tb_stray_bindings", "STUN received that was no awaited answer", counts.stray_bindings),
    ] {
        to.counters(name, help, [([] as [(&str, &str); 0], count)])?;
    }
    let dropped = counts.dropped.iter().map(|(reason, count)| ([("reason", *reason)], *count));
    to.counters("tb_dropped", "Datagrams dropped, by the reason", dropped)?;
    let checks = counts.checks.iter().map(|(outcome, count)| ([("outcome", *outcome)], *count));
    to.counters("tb_check_answers", "What came to the sockets that checks leave from", checks)
}

fn nodes(status: &Status, to: &mut MetricWriter<'_>) -> fmt::Result {
    let kinds = [NodeKind::Balance, NodeKind::Leaf, NodeKind::Turn];
    let counted = kinds.into_iter().flat_map(|kind| {
        NodeCondition::ALL.map(|state| {
            let of = |node: &&NodeStatus| (node.kind, node.condition) == (kind, state);
            let nodes = status.nodes.iter().filter(of).count();
            ([("kind", kind.as_str()), ("state", state.as_str())], nodes as u64)
        })
    });
    to.gauges("tb_nodes", "Nodes by kind and state", counted)?;
    if status.nodes.len() > MOST_NODES {
        return Ok(());
    }
    let named = status.nodes.iter().map(|node| {
        let name = node.name.as_ref().map(ToString::to_string).unwrap_or_default();
        (node.addr.to_string(), name, node)
    });
    let named: Vec<_> = named.collect();
    let states = named.iter().flat_map(|(addr, name, node)| {
        NodeCondition::ALL.map(|state| {
            let labels = [("node", addr.as_str()), ("name", name), ("state", state.as_str())];
            (labels, u64::from(state == node.condition))
        })
    });
    to.gauges("tb_node_state", "Whether a node is in a state", states)?;
    let rtts = named.iter().filter_map(|(addr, name, node)| {
        Some(([("node", addr.as_str()), ("name", name)], node.rtt?.as_secs_f64()))
    });
    to.seconds("tb_node_rtt", "The least round-trip time to a node of its last 16 checks", rtts)?;
    let loads = named.iter().filter_map(|(addr, name, node)| {
        Some(([("node", addr.as_str()), ("name", name)], node.load?.share()))
    });
    to.ratios("tb_node_load", "How full the TURN server beside a node is, as lists tell it", loads)
}

fn superiors(status: &Status, to: &mut MetricWriter<'_>) -> fmt::Result {
    let named = status.superiors.iter().map(|superior| (superior.addr.to_string(), superior));
    let named: Vec<_> = named.collect();
    let told = named.iter().filter_map(|(addr, superior)| {
        Some(([("superior", addr.as_str())], superior.told?.as_secs_f64()))
    });
    to.seconds("tb_superior_told", "Since the last heartbeat to a superior", told)?;
    let checked = named.iter().filter_map(|(addr, superior)| {
        Some(([("superior", addr.as_str())], superior.checked?.as_secs_f64()))
    });
    to.seconds(
        "tb_superior_checked",
        "Since a superior was last seen to check this server",
        checked,
    )
}

fn is_online(node: &NodeStatus) -> u64 {
    u64::from(node.condition == NodeCondition::Online)
}

/// Writes families of metrics; names are without their units and suffixes.
pub(super) struct MetricWriter<'a>(pub(super) DescriptorEncoder<'a>);

impl MetricWriter<'_> {
    pub(super) fn info<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str); N],
    ) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(labels)
    }

    fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'l str, &'l str); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in rows {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    pub(super) fn gauges<'l, const N: usize, T: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'l str, &'l str); N], T)>,
    ) -> fmt::Result {
        self.measured(name, help, None, rows)
    }

    pub(super) fn seconds<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'l str, &'l str); N], f64)>,
    ) -> fmt::Result {
        self.measured(name, help, Some(&Unit::Seconds), rows)
    }

    fn ratios<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'l str, &'l str); N], f64)>,
    ) -> fmt::Result {
        self.measured(name, help, Some(&Unit::Other("ratio".into())), rows)
    }

    fn measured<'l, const N: usize, T: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        rows: impl IntoIterator<Item = ([(&'l str, &'l str); N], T)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (labels, value) in rows {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, rtts: &RttHistogram) -> fmt::Result {
        let bound = |bound: Option<std::time::Duration>| {
            bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64())
        };
        let buckets: Vec<_> = rtts.counts().map(|(end, count)| (bound(end), count)).collect();
        let kind = MetricType::Histogram;
        let mut family = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?;
        let sum = rtts.sum().as_secs_f64();
        family.encode_histogram::<NoLabelSet>(sum, rtts.count(), &buckets, None)
    }
}
