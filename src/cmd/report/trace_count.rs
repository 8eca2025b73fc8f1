use std::net::SocketAddr;

use serde::Serialize;

use super::ms::Ms;
use super::problem::Problem;
use super::unresolved::UnresolvedCount;

/// What repeated descents have seen.
#[derive(Debug, Serialize)]
pub(crate) struct TraceCount {
    pub(crate) descents: u64,
    pub(crate) found: u64,
    /// Of which the system has sent nothing.
    pub(crate) unsent: u64,
    pub(crate) candidates: Vec<CandidateCount>,
    /// The roots that could not be asked each time.
    pub(crate) unresolved: Vec<UnresolvedCount>,
    pub(crate) error: Option<Problem>,
}

/// A candidate of repeated descents.
#[derive(Debug, Serialize)]
pub(crate) struct CandidateCount {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) sent: u64,
    pub(crate) loss_percent: Option<f64>,
    pub(crate) won: u64,
    pub(crate) best_ms: Option<Ms>,
    pub(crate) avg_ms: Option<Ms>,
    pub(crate) worst_ms: Option<Ms>,
    pub(crate) stdev_ms: Option<Ms>,
}

impl TraceCount {
    pub(crate) const SCHEMA: &str = "tb.trace-count/1";
}
