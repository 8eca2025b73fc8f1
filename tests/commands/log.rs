//! Logs that nobody reads.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{Probe, Request, RequestBody};
use turn_balance_lab::loopback::Net;

use crate::{Running, full_pipe};

/// Asks a server until that comes to this.
fn ask_until(server: SocketAddr, comes: impl Fn(&io::Result<usize>) -> bool) {
    let client = UdpSocket::bind((server.ip(), 0)).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
    let request = Request { id: 1, body }.encode(0);
    let start = Instant::now();
    let ask = || client.send(&request).and_then(|_| client.recv(&mut [0; 2048]));
    while !comes(&ask()) {
        assert!(start.elapsed() < Duration::from_secs(20), "that never comes");
    }
}

#[test]
fn a_log_that_nobody_reads_stops_neither_server_nor_signals() {
    for (signal, twice) in [("TERM", false), ("INT", false), ("TERM", true)] {
        let server = Net::new().server(1);
        let (log, _reader) = full_pipe(true);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.env_clear().args(["serve", "--log-level=trace", "--bind", &server.to_string()]);
        let mut running = Running(command.stderr(OwnedFd::from(log)).spawn().unwrap());
        ask_until(server, io::Result::is_ok);
        running.signal(signal);
        if twice {
            // It has heard that one, and waits for who reads the log.
            let refused = |result: &io::Result<usize>| {
                result.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
            };
            ask_until(server, refused);
            while running.0.try_wait().unwrap().is_none() {
                running.signal(signal);
            }
        }
        let (status, time) = running.end();
        assert!(time < Duration::from_secs(1), "{signal} after {time:?}");
        match twice {
            // It may have come to its end before the second one comes.
            true => assert!(status.signal() == Some(15) || status.success(), "{status}"),
            false => assert_eq!(status.code(), Some(0), "{status}"),
        }
    }
}
