//! All of a cascade, to paste into a page.

use std::fmt::Write as _;

use crate::cmd::report::{TreeNodeReport, TreeReport};

/// For Graphviz.
pub(crate) fn dot(tree: &TreeReport) -> String {
    let mut text = String::from("digraph cascade {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, node) in tree.nodes.iter().enumerate() {
        let label = lines(node).join("\\n");
        let style = if node.problems.is_empty() { "" } else { ", color=red" };
        let _ = writeln!(text, "  n{at} [label=\"{label}\"{style}];");
        if let Some(parent) = node.parent {
            let _ = writeln!(text, "  n{parent} -> n{at} [label=\"{}\"{style}];", edge(node));
        }
    }
    text + "}\n"
}

/// For Mermaid.
pub(crate) fn mermaid(tree: &TreeReport) -> String {
    let mut text = String::from("graph LR\n");
    for (at, node) in tree.nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{at}[\"{}\"]", lines(node).join("<br/>"));
        if let Some(parent) = node.parent {
            let arrow = if node.problems.is_empty() { "-->" } else { "-.->" };
            let _ = writeln!(text, "  n{parent} {arrow}|{}| n{at}", edge(node));
        }
    }
    text
}

fn lines(node: &TreeNodeReport) -> Vec<String> {
    let problems = node.problems.iter().map(|problem| problem.message.clone());
    node.name.iter().cloned().chain([node.addr.to_string()]).chain(problems).collect()
}

/// The time; the state where that says more.
fn edge(node: &TreeNodeReport) -> String {
    match node.rtt_ms {
        Some(rtt) if node.state == "offering" => format!("{rtt} ms"),
        _ => node.state.clone(),
    }
}
