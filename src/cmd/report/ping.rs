use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use turn_balance::Echo;

use super::ms::Ms;
use super::problem::Problem;
use super::rtts::{Rtts, loss_percent};

/// What `tb ping` has measured.
#[derive(Debug, Serialize)]
pub(crate) struct PingReport {
    pub(crate) server: String,
    pub(crate) addr: Option<SocketAddr>,
    pub(crate) transmitted: u64,
    pub(crate) received: u64,
    pub(crate) loss_percent: Option<f64>,
    pub(crate) time_ms: Ms,
    pub(crate) min_ms: Option<Ms>,
    pub(crate) avg_ms: Option<Ms>,
    pub(crate) max_ms: Option<Ms>,
    pub(crate) mdev_ms: Option<Ms>,
    pub(crate) p50_ms: Option<Ms>,
    pub(crate) p90_ms: Option<Ms>,
    pub(crate) p99_ms: Option<Ms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replies: Option<Vec<PingReply>>,
    pub(crate) error: Option<Problem>,
}

impl PingReport {
    pub(crate) const SCHEMA: &str = "tb.ping/1";

    pub(crate) fn new(
        server: String,
        addr: Option<SocketAddr>,
        transmitted: u64,
        rtts: &Rtts,
        time: Duration,
    ) -> Self {
        let summary = rtts.summary();
        Self {
            server,
            addr,
            transmitted,
            received: rtts.len(),
            loss_percent: loss_percent(transmitted, rtts.len()),
            time_ms: time.into(),
            min_ms: summary.map(|s| Ms(s.min)),
            avg_ms: summary.map(|s| Ms(s.avg)),
            max_ms: summary.map(|s| Ms(s.max)),
            mdev_ms: summary.map(|s| Ms(s.mdev)),
            p50_ms: summary.map(|s| Ms(s.p50)),
            p90_ms: summary.map(|s| Ms(s.p90)),
            p99_ms: summary.map(|s| Ms(s.p99)),
            replies: None,
            error: None,
        }
    }
}

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct PingReply {
    pub(crate) seq: u64,
    pub(crate) bytes: Option<usize>,
    pub(crate) rtt_ms: Option<Ms>,
}

impl PingReply {
    fn new(seq: u64, bytes: usize, rtt: Option<Duration>) -> Self {
        Self { seq, bytes: rtt.map(|_| bytes), rtt_ms: rtt.map(Ms::from) }
    }
}

impl From<Echo> for PingReply {
    fn from(echo: Echo) -> Self {
        Self::new(echo.seq, echo.bytes, echo.rtt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_is_null() {
        let rtts = Rtts::default();
        let ping = PingReport::new("fra.example".to_owned(), None, 0, &rtts, Duration::ZERO);
        assert_eq!((ping.loss_percent, ping.min_ms, ping.p99_ms), (None, None, None));
    }
}
