//! Datagrams that come while the server cannot take them.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Net;
use turn_balance::net::wire::{PADDED_REQUEST, Probe, Request, RequestBody};

const BURST: usize = 8192;

/// For what is bound to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A leaf as its operator starts it.
struct Leaf(Child);

impl Leaf {
    fn start(addr: SocketAddr) -> Self {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{addr}.toml"));
        let toml = format!("net.bind = '{addr}'\nturn = {{ bind = '{addr}', health = 'none' }}\n");
        fs::write(&file, toml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.args(["serve", "--log-level", "debug", "-c"]).arg(&file).env("NO_COLOR", "1");
        let leaf = Self(command.stderr(Stdio::piped()).spawn().unwrap());
        let client = Clients::new(addr, 1);
        let start = Instant::now();
        while client.ask(1, 0).is_err() || client.hear(1, Duration::from_millis(50)) == 0 {
            assert!(start.elapsed() < PATIENCE, "it never answers");
        }
        leaf
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Stops it, and waits until the system has done so.
    fn freeze(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.0.id());
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
    }

    /// Ends it. Returns what it has logged.
    fn end(mut self) -> String {
        self.signal("TERM");
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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

/// A number of the server's counters, from its log.
fn counter(log: &str, name: &str) -> usize {
    let (_, rest) = log.split_once(name).unwrap_or_else(|| panic!("no {name} in {log}"));
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}

#[test]
fn all_that_comes_while_the_server_stands_still_is_answered() {
    let net = Net::new();
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap();
    if limit.trim().parse::<usize>().unwrap() < 4 << 20 {
        return common::skipped("net.core.rmem_max is below 4194304, so a burst has no room");
    }
    let leaf = Leaf::start(net.server(1));
    let clients = Clients::new(net.server(1), 64);
    leaf.freeze();
    clients.ask(BURST, 0).unwrap();
    leaf.signal("CONT");
    assert_eq!(clients.hear(BURST, PATIENCE), BURST);
    let log = leaf.end();
    assert_eq!(counter(&log, "no-room"), 0, "{log}");
    let (answers, calls) = (counter(&log, "answers"), counter(&log, "system-calls"));
    assert!(answers >= BURST && 5 * calls <= answers, "{calls} system calls, {answers} answers");
}

#[test]
fn what_had_no_room_is_counted_and_told() {
    let net = Net::new();
    let leaf = Leaf::start(net.server(1));
    let clients = Clients::new(net.server(1), 64);
    let (mut sent, mut answered) = (0, 0);
    for _ in 0..2 {
        leaf.freeze();
        clients.ask(3 * BURST, PADDED_REQUEST).unwrap();
        leaf.signal("CONT");
        answered += clients.hear(3 * BURST, Duration::from_secs(1));
        // The next one that has room brings the number of those that had none.
        clients.ask(1, 0).unwrap();
        answered += clients.hear(1, PATIENCE);
        sent += 3 * BURST + 1;
    }
    let lost = sent - answered;
    assert!(lost > 0);
    let log = leaf.end();
    assert_eq!(counter(&log, "no-room"), lost, "{log}");
    let lines = log.lines().filter(|line| line.contains("the receive buffer was full"));
    let told: Vec<_> = lines.map(|line| counter(line, "datagrams=")).collect();
    assert_eq!((told.len(), told.iter().sum::<usize>()), (2, lost), "{log}");
}
