//! How full a TURN server is, as it says itself: by HTTP, in a file, or through who runs the server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{ProbeReply, State, View};
use turn_balance::{Load, LoadSource, Server, TurnHealth, TurnSecret};
use turn_balance_lab::Built;
use turn_balance_lab::coturn::SECRET;
use turn_balance_lab::host::ask;
use turn_balance_lab::loopback::{Net, config};
use turn_balance_lab::second_turn::SecondTurn;
use turn_balance_lab::served::Served;

use crate::held::Held;

const BUILT: Built = turn_balance_lab::built!();

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a server's answer is as it should be.
fn until(server: SocketAddr, is_right: impl Fn(&ProbeReply) -> bool) {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    let start = Instant::now();
    loop {
        let said = ask(&socket, server, View::Flat, Duration::from_millis(200));
        if said.as_ref().is_some_and(&is_right) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{said:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn tells(server: SocketAddr, percent: Option<u8>) {
    until(server, |said| said.load.map(Load::percent) == percent);
}

/// Answers each GET with what is given.
fn exposes(addr: SocketAddr, answer: &'static str) {
    let listener = TcpListener::bind(addr).unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let len = connection.read(&mut request).unwrap_or(0);
            assert!(request[..len].starts_with(b"GET /metrics HTTP/1.1\r\n"));
            let _ = connection.write_all(answer.as_bytes());
        }
    });
}

/// The configuration of a server beside a TURN server that is not asked.
fn beside(net: &Net, n: u8, load: &str) -> String {
    format!("turn = {{ bind = '{}', health = 'none', {load} }}\n", net.turn(n))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gauge_is_read_by_http() {
    let net = Net::new();
    let metrics = SocketAddr::new(net.ip(1), 9641);
    exposes(
        metrics,
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n# TYPE turn_total_allocations gauge\n\
         turn_total_allocations{type=\"UDP\"} 200\nturn_total_allocations{type=\"TCP\"} 31\n",
    );
    let mut leaf = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    leaf.turn.server.health = TurnHealth::None;
    leaf.turn.capacity = Some(400);
    let url = format!("http://{metrics}/metrics").parse().unwrap();
    leaf.turn.load = Some(LoadSource::Url { url, metric: "turn_total_allocations".into() });
    let server = Server::start(leaf.clone()).await.unwrap();
    let addr = server.addrs()[0];
    tokio::task::spawn_blocking(move || {
        tells(addr, Some(57));
        until(addr, |said| said.weight == 400 && said.state == State::Offering);
    })
    .await
    .unwrap();
    assert_eq!(server.status().turn[0].load.map(Load::percent), Some(57));
    // It is read no more, and nothing of it counts.
    (leaf.turn.load, leaf.turn.capacity, leaf.turn.weight) = (None, None, Some(7));
    server.reload(leaf).await.unwrap();
    tokio::task::spawn_blocking(move || {
        tells(addr, None);
        until(addr, |said| said.weight == 7);
    })
    .await
    .unwrap();
}

#[test]
fn what_a_real_turn_server_relays_is_its_load() {
    let net = Net::new();
    let Some(turn) = SecondTurn::start(BUILT, net.turn(1), SECRET) else { return };
    let load = format!(
        "capacity = 2, load = {{ url = 'http://{}/metrics', metric = 'allocated' }}",
        turn.metrics
    );
    let _leaf = Served::start(BUILT, net.server(1), "info", &beside(&net, 1, &load));
    let hold = |name| Held::new(net.turn(1), TurnSecret::new(SECRET).mint(2_000_000_000, name));
    // Before it has relayed anything it exposes no such metric.
    let held = hold("somebody");
    tells(net.server(1), Some(50));
    let _other = hold("somebody else");
    until(net.server(1), |said| said.state == State::Full);
    held.release();
    tells(net.server(1), Some(50));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_a_server_tells_it_and_it_counts_until_another_is_told() {
    let net = Net::new();
    let mut leaf = config(net.server(1), "leaf", None, &[], Some(net.turn(1)));
    leaf.turn.server.health = TurnHealth::None;
    let server = Server::start(leaf).await.unwrap();
    let addr = server.addrs()[0];
    for load in [Load::new(3.0, 4), Load::new(96.0, 100), None] {
        server.set_load(load);
        let full = load.is_some_and(Load::is_full);
        tokio::task::spawn_blocking(move || {
            tells(addr, load.map(Load::percent));
            until(addr, |said| (said.state == State::Full) == full);
        })
        .await
        .unwrap();
    }
}

#[test]
fn what_cannot_be_read_for_15_s_is_not_known() {
    let net = Net::new();
    let file = BUILT.file("load");
    fs::write(&file, "40\n").unwrap();
    let admin = SocketAddr::new(net.ip(1), 9301);
    let load = format!("capacity = 400, load = {{ file = '{}' }}", file.display());
    let section = format!("[admin]\nbind = '{admin}'\n");
    let mut leaf =
        Served::start(BUILT, net.server(1), "info", &(beside(&net, 1, &load) + &section));
    let wrong = || {
        let status = Command::new(BUILT.tb).args(["status", &admin.to_string()]).output().unwrap();
        String::from_utf8_lossy(&status.stdout)
            .contains("how full its TURN server is cannot be read")
    };
    tells(net.server(1), Some(10));
    fs::write(&file, "forty").unwrap();
    leaf.until_it_logs("load is not known");
    tells(net.server(1), None);
    assert!(wrong());
    fs::write(&file, "80").unwrap();
    leaf.until_it_logs("load is known again");
    tells(net.server(1), Some(20));
    assert!(!wrong());
    let log = leaf.end();
    assert!(log.contains("reason=it is no number that is 0 or more"), "{log}");
    assert_eq!(log.matches("load is").count(), 2, "{log}");
    fs::remove_file(&file).unwrap();
}

#[test]
fn where_all_are_full_tb_probe_says_so() {
    let net = Net::new();
    let file = BUILT.file("load");
    fs::write(&file, "390").unwrap();
    let load = format!("capacity = 400, load = {{ file = '{}' }}", file.display());
    let leaf = |n| Served::start(BUILT, net.server(n), "info", &beside(&net, n, &load));
    let leaves = [1, 2].map(leaf);
    let nodes = [1, 2].map(|n| format!("'{}'", net.server(n))).join(", ");
    let root = net.server(3);
    let _root = Served::start(BUILT, root, "warn", &format!("cluster.nodes = [{nodes}]\n"));
    until(root, |said| said.state == State::Full && said.nodes.is_empty());
    let probe =
        Command::new(BUILT.tb).args(["probe", "--json", &root.to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&probe.stdout);
    assert_eq!(probe.status.code(), Some(1), "{said}");
    assert!(said.contains("is a dead end, all its nodes are full"), "{said}");
    // Some of one of them is free again.
    fs::write(&file, "300").unwrap();
    until(root, |said| said.state == State::Offering && said.nodes.len() == 2);
    let probe = Command::new(BUILT.tb).args(["probe", &root.to_string()]).output().unwrap();
    assert_eq!(probe.status.code(), Some(0));
    drop(leaves);
    fs::remove_file(&file).unwrap();
}
