use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use turn_balance::{Echo, Obstacle};

use super::ms::Ms;
use super::problem::Problem;
use super::rtts::{Rtts, loss_percent};
use super::turn::TurnReply;

/// What `tb ping` has measured.
#[derive(Debug, Serialize)]
pub(crate) struct PingReport {
    pub(crate) server: String,
    pub(crate) addr: Option<SocketAddr>,
    pub(crate) transmitted: u64,
    pub(crate) received: u64,
    pub(crate) duplicates: u64,
    pub(crate) errors: u64,
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
    /// What came of each step of the checks of a TURN server.
    #[serde(skip_serializing_if = "Option::is_none", rename = "replies")]
    pub(crate) steps: Option<Vec<TurnReply>>,
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
            duplicates: 0,
            errors: 0,
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
            steps: None,
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
    /// After it was reported as missing.
    pub(crate) late: bool,
    /// After another answer.
    pub(crate) duplicate: bool,
    /// What stands before the server: `port` or `path`.
    pub(crate) unreachable: Option<&'static str>,
    /// From where else an answer came.
    pub(crate) answered_from: Option<SocketAddr>,
    /// When that was known, in seconds since 1970.
    pub(crate) timestamp: f64,
}

impl PingReply {
    /// What is known at this time of day.
    pub(crate) fn new(echo: Echo, now: SystemTime) -> Self {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            seq: echo.seq,
            bytes: echo.rtt.map(|_| echo.bytes),
            rtt_ms: echo.rtt.map(Ms::from),
            late: echo.late,
            duplicate: echo.repeated,
            unreachable: echo.obstacle.map(|obstacle| match obstacle {
                Obstacle::Port => "port",
                _ => "path",
            }),
            answered_from: echo.answered_from,
            timestamp: since_1970.as_micros() as f64 / 1e6,
        }
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
