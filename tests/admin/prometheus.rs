//! Prometheus itself (Debian's package): it scrapes the metrics, and its linter has nothing against them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use turn_balance_lab::built;
use turn_balance_lab::loopback::skipped;

use crate::http::{ask, exchange};
use crate::world::{World, admin, until};

/// Whether the programs are there. Without them a test is skipped loudly.
fn is_there() -> bool {
    let run = |name: &str| Command::new(name).arg("--version").output();
    let missing = ["prometheus", "promtool"].into_iter().find(|name| run(name).is_err());
    if let Some(name) = missing {
        let required = std::env::var_os("TB_REQUIRE_PROMETHEUS").is_some();
        assert!(!required, "no `{name}`: apt-get install prometheus");
        skipped(&format!("no `{name}`"));
    }
    missing.is_none()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_what_is_counted() {
    if !is_there() {
        return;
    }
    let world = World::new(admin()).await;
    world.until_online();
    let (file, data) = (built!().file("yml"), built!().file("data"));
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: tb\n  static_configs: \
         [{{ targets: ['{}'] }}]\n",
        world.addr()
    );
    fs::write(&file, config).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut prometheus = Command::new("prometheus");
    prometheus.arg(format!("--config.file={}", file.display()));
    prometheus.arg(format!("--storage.tsdb.path={}", data.display()));
    prometheus.arg(format!("--web.listen-address={free}"));
    prometheus.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(prometheus.spawn().unwrap());
    for query in
        ["up%3D%3D1", "tb_nodes%7Bstate%3D%22online%22%7D%3D%3D1", "tb_check_rtt_seconds_bucket"]
    {
        until(|| has_rows(free, query));
    }
    drop(running);
    fs::remove_dir_all(&data).unwrap();
}

/// Whether Prometheus has an answer to a query.
fn has_rows(prometheus: SocketAddr, query: &str) -> bool {
    let Ok(stream) = std::net::TcpStream::connect(prometheus) else { return false };
    let request = format!(
        "GET /api/v1/query?query={query} HTTP/1.1\r\nHost: {prometheus}\r\nConnection: close\r\n\r\n"
    );
    let answer = exchange(stream, request.as_bytes());
    answer.is_some_and(|answer| answer.status == 200 && answer.body.contains("\"metric\":{"))
}
