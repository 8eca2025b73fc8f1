//! Prometheus itself (Debian's package): it scrapes the metrics, its linter has nothing against them or the rules, and
//! these fire.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use turn_balance_lab::built;
use turn_balance_lab::http::{ask, exchange};
use turn_balance_lab::loopback::{Net, answer_bindings, skipped};
use turn_balance_lab::patience::{until, until_some};
use turn_balance_lab::served::Served;

use crate::world::{World, admin};

/// Whether the programs are there. Without them a test is skipped loudly.
pub(crate) fn is_there() -> bool {
    let run = |name: &str| Command::new(name).arg("--version").output();
    let missing = ["prometheus", "promtool"].into_iter().find(|name| run(name).is_err());
    if let Some(name) = missing {
        let required = std::env::var_os("TB_REQUIRE_PROMETHEUS").is_some();
        assert!(!required, "no `{name}`: apt-get install prometheus");
        skipped(&format!("no `{name}`"));
    }
    missing.is_none()
}

/// What is released for Prometheus.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus")
}

const RULES: &str = "turn-balance.rules.yml";

#[tokio::test(flavor = "multi_thread")]
async fn promtool_has_nothing_against_the_metrics() {
    if !is_there() {
        return;
    }
    let world = World::new(admin()).await;
    world.until_online();
    let probe = format!("/probe?target={}", world.net.server(1));
    for path in ["/metrics", &probe] {
        let metrics = ask(world.addr(), "GET", path, &["Accept: text/plain"]).body;
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut lint = promtool.spawn().unwrap();
        lint.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
        let mut said = String::new();
        lint.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(lint.wait().unwrap().success(), "{said}");
    }
}

#[test]
fn promtool_has_nothing_against_the_rules() {
    if !is_there() {
        return;
    }
    for (what, file) in [("check", RULES), ("test", "turn-balance.test.yml")] {
        let mut promtool = Command::new("promtool");
        promtool.current_dir(folder()).args([what, "rules", file]);
        let output = promtool.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn prometheus_scrapes_what_is_counted_and_an_alert_fires_when_a_leaf_is_killed() {
    if !is_there() {
        return;
    }
    let net = Net::new();
    let [root, leaf] = [net.server(1), net.server(2)];
    let admin = SocketAddr::new(net.ip(1), 9301);
    answer_bindings(net.turn(2));
    let turn = format!("net.name = 'fra'\nturn.bind = '{}'\n", net.turn(2));
    let killed = Served::start(built!(), leaf, "warn", &turn);
    let nodes = format!("cluster.nodes = ['{leaf}']\nadmin.bind = '{admin}'\n");
    let _root = Served::start(built!(), root, "warn", &nodes);
    let prometheus = Prometheus::start(admin);
    for query in
        ["up%3D%3D1", "tb_nodes%7Bstate%3D%22online%22%7D%3D%3D1", "tb_check_rtt_seconds_bucket"]
    {
        let query = format!("/api/v1/query?query={query}");
        until(&query, || prometheus.rows(&query, "result").is_some_and(|rows| !rows.is_empty()));
    }
    let alert = || {
        let alerts = prometheus.rows("/api/v1/alerts", "alerts")?;
        alerts.into_iter().find(|alert| alert["labels"]["alertname"] == "TbNodeNotOnline")
    };
    // There was one until the leaf was checked.
    until("no alert", || alert().is_none());
    drop(killed);
    let fired = until_some("the alert", || alert().filter(|alert| alert["state"] == "firing"));
    let summary = format!("node {leaf} fra of {admin} is offline");
    assert_eq!(fired["annotations"]["summary"], summary, "{fired}");
}

/// The rules as they are released, for a Prometheus that does not wait.
fn hasty_rules() -> String {
    let rules = fs::read_to_string(folder().join(RULES)).unwrap();
    let line = |line: &str| match line.split_once("for: ") {
        Some((before, _)) => format!("{before}for: 1s\n"),
        None => format!("{line}\n"),
    };
    rules.lines().map(line).collect()
}

/// One that scrapes an address every second, until this is dropped.
struct Prometheus {
    process: Child,
    addr: SocketAddr,
    data: PathBuf,
}

impl Prometheus {
    fn start(scraped: SocketAddr) -> Self {
        let [file, rules, data] = ["yml", "rules.yml", "data"].map(|kind| built!().file(kind));
        fs::write(&rules, hasty_rules()).unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\n\
             scrape_configs:\n- job_name: tb\n  static_configs: [{{ targets: ['{scraped}'] }}]\n",
            rules.display()
        );
        fs::write(&file, config).unwrap();
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address={addr}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self { process: command.spawn().unwrap(), addr, data }
    }

    /// What it answers with; `None`: it does not.
    fn rows(&self, path: &str, rows: &str) -> Option<Vec<Value>> {
        let stream = TcpStream::connect(self.addr).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr);
        let answer = exchange(stream, request.as_bytes())?;
        let answer: Value = serde_json::from_str(&answer.body).ok()?;
        Some(answer["data"][rows].as_array()?.clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
