//! The dashboard for Grafana: Prometheus reads each of its queries, which are about metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use turn_balance_lab::built;

use crate::documented::first_column;
use crate::prometheus::is_there;

const DASHBOARD: &str = include_str!("../../packaging/grafana/turn-balance.json");

/// Each query of the dashboard, with the panel that it is of.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap();
        targets.iter().map(|target| (text(&panel["title"]), text(&target["expr"])))
    });
    queries.collect()
}

#[test]
fn it_asks_for_metrics_that_there_are() {
    let known = first_column("Metrics");
    for (panel, query) in queries() {
        let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let metrics: BTreeSet<_> = words.filter(|word| word.starts_with("tb_")).collect();
        let of_histogram = |name: &str| known.contains(name.trim_end_matches("_bucket"));
        let unknown = metrics.into_iter().find(|name| !of_histogram(name));
        assert_eq!(unknown, None, "{panel}");
    }
}

#[test]
fn prometheus_reads_its_queries() {
    if !is_there() {
        return;
    }
    let rules = queries().into_iter().enumerate().map(|(i, (_, query))| {
        // What Grafana puts in their places.
        let query = query.replace("$__rate_interval", "5m");
        format!("      - {{ record: 'a{i}', expr: '{query}' }}\n")
    });
    let rules = format!("groups:\n  - name: all\n    rules:\n{}", rules.collect::<String>());
    let file = built!().file("dashboard.rules.yml");
    fs::write(&file, rules).unwrap();
    let output = Command::new("promtool").args(["check", "rules"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
