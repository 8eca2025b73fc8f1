use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use turn_balance::{
    Candidate, CandidateState, Labels, Load, Name, Prefix, Strategy, Trace, TurnFault, Unasked,
    View,
};

use super::ms::Ms;
use super::problem::Problem;
use super::unresolved::UnresolvedReport;

/// What `tb trace` has seen.
#[derive(Debug, Serialize)]
pub(crate) struct TraceReport {
    #[serde(flatten)]
    pub(crate) outcome: OutcomeReport,
    pub(crate) candidates: Vec<CandidateReport>,
}

/// What a descent came to.
#[derive(Debug, Serialize)]
pub(crate) struct OutcomeReport {
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) elapsed_ms: Option<Ms>,
    pub(crate) strategy: &'static str,
    pub(crate) transport: Option<&'static str>,
    pub(crate) view: &'static str,
    pub(crate) levels: usize,
    pub(crate) datagrams: u32,
    pub(crate) connections: u32,
    /// The roots that could not be asked.
    pub(crate) unresolved: Vec<UnresolvedReport>,
    pub(crate) error: Option<Problem>,
}

/// A candidate, and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct CandidateReport {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) via: Option<SocketAddr>,
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) total_ms: Option<Ms>,
    #[serde(serialize_with = "share_or_null")]
    pub(crate) load: Option<Load>,
    pub(crate) labels: Labels,
    pub(crate) sent: u32,
    #[serde(serialize_with = "word")]
    pub(crate) state: CandidateState,
    #[serde(serialize_with = "state_or_null")]
    pub(crate) says: Option<CandidateState>,
    #[serde(serialize_with = "fault_or_null")]
    pub(crate) fault: Option<TurnFault>,
    pub(crate) answered_from: Option<SocketAddr>,
    #[serde(serialize_with = "word_or_null")]
    pub(crate) unasked: Option<Unasked>,
    pub(crate) unlisted: u32,
    /// What would let it be asked, where it is refused.
    #[serde(skip)]
    pub(crate) allow: Option<Prefix>,
    /// Where in the list the one is that named it.
    #[serde(skip)]
    pub(crate) parent: Option<usize>,
}

/// A part of one of several descents.
#[derive(Debug, Serialize)]
pub(crate) struct OfDescent<T> {
    /// Its number, from 1; `None`: there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) descent: Option<u64>,
    #[serde(flatten)]
    pub(crate) part: T,
}

/// The candidates of one step of the cascade.
#[derive(Debug, Serialize)]
pub(crate) struct LevelReport<'a> {
    pub(crate) level: u8,
    pub(crate) candidates: &'a [CandidateReport],
}

impl TraceReport {
    pub(crate) const SCHEMA: &str = "tb.trace/1";

    /// `trace`: what was seen; `None`: nothing could be asked.
    pub(crate) fn new(
        trace: Option<&Trace>,
        error: Option<&Problem>,
        strategy: Strategy,
        view: View,
    ) -> Self {
        let selection = trace.and_then(|trace| trace.outcome.as_ref().ok());
        let outcome = OutcomeReport {
            turn: selection.map(|s| s.turn),
            listed: selection.and_then(|s| s.listed),
            name: selection.and_then(|s| s.name.as_ref().map(Name::to_string)),
            rtt_ms: selection.map(|s| s.rtt.into()),
            elapsed_ms: trace.map(|trace| trace.elapsed.into()),
            strategy: strategy.as_str(),
            transport: trace.map(|trace| trace.transport.as_str()),
            view: view.as_str(),
            levels: selection.map_or(0, |s| s.path.len()),
            datagrams: trace.map_or(0, |trace| trace.cost.datagrams),
            connections: trace.map_or(0, |trace| trace.cost.connections),
            unresolved: Problem::unresolved(trace, error),
            error: error.cloned(),
        };
        let candidates = trace.map(|trace| trace.candidates.as_slice());
        let candidates = candidates.unwrap_or_default();
        let row = |candidate: &Candidate| CandidateReport {
            level: candidate.level,
            addr: candidate.addr,
            listed: candidate.listed,
            name: candidate.name.as_ref().map(Name::to_string),
            via: candidate.via.and_then(|at| Some(candidates.get(at)?.addr)),
            turn: candidate.turn,
            rtt_ms: candidate.rtt.map(Ms::from),
            total_ms: candidate.total.map(Ms::from),
            load: candidate.load,
            labels: candidate.labels.clone(),
            sent: candidate.sent,
            state: candidate.state,
            says: candidate.says,
            fault: candidate.fault,
            answered_from: candidate.answered_from,
            unasked: candidate.unasked,
            unlisted: candidate.unlisted,
            allow: candidate.allow,
            parent: candidate.via,
        };
        Self { outcome, candidates: candidates.iter().map(row).collect() }
    }

    /// Level by level.
    pub(crate) fn levels(&self) -> impl Iterator<Item = LevelReport<'_>> {
        let levels = self.candidates.chunk_by(|a, b| a.level == b.level);
        levels.map(|candidates| LevelReport { level: candidates[0].level, candidates })
    }

    /// Who was never asked.
    pub(crate) fn never_asked(&self) -> Vec<(SocketAddr, Unasked)> {
        self.candidates.iter().filter_map(|row| Some((row.addr, row.unasked?))).collect()
    }

    /// Who listed a candidate.
    pub(crate) fn parent(&self, candidate: &CandidateReport) -> Option<&CandidateReport> {
        self.candidates.get(candidate.parent?)
    }
}

impl CandidateReport {
    /// Whether it is a node that its superior does not offer, and nobody asked.
    pub(crate) fn is_unoffered(&self) -> bool {
        use CandidateState::{Draining, Full, Nothing, Silent, TurnDown};
        self.sent == 0 && matches!(self.state, Draining | Full | Nothing | Silent | TurnDown)
    }
}

fn word<S: Serializer>(state: &CandidateState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

pub(super) fn state_or_null<S: Serializer>(
    state: &Option<CandidateState>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    state.map(CandidateState::as_str).serialize(serializer)
}

/// As a part of 1.
pub(super) fn share_or_null<S: Serializer>(
    load: &Option<Load>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    load.map(|load| f64::from(load.percent()) / 100.0).serialize(serializer)
}

fn fault_or_null<S: Serializer>(why: &Option<TurnFault>, serializer: S) -> Result<S::Ok, S::Error> {
    why.map(TurnFault::as_str).serialize(serializer)
}

fn word_or_null<S: Serializer>(why: &Option<Unasked>, serializer: S) -> Result<S::Ok, S::Error> {
    why.map(Unasked::as_str).serialize(serializer)
}
