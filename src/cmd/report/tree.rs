//! All of a cascade, as `tb trace --all` has seen it, and what is wrong with it.

use std::net::SocketAddr;

use serde::Serialize;
use turn_balance::{Name, ServerKind, TreeFault, TreeNode, WholeTree, escaped};

use super::ms::Ms;
use super::problem::Problem;
use super::status::{NodeReport, StatusReport, span};

#[derive(Debug, Serialize)]
pub(crate) struct TreeReport {
    #[serde(flatten)]
    pub(crate) summary: TreeSummary,
    pub(crate) nodes: Vec<TreeNodeReport>,
}

/// All of it in numbers.
#[derive(Debug, Serialize)]
pub(crate) struct TreeSummary {
    pub(crate) found: usize,
    pub(crate) levels: usize,
    /// How many of the nodes have a problem.
    pub(crate) wrong: usize,
    /// Why it is not all.
    pub(crate) stopped: Option<String>,
    pub(crate) datagrams: u32,
    pub(crate) elapsed_ms: Ms,
}

/// A server of it.
#[derive(Debug, Serialize)]
pub(crate) struct TreeNodeReport {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) via: Option<SocketAddr>,
    pub(crate) turn: Option<SocketAddr>,
    pub(crate) rtt_ms: Option<Ms>,
    pub(crate) state: String,
    pub(crate) problems: Vec<NodeProblem>,
    /// Where in the list the one is that named it.
    #[serde(skip)]
    pub(crate) parent: Option<usize>,
}

/// Something that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NodeProblem {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// Whose word it is.
    #[serde(skip)]
    by: Option<usize>,
}

/// In place of a document that there is not.
#[derive(Debug, Serialize)]
pub(crate) struct FailedTree<'a> {
    error: &'a Problem,
}

impl TreeReport {
    pub(crate) const SCHEMA: &'static str = "tb.tree/1";

    pub(crate) fn new(tree: &WholeTree) -> Self {
        let named = |at: usize| tree.nodes.get(at).map_or_else(|| "-".to_owned(), called);
        let row = |node: &TreeNode| TreeNodeReport {
            level: node.level,
            addr: node.addr,
            name: node.name.as_ref().map(Name::to_string),
            kind: node.kind.as_str(),
            via: node.via.and_then(|at| Some(tree.nodes.get(at)?.addr)),
            turn: node.turn,
            rtt_ms: node.rtt.map(Ms::from),
            state: node.state.as_str().to_owned(),
            problems: node
                .faults
                .iter()
                .map(|fault| NodeProblem::new(fault, node.kind, &named))
                .collect(),
            parent: node.via,
        };
        let summary = TreeSummary {
            found: 0,
            levels: 0,
            wrong: 0,
            stopped: tree.stopped.as_ref().map(ToString::to_string),
            datagrams: tree.datagrams,
            elapsed_ms: tree.elapsed.into(),
        };
        let mut report = Self { summary, nodes: tree.nodes.iter().map(row).collect() };
        report.count();
        report
    }

    pub(crate) fn failed(error: &Problem) -> FailedTree<'_> {
        FailedTree { error }
    }

    /// Whether all was seen, and nothing is wrong.
    pub(crate) fn is_sound(&self) -> bool {
        self.summary.wrong == 0 && self.summary.stopped.is_none()
    }

    /// Level by level.
    pub(crate) fn rows(&self) -> Vec<&TreeNodeReport> {
        let mut rows: Vec<_> = self.nodes.iter().collect();
        rows.sort_by_key(|node| node.level);
        rows
    }

    /// What a server's admin interface says of its nodes: of who has its name, else of the first root.
    pub(crate) fn add_status(&mut self, status: &StatusReport) {
        let by = status
            .name
            .as_ref()
            .and_then(|name| self.nodes.iter().position(|node| node.name.as_ref() == Some(name)));
        let by = by.unwrap_or(0);
        if self.nodes.is_empty() {
            return;
        }
        for node in status.nodes.iter().filter(|node| node.state != "online") {
            let Ok(addr) = node.public.parse() else { continue };
            let at = self.nodes.iter().position(|row| row.addr == addr);
            let at = at.unwrap_or_else(|| self.add(by, addr, node));
            let problem = NodeProblem::told(by, &self.nodes[by].called(), node);
            let row = &mut self.nodes[at];
            if row.rtt_ms.is_none() {
                row.state = escaped(&node.state);
            }
            row.problems.retain(|problem| problem.by != Some(by));
            if !matches!(node.state.as_str(), "full" | "draining") {
                row.problems.push(problem);
            }
        }
        self.count();
    }

    fn add(&mut self, by: usize, addr: SocketAddr, node: &NodeReport) -> usize {
        let kind = ["leaf", "turn"].into_iter().find(|kind| *kind == node.kind);
        self.nodes.push(TreeNodeReport {
            level: self.nodes[by].level.saturating_add(1),
            addr,
            name: node.name.as_deref().map(escaped),
            kind: kind.unwrap_or("balance"),
            via: Some(self.nodes[by].addr),
            turn: None,
            rtt_ms: None,
            state: escaped(&node.state),
            problems: Vec::new(),
            parent: Some(by),
        });
        self.nodes.len() - 1
    }

    fn count(&mut self) {
        let levels = self.nodes.iter().map(|node| usize::from(node.level) + 1).max();
        self.summary.found = self.nodes.len();
        self.summary.levels = levels.unwrap_or(0);
        self.summary.wrong = self.nodes.iter().filter(|node| !node.problems.is_empty()).count();
    }
}

impl TreeNodeReport {
    /// Its name, or its address.
    pub(crate) fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.addr.to_string())
    }

    /// All that is wrong with it; `None`: nothing.
    pub(crate) fn problem(&self) -> Option<String> {
        let all: Vec<_> = self.problems.iter().map(|problem| problem.message.as_str()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl NodeProblem {
    fn new(fault: &TreeFault, of: ServerKind, named: &impl Fn(usize) -> String) -> Self {
        let by = match fault {
            TreeFault::Unoffered(by, ..) => Some(*by),
            _ => None,
        };
        Self { kind: fault.as_str(), message: fault.text(of, named), by }
    }

    fn told(by: usize, called: &str, node: &NodeReport) -> Self {
        let NodeReport { state, since_s, why, .. } = node;
        let since = span(*since_s, " ");
        let why = why.as_ref().map_or_else(String::new, |why| format!(": it {}", escaped(why)));
        let state = if state == "nothing" { "offers nothing".into() } else { escaped(state) };
        let message = format!("{called} says: {state} for {since}{why}");
        Self { kind: "not-offered", message, by: Some(by) }
    }
}

fn called(node: &TreeNode) -> String {
    node.name.as_ref().map_or_else(|| node.addr.to_string(), Name::to_string)
}
