//! What strangers make a server log: little, whatever they send, at whatever level.
#![cfg(unix)]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{Ping, Request, RequestBody};
use turn_balance_lab::built;
use turn_balance_lab::loopback::Net;
use turn_balance_lab::served::{Served, number};

/// Of a flood; enough for several seconds' worth of lines.
const FLOOD: Duration = Duration::from_secs(3);

#[test]
fn a_flood_is_counted_and_logged_in_ten_lines_a_second() {
    let net = Net::new();
    let (server, node) = (net.server(1), UdpSocket::bind((net.ip(2), 0)).unwrap());
    let checks = (net.ip(1), 3002);
    let rest = format!(
        "[cluster]\ncheck-bind = {}\nnodes = ['{}']\n",
        checks.1,
        node.local_addr().unwrap()
    );
    let begin = Instant::now();
    let served = Served::start(built!(), server, "trace", &rest);
    let stranger = UdpSocket::bind((net.ip(9), 0)).unwrap();
    let secret = "secret-word";
    let mut version = 0;
    let mut heartbeat = || {
        version += 1;
        let name = secret.parse().ok();
        let ping = Ping { version, challenge: 0x5ec4e7, name, ..Ping::default() };
        Request { id: 0, body: RequestBody::Ping(ping) }.encode(0)
    };
    let start = Instant::now();
    while start.elapsed() < FLOOD {
        for _ in 0..20 {
            let _ = stranger.send_to(secret.as_bytes(), server);
            let _ = stranger.send_to(&[0x08, 0x01, 0x12, 0x00], server);
            let _ = stranger.send_to(&heartbeat(), server);
            let _ = stranger.send_to(secret.as_bytes(), checks);
            let _ = node.send_to(&heartbeat(), server);
            let _ = node.send_to(secret.as_bytes(), checks);
        }
        // What is lost by a full buffer tells nothing of lines.
        std::thread::sleep(Duration::from_millis(1));
    }
    let log = served.end();
    let seconds = begin.elapsed().as_secs() as usize + 1;
    let about = ["datagram", "heartbeat", "check", "more came"];
    let message = |line: &&str| about.iter().any(|word| line.contains(word));
    let lines: Vec<_> =
        log.lines().filter(message).filter(|line| !line.contains("stopped")).collect();
    assert!(lines.len() <= 10 * (seconds + 1), "{} lines in {seconds} s", lines.len());
    assert!(lines.len() > 10, "{log}");
    assert!(!log.contains(secret) && !log.contains(&0x5ec4e7.to_string()), "{log}");

    // Nothing is lost: what came is in the counters, and what has no line among those left out.
    let stopped = log.lines().find(|line| line.contains("stopped answering")).unwrap();
    let words = ["malformed", "nothing-to-offer", "strange-heartbeat", "heartbeats"];
    let came = words.map(|word| number(stopped, &format!(" {word} ")));
    let checked =
        ["check-misplaced", "check-malformed"].map(|word| number(stopped, &format!(" {word} ")));
    assert!(came.iter().chain(&checked).all(|count| *count > 100), "{stopped}");
    let left_out: usize = log
        .lines()
        .filter(|line| line.contains("left_out"))
        .map(|line| number(line, "left_out="))
        .sum();
    let all = came.iter().chain(&checked).sum::<usize>();
    assert!(
        left_out + lines.len() >= all,
        "{left_out} left out and {} lines of {all}",
        lines.len()
    );
}

#[test]
fn nodes_that_never_were_online_are_named_with_the_reason() {
    let net = Net::new();
    let (server, silent) = (net.server(1), net.server(2));
    let turn = net.turn(3);
    let rest = format!(
        "[cluster]\nnodes = [{{ addr = '{silent}', name = 'fra-d' }}, {{ turn = '{turn}' }}]\n"
    );
    let mut served = Served::start(built!(), server, "warn", &rest);
    let missing = format!("missing={silent} (fra-d): silent, {turn}: silent");
    served.until_it_logs(&missing);
    let log = served.end();
    let line = log.lines().find(|line| line.contains(&missing)).unwrap();
    assert!(line.contains("nodes are not online") && line.contains("online=0 of 2"), "{line}");
}
