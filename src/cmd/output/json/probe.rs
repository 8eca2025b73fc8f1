use std::net::SocketAddr;

use serde::Serialize;
use turn_balance::{Cost, Hop, Name, RunnerUp, Trace, Why};

use super::{Ms, Problem};
use crate::cmd::args::Strategy;
use crate::cmd::client::Attempt;

/// What `tb probe` has found.
#[derive(Debug, Serialize)]
pub(crate) struct Probe {
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) elapsed_ms: Option<Ms>,
    pub(crate) strategy: Strategy,
    pub(crate) path: Vec<Step>,
    pub(crate) runners_up: Vec<Runner>,
    pub(crate) datagrams: u32,
    pub(crate) error: Option<Problem>,
    #[serde(skip)]
    pub(crate) cost: Cost,
}

/// A balance server on the way down.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Option<Ms>,
}

/// A TURN server that was not chosen.
#[derive(Debug, Serialize)]
pub(crate) struct Runner {
    pub(crate) turn: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) rtt_ms: Ms,
    #[serde(skip)]
    pub(crate) why: Why,
}

impl Probe {
    pub(crate) const SCHEMA: &str = "tb.probe/1";

    pub(crate) fn new(attempt: &Attempt, strategy: Strategy) -> Self {
        let trace = attempt.trace.as_ref();
        let selection = trace.and_then(|trace: &Trace| trace.outcome.as_ref().ok());
        let cost = trace.map(|trace| trace.cost).unwrap_or_default();
        Self {
            turn: selection.map(|s| s.turn),
            name: selection.and_then(|s| text(s.name.as_ref())),
            rtt_ms: selection.map(|s| s.rtt.into()),
            elapsed_ms: trace.map(|trace| trace.elapsed.into()),
            strategy,
            path: selection.map(|s| s.path.iter().map(Step::from).collect()).unwrap_or_default(),
            runners_up: selection
                .map(|s| s.runners_up.iter().map(Runner::from).collect())
                .unwrap_or_default(),
            datagrams: cost.datagrams,
            error: attempt.report.as_ref().map(Problem::from),
            cost,
        }
    }
}

impl From<&Hop> for Step {
    fn from(hop: &Hop) -> Self {
        Self {
            level: hop.level,
            addr: hop.addr,
            name: text(hop.name.as_ref()),
            rtt_ms: hop.rtt.map(Ms::from),
        }
    }
}

impl From<&RunnerUp> for Runner {
    fn from(runner: &RunnerUp) -> Self {
        Self {
            turn: runner.turn,
            name: text(runner.name.as_ref()),
            rtt_ms: runner.rtt.into(),
            why: runner.why,
        }
    }
}

pub(super) fn text(name: Option<&Name>) -> Option<String> {
    name.map(Name::to_string)
}

#[cfg(test)]
mod tests {
    use super::super::{Document, examples, line};
    use super::*;

    fn json(probe: Probe) -> String {
        line(&Document::whole(Probe::SCHEMA, probe)).unwrap()
    }

    #[test]
    fn an_answer() {
        let expected = concat!(
            r#"{"schema":"tb.probe/1","turn":"203.0.113.52:3478","name":"fra-b","rtt_ms":11.97,"#,
            r#""elapsed_ms":38.2,"strategy":"best","path":[{"level":0,"addr":"198.51.100.7:3001","#,
            r#""name":"root","rtt_ms":7.81},{"level":1,"addr":"203.0.113.52:3001","name":"fra-b","#,
            r#""rtt_ms":12.06}],"runners_up":[{"turn":"203.0.113.61:3478","name":"ams-a","#,
            r#""rtt_ms":14.2}],"datagrams":96,"error":null}"#,
        );
        assert_eq!(json(examples::probe()), expected);
    }

    #[test]
    fn no_answer_is_null_and_never_0() {
        let report = super::super::super::Report::usage("nobody");
        let attempt = Attempt { trace: None, report: Some(report) };
        let expected = concat!(
            r#"{"schema":"tb.probe/1","turn":null,"name":null,"rtt_ms":null,"elapsed_ms":null,"#,
            r#""strategy":"first","path":[],"runners_up":[],"datagrams":0,"#,
            r#""error":{"kind":"usage","message":"nobody"}}"#,
        );
        assert_eq!(json(Probe::new(&attempt, Strategy::First)), expected);
    }
}
