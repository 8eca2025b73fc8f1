//! Datagrams that come while the server cannot take them.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{PADDED_REQUEST, Probe, Request, RequestBody, SHORT_REQUEST};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::patience::PATIENCE;
use turn_balance_lab::served::{Served, number};
use turn_balance_lab::{built, loopback};

const BURST: usize = 8192;

/// A leaf.
fn start(addr: SocketAddr) -> Served {
    let turn = SocketAddr::new(addr.ip(), 3478);
    let rest = format!("turn = {{ bind = '{turn}', health = 'none' }}\n");
    Served::start(built!(), addr, "debug", &rest)
}

/// Sockets that ask one server.
struct Clients(Vec<UdpSocket>);

impl Clients {
    fn new(server: SocketAddr, count: usize) -> Self {
        let client = |_| {
            let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket.connect(server).unwrap();
            socket
        };
        Self((0..count).map(client).collect())
    }

    fn ask(&self, times: usize, size: usize) -> std::io::Result<()> {
        let body = RequestBody::Probe(Probe { nonce: u64::MAX, ..Probe::default() });
        let request = Request { id: u32::MAX, body }.encode(size);
        let mut clients = self.0.iter().cycle().take(times);
        clients.try_for_each(|client| client.send(&request).map(|_| ()))
    }

    /// How many answers come: `most`, or less if then there is a silence.
    fn hear(&self, most: usize, silence: Duration) -> usize {
        let mut heard = 0;
        let mut last = Instant::now();
        while heard < most && last.elapsed() < silence {
            for client in &self.0 {
                while client.recv(&mut [0; 2048]).is_ok() {
                    heard += 1;
                    last = Instant::now();
                }
            }
        }
        heard
    }
}

/// Asks a server that stands still. Returns how many answers come once it goes on, and its log.
fn burst(net: &Net, size: usize) -> (usize, String) {
    let leaf = start(net.server(1));
    let clients = Clients::new(net.server(1), 64);
    leaf.freeze();
    clients.ask(BURST, size).unwrap();
    leaf.signal("CONT");
    (clients.hear(BURST, PATIENCE), leaf.end())
}

#[test]
fn all_that_comes_while_the_server_stands_still_is_answered() {
    let net = Net::new();
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap();
    if limit.trim().parse::<usize>().unwrap() < 4 << 20 {
        return loopback::skipped("net.core.rmem_max is below 4194304, so a burst has no room");
    }
    let (heard, log) = burst(&net, SHORT_REQUEST);
    assert_eq!((heard, number(&log, "no-room")), (BURST, 0), "{log}");
    let (answers, calls) = (number(&log, "answers"), number(&log, "system-calls"));
    assert!(answers >= BURST && 5 * calls <= answers, "{calls} system calls, {answers} answers");
}

#[test]
fn so_is_all_that_roots_are_asked_where_the_server_may_exceed_the_limit() {
    let (heard, log) = burst(&Net::new(), PADDED_REQUEST);
    let lost = number(&log, "no-room");
    if lost > 0 && std::env::var_os("CI").is_none() {
        return loopback::skipped("no right to a larger buffer than net.core.rmem_max");
    }
    assert_eq!((heard, lost), (BURST, 0), "{log}");
}

#[test]
fn what_had_no_room_is_counted_and_told() {
    let net = Net::new();
    let mut leaf = start(net.server(1));
    let clients = Clients::new(net.server(1), 64);
    let (mut sent, mut answered) = (0, 0);
    for _ in 0..2 {
        leaf.freeze();
        clients.ask(3 * BURST, PADDED_REQUEST).unwrap();
        leaf.signal("CONT");
        answered += clients.hear(3 * BURST, Duration::from_secs(1));
        sent += 3 * BURST;
        leaf.until_it_logs("the receive buffer was full");
    }
    let lost = sent - answered;
    assert!(lost > 0);
    let log = leaf.end();
    assert_eq!(number(&log, "no-room"), lost, "{log}");
    let lines = log.lines().filter(|line| line.contains("the receive buffer was full"));
    let told: Vec<_> = lines.map(|line| number(line, "datagrams=")).collect();
    assert_eq!((told.len(), told.iter().sum::<usize>()), (2, lost), "{log}");
}
