use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use turn_balance::CandidateState;

use super::probe::text;
use super::{Ms, Problem};
use crate::cmd::args::{Strategy, View};
use crate::cmd::client::Attempt;

/// What `tb trace` has seen.
#[derive(Debug, Serialize)]
pub(crate) struct Trace {
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    pub(crate) candidates: Vec<Candidate>,
}

/// What a descent came to.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) elapsed_ms: Option<Ms>,
    pub(crate) strategy: Strategy,
    pub(crate) view: View,
    pub(crate) levels: usize,
    pub(crate) datagrams: u32,
    pub(crate) error: Option<Problem>,
}

/// A candidate, and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Candidate {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) via: Option<SocketAddr>,
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) total_ms: Option<Ms>,
    pub(crate) sent: u32,
    #[serde(serialize_with = "word")]
    pub(crate) state: CandidateState,
    /// Where in the list the one is that named it.
    #[serde(skip)]
    pub(crate) parent: Option<usize>,
}

/// The candidates of one step of the cascade.
#[derive(Debug, Serialize)]
pub(crate) struct Level<'a> {
    pub(crate) level: u8,
    pub(crate) candidates: &'a [Candidate],
}

/// What repeated descents have seen.
#[derive(Debug, Serialize)]
pub(crate) struct CountReport {
    pub(crate) descents: u64,
    pub(crate) found: u64,
    pub(crate) candidates: Vec<Count>,
    pub(crate) error: Option<Problem>,
}

/// A candidate of repeated descents.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
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

impl CountReport {
    pub(crate) const SCHEMA: &str = "tb.trace-count/1";
}

impl Trace {
    pub(crate) const SCHEMA: &str = "tb.trace/1";

    pub(crate) fn new(attempt: &Attempt, strategy: Strategy, view: View) -> Self {
        let trace = attempt.trace.as_ref();
        let selection = trace.and_then(|trace| trace.outcome.as_ref().ok());
        let outcome = Outcome {
            turn: selection.map(|s| s.turn),
            name: selection.and_then(|s| text(s.name.as_ref())),
            rtt_ms: selection.map(|s| s.rtt.into()),
            elapsed_ms: trace.map(|trace| trace.elapsed.into()),
            strategy,
            view,
            levels: selection.map_or(0, |s| s.path.len()),
            datagrams: trace.map_or(0, |trace| trace.cost.datagrams),
            error: attempt.report.as_ref().map(Problem::from),
        };
        let candidates = trace.map(|trace| trace.candidates.as_slice());
        let candidates = candidates.unwrap_or_default();
        let row = |candidate: &turn_balance::Candidate| Candidate {
            level: candidate.level,
            addr: candidate.addr,
            name: text(candidate.name.as_ref()),
            via: candidate.via.and_then(|at| Some(candidates.get(at)?.addr)),
            turn: candidate.turn,
            rtt_ms: candidate.rtt.map(Ms::from),
            total_ms: candidate.total.map(Ms::from),
            sent: candidate.sent,
            state: candidate.state,
            parent: candidate.via,
        };
        Self { outcome, candidates: candidates.iter().map(row).collect() }
    }

    /// Level by level.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Level<'_>> {
        let levels = self.candidates.chunk_by(|a, b| a.level == b.level);
        levels.map(|candidates| Level { level: candidates[0].level, candidates })
    }

    /// Who listed a candidate.
    pub(crate) fn parent(&self, candidate: &Candidate) -> Option<&Candidate> {
        self.candidates.get(candidate.parent?)
    }
}

fn word<S: Serializer>(state: &CandidateState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::{Document, examples, line};
    use super::*;

    #[test]
    fn a_whole_trace() {
        let mut trace = examples::trace();
        trace.candidates = trace.candidates.drain(3..5).collect();
        let expected = concat!(
            r#"{"schema":"tb.trace/1","turn":"203.0.113.52:3478","name":"fra-b","rtt_ms":11.97,"#,
            r#""elapsed_ms":43.68,"strategy":"best","view":"subordinates","levels":3,"#,
            r#""datagrams":30,"error":null,"candidates":[{"level":1,"addr":"203.0.113.30:3001","#,
            r#""name":"nyc","via":"198.51.100.7:3001","turn":null,"rtt_ms":88.07,"#,
            r#""total_ms":null,"sent":3,"state":"lost"},{"level":1,"addr":"203.0.113.40:3001","#,
            r#""name":"sgp","via":"198.51.100.7:3001","turn":null,"rtt_ms":null,"#,
            r#""total_ms":null,"sent":3,"state":"silent"}]}"#,
        );
        let document = Document::whole(Trace::SCHEMA, trace);
        assert_eq!(line(&document).unwrap(), expected);
    }

    #[test]
    fn a_level_a_line() {
        let trace = examples::trace();
        let counts: Vec<(u8, usize)> =
            trace.levels().map(|level| (level.level, level.candidates.len())).collect();
        assert_eq!(counts, [(0, 1), (1, 4), (2, 3), (3, 1)]);
        let last = trace.levels().last();
        let expected = concat!(
            r#"{"schema":"tb.trace/1","kind":"level","level":3,"candidates":[{"level":3,"#,
            r#""addr":"203.0.113.52:3478","name":null,"via":"203.0.113.52:3001","turn":null,"#,
            r#""rtt_ms":11.97,"total_ms":43.68,"sent":3,"state":"selected"}]}"#,
        );
        let document = Document::part(Trace::SCHEMA, "level", last.unwrap());
        assert_eq!(line(&document).unwrap(), expected);
    }
}
