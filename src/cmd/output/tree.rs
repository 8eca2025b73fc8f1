//! The tree of a descent, to paste into a page.

use std::fmt::Write as _;

use turn_balance::CandidateState;

use super::label;
use crate::cmd::report::{CandidateReport, TraceReport};

/// For Graphviz.
pub(crate) fn dot(trace: &TraceReport) -> String {
    let mut text = String::from("digraph cascade {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, candidate) in trace.candidates.iter().enumerate() {
        let label = label::dot(&lines(candidate));
        let style = match weight(candidate.state) {
            Weight::Way => ", style=bold",
            Weight::Side => "",
            Weight::Dead => ", style=dashed",
        };
        let _ = writeln!(text, "  n{at} [label=\"{label}\"{style}];");
        if let Some(parent) = candidate.parent {
            let edge = label::dot(&[edge(candidate)]);
            let _ = writeln!(text, "  n{parent} -> n{at} [label=\"{edge}\"{style}];");
        }
    }
    text + "}\n"
}

/// For Mermaid.
pub(crate) fn mermaid(trace: &TraceReport) -> String {
    let mut text = String::from("graph LR\n");
    for (at, candidate) in trace.candidates.iter().enumerate() {
        let label = label::mermaid(&lines(candidate));
        let _ = writeln!(text, "  n{at}[\"{label}\"]");
        if let Some(parent) = candidate.parent {
            let arrow = match weight(candidate.state) {
                Weight::Way => "==>",
                Weight::Side => "-->",
                Weight::Dead => "-.->",
            };
            let edge = label::mermaid_edge(&edge(candidate));
            let _ = writeln!(text, "  n{parent} {arrow}|{edge}| n{at}");
        }
    }
    text
}

/// What an edge looks like.
enum Weight {
    /// The way to the selection.
    Way,
    /// Another one that could be gone.
    Side,
    /// One that leads nowhere.
    Dead,
}

fn weight(state: CandidateState) -> Weight {
    match state {
        CandidateState::Path | CandidateState::Selected => Weight::Way,
        CandidateState::Explored | CandidateState::Lost | CandidateState::Undrawn => Weight::Side,
        _ => Weight::Dead,
    }
}

fn lines(candidate: &CandidateReport) -> Vec<String> {
    let addr = candidate.addr.to_string();
    candidate.name.iter().cloned().chain([addr]).collect()
}

/// The time; the state where that says more.
fn edge(candidate: &CandidateReport) -> String {
    match (weight(candidate.state), candidate.rtt_ms) {
        (Weight::Way | Weight::Side, Some(rtt)) => format!("{rtt} ms"),
        _ => candidate.state.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::report::examples;

    /// A root, one way, one that lost and a silent one.
    fn example() -> TraceReport {
        let mut trace = examples::trace();
        trace.candidates.truncate(5);
        trace.candidates.remove(2);
        trace.candidates[0].name = None;
        trace
    }

    #[test]
    fn for_graphviz() {
        let expected = r#"digraph cascade {
  rankdir=LR;
  node [shape=box];
  n0 [label="198.51.100.7:3001", style=bold];
  n1 [label="fra\n203.0.113.10:3001", style=bold];
  n0 -> n1 [label="11.84 ms", style=bold];
  n2 [label="nyc\n203.0.113.30:3001"];
  n0 -> n2 [label="88.07 ms"];
  n3 [label="sgp\n203.0.113.40:3001", style=dashed];
  n0 -> n3 [label="silent", style=dashed];
}
"#;
        assert_eq!(dot(&example()), expected);
    }

    #[test]
    fn for_mermaid() {
        let expected = r#"graph LR
  n0["198.51.100.7:3001"]
  n1["fra<br/>203.0.113.10:3001"]
  n0 ==>|11.84 ms| n1
  n2["nyc<br/>203.0.113.30:3001"]
  n0 -->|88.07 ms| n2
  n3["sgp<br/>203.0.113.40:3001"]
  n0 -.->|silent| n3
"#;
        assert_eq!(mermaid(&example()), expected);
    }
}
