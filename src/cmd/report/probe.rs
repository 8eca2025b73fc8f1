use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use turn_balance::{
    Candidate, CandidateState, Cost, Hop, Labels, Load, Name, RunnerUp, Strategy, Trace, TurnUrl,
    Unasked, Why,
};

use super::ms::Ms;
use super::problem::Problem;
use super::trace::{share_or_null, state_or_null};
use super::unresolved::UnresolvedReport;

/// What `tb probe` has found.
#[derive(Debug, Serialize)]
pub(crate) struct ProbeReport {
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) verified: Option<bool>,
    /// Among how many it was drawn.
    pub(crate) drawn: Option<u32>,
    #[serde(serialize_with = "share_or_null")]
    pub(crate) load: Option<Load>,
    pub(crate) labels: Labels,
    pub(crate) transport: Option<&'static str>,
    /// How the TURN server is reached, as `--format ice` has it.
    pub(crate) urls: Option<Vec<String>>,
    pub(crate) elapsed_ms: Option<Ms>,
    pub(crate) strategy: &'static str,
    pub(crate) path: Vec<HopReport>,
    pub(crate) runners_up: Vec<RunnerUpReport>,
    pub(crate) candidates: u32,
    pub(crate) silent: u32,
    pub(crate) unasked: u32,
    pub(crate) unlisted: u32,
    pub(crate) ruled_out: u32,
    pub(crate) datagrams: u32,
    pub(crate) connections: u32,
    /// The roots that could not be asked.
    pub(crate) unresolved: Vec<UnresolvedReport>,
    pub(crate) error: Option<Problem>,
    #[serde(skip)]
    pub(crate) cost: Cost,
    /// Who was never asked.
    #[serde(skip)]
    pub(crate) never_asked: Vec<(SocketAddr, Unasked)>,
    /// How many nodes of whom no answer has listed.
    #[serde(skip)]
    pub(crate) never_listed: Vec<(String, u32)>,
}

/// A balance server on the way down.
#[derive(Debug, Serialize)]
pub(crate) struct HopReport {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    #[serde(serialize_with = "state_or_null")]
    pub(crate) says: Option<CandidateState>,
}

/// A TURN server that was not chosen.
#[derive(Debug, Serialize)]
pub(crate) struct RunnerUpReport {
    pub(crate) turn: SocketAddr,
    pub(crate) listed: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Ms,
    pub(crate) verified: bool,
    #[serde(serialize_with = "share_or_null")]
    pub(crate) load: Option<Load>,
    pub(crate) labels: Labels,
    pub(crate) urls: Option<Vec<String>>,
    #[serde(serialize_with = "word")]
    pub(crate) why: Why,
}

impl ProbeReport {
    pub(crate) const SCHEMA: &str = "tb.probe/1";

    /// `trace`: what was seen; `None`: nothing could be asked.
    pub(crate) fn new(trace: Option<&Trace>, error: Option<&Problem>, strategy: Strategy) -> Self {
        let selection = trace.and_then(|trace| trace.outcome.as_ref().ok());
        let cost = trace.map(|trace| trace.cost).unwrap_or_default();
        Self {
            turn: selection.map(|s| s.turn),
            listed: selection.and_then(|s| s.listed),
            name: selection.and_then(|s| s.name.as_ref().map(Name::to_string)),
            rtt_ms: selection.map(|s| s.rtt.into()),
            verified: selection.map(|s| s.verified),
            drawn: selection.and_then(|s| s.drawn),
            load: selection.and_then(|s| s.load),
            labels: selection.map(|s| s.labels.clone()).unwrap_or_default(),
            transport: trace.map(|trace| trace.transport.as_str()),
            urls: selection.and_then(|s| texts(&s.urls)),
            elapsed_ms: trace.map(|trace| trace.elapsed.into()),
            strategy: strategy.as_str(),
            path: selection
                .map(|s| s.path.iter().map(HopReport::from).collect())
                .unwrap_or_default(),
            runners_up: selection
                .map(|s| s.runners_up.iter().map(RunnerUpReport::from).collect())
                .unwrap_or_default(),
            candidates: cost.candidates,
            silent: cost.silent,
            unasked: cost.unasked,
            unlisted: cost.unlisted,
            ruled_out: cost.ruled_out,
            datagrams: cost.datagrams,
            connections: cost.connections,
            unresolved: Problem::unresolved(trace, error),
            error: error.cloned(),
            cost,
            never_asked: trace.map(never_asked).unwrap_or_default(),
            never_listed: trace.map(never_listed).unwrap_or_default(),
        }
    }
}

impl From<&Hop> for HopReport {
    fn from(hop: &Hop) -> Self {
        Self {
            level: hop.level,
            addr: hop.addr,
            listed: hop.listed,
            name: hop.name.as_ref().map(Name::to_string),
            rtt_ms: hop.rtt.map(Ms::from),
            says: hop.says,
        }
    }
}

impl From<&RunnerUp> for RunnerUpReport {
    fn from(runner: &RunnerUp) -> Self {
        Self {
            turn: runner.turn,
            listed: runner.listed,
            name: runner.name.as_ref().map(Name::to_string),
            rtt_ms: runner.rtt.into(),
            verified: runner.verified,
            load: runner.load,
            labels: runner.labels.clone(),
            urls: texts(&runner.urls),
            why: runner.why,
        }
    }
}

fn never_asked(trace: &Trace) -> Vec<(SocketAddr, Unasked)> {
    trace.candidates.iter().filter_map(|row| Some((row.addr, row.unasked?))).collect()
}

fn never_listed(trace: &Trace) -> Vec<(String, u32)> {
    let short = trace.candidates.iter().filter(|row| row.unlisted > 0);
    let who = |row: &Candidate| match &row.name {
        Some(name) => format!("{name} ({})", row.addr),
        None => row.addr.to_string(),
    };
    short.map(|row| (who(row), row.unlisted)).collect()
}

/// Whoever was asked has one at least.
fn texts(urls: &[TurnUrl]) -> Option<Vec<String>> {
    (!urls.is_empty()).then(|| urls.iter().map(TurnUrl::to_string).collect())
}

fn word<S: Serializer>(why: &Why, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(why.as_str())
}
