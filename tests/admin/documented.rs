//! Every metric and endpoint stands in docs/operations.md, and what stands there exists.

use std::collections::BTreeSet;

use turn_balance_lab::http::{EventReader, ask, get};

use crate::world::{World, admin};

const PAGE: &str = include_str!("../../docs/operations.md");
const ROUTES: &str = include_str!("../../src/net/http/admin/routes.rs");
const KEYS: &str = include_str!("../../examples/configs/full.toml");

/// What stands in the first column of the tables of a section.
pub(crate) fn first_column(section: &str) -> BTreeSet<String> {
    let part = PAGE.split("\n## ").find(|part| part.starts_with(section));
    let part = part.unwrap_or_else(|| panic!("no section {section}"));
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

/// The families of metrics in these texts, by the names that their samples have.
fn families(bodies: &[String]) -> BTreeSet<String> {
    let types = bodies.iter().flat_map(|body| body.lines());
    let types = types.filter_map(|line| line.strip_prefix("# TYPE "));
    let name = |line: &str| {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        format!("{name}{suffix}")
    };
    types.map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_described_and_there() {
    let world = World::new(admin()).await;
    world.until_online();
    let target = format!("/probe?target={}", world.net.server(1));
    let bodies = [get(world.addr(), "/metrics").body, get(world.addr(), &target).body];
    assert_eq!(families(&bodies), first_column("Metrics"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_described_and_there() {
    let world = World::new(admin()).await;
    let described = first_column("The admin interface");
    let routes = ROUTES.split(".route(\"").skip(1).map(|route| route.split('"').next().unwrap());
    let routes: BTreeSet<_> = routes.map(str::to_owned).collect();
    let paths = described.iter().map(|row| row.split(' ').nth(1).unwrap_or(row).to_owned());
    assert_eq!(paths.collect::<BTreeSet<_>>(), routes);
    for row in described {
        let (method, path) = row.split_once(' ').unwrap_or(("GET", &row));
        // That one goes on until its reader does not.
        if path == "/api/v1/events" {
            assert!(EventReader::open(world.addr(), path, &[]).next_event().is_some());
            continue;
        }
        let path = path.replace("{part}", "page.js");
        let status = ask(world.addr(), method, &path, &[]).status;
        assert!(![404, 405].contains(&status), "{row}: {status}");
    }
}

#[test]
fn every_key_is_described() {
    let section = KEYS.split("\n[admin]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let keys = section.lines().filter_map(|line| {
        let (key, _) = line.trim_start_matches("# ").split_once(" = ")?;
        key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then_some(key)
    });
    let keys: BTreeSet<_> = keys.collect();
    assert_eq!(keys, BTreeSet::from(["allow", "bind", "token-file"]));
    let readme = include_str!("../../README.md");
    for key in keys {
        assert!(readme.contains(&format!("`admin.{key}`")), "README.md has no `admin.{key}`");
        assert!(PAGE.contains(&format!("`{key}`")), "docs/operations.md has no `{key}`");
    }
}

/// What follows this word in lines of a text.
fn named<'a>(text: &'a str, word: &str) -> BTreeSet<&'a str> {
    let behind = |line: &'a str| line.split_once(word)?.1.split([',', ' ']).next();
    text.lines().filter_map(behind).collect()
}

#[test]
fn every_alert_is_described_and_tried() {
    let rules = include_str!("../../packaging/prometheus/turn-balance.rules.yml");
    let tried = include_str!("../../packaging/prometheus/turn-balance.test.yml");
    let alerts = named(rules, "- alert: ");
    assert_eq!(named(tried, "alertname: "), alerts);
    let alerts: BTreeSet<_> = alerts.into_iter().map(str::to_owned).collect();
    assert_eq!(first_column("Alerts"), alerts);
}
