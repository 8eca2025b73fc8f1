//! What a command reports, as data: JSON says it as it is, text, tables and trees are rendered from
//! it.

mod advice;
mod document;
#[cfg(test)]
pub(crate) mod examples;
mod exit;
mod ms;
mod ping;
mod probe;
mod problem;
mod rtts;
mod status;
#[cfg(test)]
mod tests;
mod trace;
mod trace_count;
mod trace_counter;
mod tree;
mod turn;
mod unresolved;
mod watch;

pub(crate) use advice::Advice;
pub(crate) use document::Document;
pub(crate) use exit::Exit;
pub(crate) use ms::Ms;
pub(crate) use ping::{PingReply, PingReport};
pub(crate) use probe::{HopReport, ProbeReport, RunnerUpReport};
pub(crate) use problem::Problem;
pub(crate) use rtts::Rtts;
pub(crate) use status::{CountReport, NameReport, NodeReport, StatusReport, TroubleReport, span};
pub(crate) use trace::{CandidateReport, OfDescent, TraceReport};
pub(crate) use trace_count::{CandidateCount, TraceCount};
pub(crate) use trace_counter::TraceCounter;
pub(crate) use tree::{TreeNodeReport, TreeReport, TreeSummary};
pub(crate) use turn::{LoginKind, TurnProblem, TurnReply};
pub(crate) use unresolved::{UnresolvedCount, UnresolvedReport};
pub(crate) use watch::{LeftReport, WatchReport};
