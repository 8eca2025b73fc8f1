//! A process that is stopped, and finds when it goes on that all its timers are due, while the answers
//! lie in its sockets.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turn_balance::internals::wire::{Node, View, stun};
use turn_balance::{Balance, Pinger, Verify};
use turn_balance_lab::built;
use turn_balance_lab::host::{ask, eventually};
use turn_balance_lab::loopback::{Net, answer_probe};
use turn_balance_lab::process::answer_bindings;
use turn_balance_lab::served::Served;

use crate::{client, said};

/// How long answers are awaited here, of which a busy machine needs some to stop a process, and how long
/// that is stopped.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(4);

/// Stops a process, and lets it go on.
fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
}

/// Until it is.
fn wait_until_stopped(child: &Child) {
    let stat = format!("/proc/{}/stat", child.id());
    while !fs::read_to_string(&stat).unwrap().contains(") T ") {
        thread::yield_now();
    }
}

/// Runs a command that asks here, and stops it when it has: what it asks is answered then, and it goes on
/// long after it has lost patience. Returns how it ended, and what it printed.
fn stopped(silent: &UdpSocket, args: &[&str]) -> (Option<i32>, String, String) {
    let child = client(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut buffer = [0; 2048];
    let (len, from) = silent.recv_from(&mut buffer).unwrap();
    signal(&child, "STOP");
    wait_until_stopped(&child);
    let start = Instant::now();
    let turn = SocketAddr::new(silent.local_addr().unwrap().ip(), 3478);
    silent.send_to(&answer_probe(&buffer[..len], turn).unwrap(), from).unwrap();
    while start.elapsed() < PAUSE {
        thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "CONT");
    said(child.wait_with_output().unwrap())
}

/// A time that is none of the pause.
fn is_short(ms: f64) -> bool {
    ms > 0.0 && ms < PATIENCE.as_secs_f64() * 1e3
}

#[test]
fn a_ping_prints_what_has_come_and_when() {
    let net = Net::new();
    for (n, args) in [
        (1, &["-W", "2s", "-c", "1"][..]),
        (2, &["-w", "2s"]),
        (3, &["-W", "2s", "-c", "1", "-w", "2100ms"]),
    ] {
        let silent = UdpSocket::bind(net.server(n)).unwrap();
        let server = net.server(n).to_string();
        let args = [&["ping"], args, &[&server]].concat();
        let (code, text, errors) = stopped(&silent, &args);
        assert_eq!(code, Some(0), "{args:?}: {text}{errors}");
        assert!(!text.contains("no answer") && !text.contains("late"), "{args:?}: {text}");
        let time = text.split("seq=1 time=").nth(1).and_then(|rest| rest.split(' ').next());
        let time: f64 = time.unwrap_or_else(|| panic!("{args:?}: {text}")).parse().unwrap();
        assert!(is_short(time), "{args:?}: {text}");
        assert!(text.contains(" packets transmitted, 1 received, "), "{text}");
    }
}

#[test]
fn a_descent_takes_what_has_come_before_its_time_was_over() {
    let net = Net::new();
    for (n, command) in [(1, "probe"), (2, "trace")] {
        let silent = UdpSocket::bind(net.server(n)).unwrap();
        let server = net.server(n).to_string();
        let args = [command, "--json", "--verify", "off", "--timeout", "2s", &server];
        let (code, text, errors) = stopped(&silent, &args);
        assert_eq!(code, Some(0), "{command}: {text}{errors}");
        let found: Value = serde_json::from_str(&text).unwrap();
        assert!(is_short(found["rtt_ms"].as_f64().unwrap()), "{command}: {text}");
    }
}

/// The next datagram that comes from now on.
fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    socket.set_nonblocking(true).unwrap();
    while socket.recv_from(&mut buffer).is_ok() {}
    socket.set_nonblocking(false).unwrap();
    let (len, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..len].to_vec(), from)
}

#[test]
fn a_server_measures_its_nodes_and_not_its_pause() {
    let net = Net::new();
    let node = UdpSocket::bind(net.server(2)).unwrap();
    let nodes = format!("cluster.nodes = ['{}']\n", net.server(2));
    let server = Served::start(built!(), net.server(1), "info", &nodes);
    let (check, from) = next(&node);
    server.freeze();
    node.send_to(&answer_probe(&check, net.turn(2)).unwrap(), from).unwrap();
    thread::sleep(PAUSE);
    server.signal("CONT");
    let asker = UdpSocket::bind((net.ip(3), 0)).unwrap();
    let listed = eventually("a node", || {
        let reply = ask(&asker, net.server(1), View::Subordinates, Duration::from_millis(200));
        reply?.nodes.into_iter().next()
    });
    // Lists tell no longer times apart.
    assert!(listed.rtt.unwrap() < Node::rtt_on_wire(PAUSE), "{listed:?}");
}

#[test]
fn a_server_takes_what_its_turn_server_has_answered_in_time() {
    let net = Net::new();
    let silent = UdpSocket::bind(net.turn(1)).unwrap();
    let turn = format!("turn.bind = '{}'\n", net.turn(1));
    let mut server = Served::start(built!(), net.server(1), "info", &turn);
    // Before it a probe comes: is it a balance server?
    let mut requests = std::iter::repeat_with(|| next(&silent));
    let (request, from) = requests.find(|(request, _)| stun::is_stun(request)).unwrap();
    server.freeze();
    answer_bindings(&silent, from, &request);
    thread::sleep(PAUSE);
    server.signal("CONT");
    // It answers no other.
    server.until_it_logs("TURN server up");
}

/// What a stopped process is to the system, a thread that does something else is to a runtime.
#[tokio::test]
async fn an_application_that_is_busy_loses_no_answer() {
    let net = Net::new();
    let silent = UdpSocket::bind(net.server(1)).unwrap();
    thread::spawn(move || {
        let turn = SocketAddr::new(silent.local_addr().unwrap().ip(), 3478);
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = silent.recv_from(&mut buffer) {
            silent.send_to(&answer_probe(&buffer[..len], turn).unwrap(), from).unwrap();
        }
    });
    let own = UdpSocket::bind((net.ip(2), 0)).unwrap();
    for socket in [None, Some(own)] {
        let mut builder =
            Balance::builder().root(net.server(1)).timeout(PATIENCE).verify(Verify::Off);
        if let Some(socket) = socket {
            builder = builder.socket(socket);
        }
        let balance = builder.build().await.unwrap();
        let mut busy = true;
        let work = |_| {
            if std::mem::take(&mut busy) {
                thread::sleep(PAUSE);
            }
        };
        let selection = balance.select_with(work).await.unwrap();
        assert!(is_short(selection.rtt.as_secs_f64() * 1e3), "{selection:?}");
    }
    let mut pinger =
        Pinger::builder(net.server(1)).timeout(PATIENCE).count(2).build().await.unwrap();
    for seq in [1, 2] {
        let echo = pinger.next().await.unwrap().unwrap();
        assert!(echo.seq == seq && !echo.late, "{echo:?}");
        thread::sleep(PAUSE);
        assert!(is_short(echo.rtt.unwrap().as_secs_f64() * 1e3), "{echo:?}");
    }
}
