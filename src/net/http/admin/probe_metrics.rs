//! What came of a probe, as metrics.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::metrics::MetricWriter;
use crate::net::engine::client::descent::Selection;

/// Of one probe. By default it has failed.
#[derive(Debug, Default)]
pub(super) struct ProbeMetrics {
    pub(super) success: bool,
    pub(super) took: Duration,
    /// Steps of the check of a TURN server, and how long they took.
    pub(super) steps: Vec<(&'static str, Duration)>,
    descent: Option<DescentMetrics>,
}

/// Of a descent that has found a TURN server.
#[derive(Debug)]
struct DescentMetrics {
    turn: String,
    name: String,
    rtt: Option<Duration>,
    levels: u64,
    candidates: u64,
    silent: u64,
    datagrams: u64,
}

impl ProbeMetrics {
    /// This was found.
    pub(super) fn found(found: &Selection) -> Self {
        let descent = DescentMetrics {
            turn: found.turn.to_string(),
            name: found.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            rtt: Some(found.rtt),
            levels: found.path.len() as u64,
            candidates: found.cost.candidates.into(),
            silent: found.cost.silent.into(),
            datagrams: found.cost.datagrams.into(),
        };
        Self { success: true, descent: Some(descent), ..Self::default() }
    }
}

impl Collector for ProbeMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = MetricWriter(encoder);
        let alone = |value: u64| [([] as [(&str, &str); 0], value)];
        to.gauges(
            "probe_success",
            "Whether the target answers as it should",
            alone(self.success.into()),
        )?;
        to.seconds("probe_duration", "How long it took", [([], self.took.as_secs_f64())])?;
        let steps = self.steps.iter().map(|(step, rtt)| ([("step", *step)], rtt.as_secs_f64()));
        to.seconds("tb_probe_step", "Steps of the check of a TURN server", steps)?;
        let Some(found) = &self.descent else { return Ok(()) };
        to.info(
            "tb_probe_turn",
            "What a descent found",
            &[("turn", &found.turn), ("name", &found.name)],
        )?;
        let rtt = found.rtt.map(|rtt| ([] as [(&str, &str); 0], rtt.as_secs_f64()));
        to.seconds("tb_probe_rtt", "The round-trip time to it", rtt)?;
        to.gauges("tb_probe_levels", "Levels that the descent went down", alone(found.levels))?;
        to.gauges("tb_probe_candidates", "Nodes that it knew of", alone(found.candidates))?;
        to.gauges("tb_probe_silent", "Those that were asked and silent", alone(found.silent))?;
        to.gauges("tb_probe_datagrams", "Datagrams that it sent", alone(found.datagrams))
    }
}
