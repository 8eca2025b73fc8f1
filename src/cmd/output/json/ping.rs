use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use turn_balance::Echo;

use super::{Ms, Problem};
use crate::cmd::stats::{Series, loss_percent};

/// What `tb ping` has measured.
#[derive(Debug, Serialize)]
pub(crate) struct Ping {
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
    pub(crate) replies: Option<Vec<Reply>>,
    pub(crate) error: Option<Problem>,
}

impl Ping {
    pub(crate) const SCHEMA: &str = "tb.ping/1";

    pub(crate) fn new(
        server: String,
        addr: Option<SocketAddr>,
        transmitted: u64,
        times: &Series,
        time: Duration,
    ) -> Self {
        let summary = times.summary();
        Self {
            server,
            addr,
            transmitted,
            received: times.len(),
            loss_percent: loss_percent(transmitted, times.len()),
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
pub(crate) struct Reply {
    pub(crate) seq: u64,
    pub(crate) bytes: Option<usize>,
    pub(crate) rtt_ms: Option<Ms>,
}

impl Reply {
    fn new(seq: u64, bytes: usize, rtt: Option<Duration>) -> Self {
        Self { seq, bytes: rtt.map(|_| bytes), rtt_ms: rtt.map(Ms::from) }
    }
}

impl From<Echo> for Reply {
    fn from(echo: Echo) -> Self {
        Self::new(echo.seq, echo.bytes, echo.rtt)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, examples, line};
    use super::*;

    #[test]
    fn a_summary() {
        let expected = concat!(
            r#"{"schema":"tb.ping/1","kind":"summary","server":"fra.example","#,
            r#""addr":"203.0.113.10:3001","transmitted":4,"received":3,"loss_percent":25.0,"#,
            r#""time_ms":3021.0,"min_ms":11.79,"avg_ms":12.04,"max_ms":12.41,"mdev_ms":0.267,"#,
            r#""p50_ms":11.92,"p90_ms":12.41,"p99_ms":12.41,"error":null}"#,
        );
        let document = Document::part(Ping::SCHEMA, "summary", examples::ping());
        assert_eq!(line(&document).unwrap(), expected);
    }

    #[test]
    fn a_lost_answer_is_null() {
        let lost = Reply::new(2, 0, None);
        let document = Document::part(Ping::SCHEMA, "reply", lost);
        assert_eq!(
            line(&document).unwrap(),
            r#"{"schema":"tb.ping/1","kind":"reply","seq":2,"bytes":null,"rtt_ms":null}"#
        );
    }

    #[test]
    fn nothing_measured_is_null() {
        let times = Series::default();
        let ping = Ping::new("fra.example".to_owned(), None, 0, &times, Duration::ZERO);
        assert_eq!((ping.loss_percent, ping.min_ms, ping.p99_ms), (None, None, None));
    }
}
