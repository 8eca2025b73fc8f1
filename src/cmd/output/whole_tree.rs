//! All of a cascade, to paste into a page.

use std::fmt::Write as _;

use super::label;
use crate::cmd::report::{TreeNodeReport, TreeReport};

/// For Graphviz.
pub(crate) fn dot(tree: &TreeReport) -> String {
    let mut text = String::from("digraph cascade {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, node) in tree.nodes.iter().enumerate() {
        let label = label::dot(&lines(node));
        let style = if node.problems.is_empty() { "" } else { ", color=red" };
        let _ = writeln!(text, "  n{at} [label=\"{label}\"{style}];");
        if let Some(parent) = node.parent {
            let edge = label::dot(&[edge(node)]);
            let _ = writeln!(text, "  n{parent} -> n{at} [label=\"{edge}\"{style}];");
        }
    }
    text + "}\n"
}

/// For Mermaid.
pub(crate) fn mermaid(tree: &TreeReport) -> String {
    let mut text = String::from("graph LR\n");
    for (at, node) in tree.nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{at}[\"{}\"]", label::mermaid(&lines(node)));
        if let Some(parent) = node.parent {
            let arrow = if node.problems.is_empty() { "-->" } else { "-.->" };
            let edge = label::mermaid_edge(&edge(node));
            let _ = writeln!(text, "  n{parent} {arrow}|{edge}| n{at}");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::report::examples;

    #[test]
    fn for_graphviz() {
        let expected = r#"digraph cascade {
  rankdir=LR;
  node [shape=box];
  n0 [label="root\n198.51.100.7:3001"];
  n1 [label="a\"b\n203.0.113.10:3001\nroot says: <off>|\"é\" for 2 h: it \\nis \"[gone]\"", color=red];
  n0 -> n1 [label="<off>|\"é\"", color=red];
}
"#;
        assert_eq!(dot(&examples::tree()), expected);
    }

    #[test]
    fn for_mermaid() {
        let expected = r#"graph LR
  n0["root<br/>198.51.100.7:3001"]
  n1["a#34;b<br/>203.0.113.10:3001<br/>root says: #60;off>|#34;é#34; for 2 h: it #92;nis #34;[gone]#34;"]
  n0 -.->|#60;off#62;#124;#34;é#34;| n1
"#;
        assert_eq!(mermaid(&examples::tree()), expected);
    }
}
