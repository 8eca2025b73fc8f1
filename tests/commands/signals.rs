//! Signals that end a command.

use std::io::Read as _;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use turn_balance_lab::built;
use turn_balance_lab::loopback::Net;
use turn_balance_lab::served::Served;

use crate::{Running, full_pipe, said};

#[test]
fn what_was_measured_is_told_whatever_signal_ends_it() {
    let ping = ["ping", "-i", "1ms", "-W", "1ms"];
    let trace = ["trace", "-c", "100000", "-i", "1ms", "--timeout", "1ms"];
    for (command, text, json) in [
        (&ping[..], "packets transmitted, 0 received", "\"schema\":\"tb.ping/1\""),
        (&trace, "LEVEL  CANDIDATE", "\"schema\":\"tb.trace-count/1\""),
    ] {
        for (signal, format, words) in [
            ("INT", "text", text),
            ("TERM", "text", text),
            ("QUIT", "text", text),
            ("TERM", "json", json),
            ("QUIT", "json", json),
            ("TERM", "jsonl", "\"kind\":\"summary\""),
        ] {
            let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
            let server = silent.local_addr().unwrap().to_string();
            let mut tb = Command::new(env!("CARGO_BIN_EXE_tb"));
            tb.env_clear().args(command).args(["--format", format, &server]);
            tb.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut running = Running(tb.spawn().unwrap());
            let mut stdout = running.0.stdout.take().unwrap();
            let reader = thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).unwrap();
                text
            });
            for _ in 0..9 {
                silent.recv(&mut [0; 2048]).unwrap();
            }
            running.signal(signal);
            let (status, _) = running.end();
            let said = reader.join().unwrap();
            assert_eq!(status.code(), Some(1), "{command:?} {signal}: {status}, {said}");
            assert!(said.lines().any(|line| line.contains(words)), "{signal} {format}: {said}");
        }
    }
}

#[test]
fn one_that_comes_twice_is_one() {
    // timeout(1) sends it to its child, and to the group of both.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap().to_string();
    let json = ["ping", "--json", "-i10ms", "-W10ms", &server];
    for (args, code, words) in
        [(&json[..], 1, "\"transmitted\":"), (&["serve", "--bind=127.0.0.1:0"], 0, "INFO stopped")]
    {
        let mut command = Command::new("timeout");
        command.args(["--preserve-status", "1", env!("CARGO_BIN_EXE_tb")]).args(args);
        let (status, stdout, stderr) = said(command.env_clear().output().unwrap());
        assert_eq!(status, Some(code), "{args:?}: {stderr}");
        assert!((stdout + &stderr).contains(words), "{args:?}");
    }
}

#[test]
fn before_an_answer_it_dies_of_the_signal() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("QUIT", 3)] {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = silent.local_addr().unwrap();
        // No core file.
        let script = format!("ulimit -c 0; exec '{}' probe {server}", env!("CARGO_BIN_EXE_tb"));
        let mut running = Running(Command::new("sh").args(["-c", &script]).spawn().unwrap());
        silent.recv(&mut [0; 2048]).unwrap();
        running.signal(signal);
        assert_eq!(running.end().0.signal(), Some(number));
    }
}

#[test]
fn a_signal_ends_even_what_waits_for_its_reader() {
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        silent.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let server = silent.local_addr().unwrap().to_string();
        let (pipe, mut reader) = full_pipe(true);
        // Room for some lines.
        reader.read_exact(&mut [0; 4096]).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.args(["ping", "-i", "1ms", "-W", "1ms", &server]).env_clear();
        let mut running = Running(command.stdout(OwnedFd::from(pipe)).spawn().unwrap());
        while silent.recv(&mut [0; 2048]).is_err() {}
        while silent.recv(&mut [0; 2048]).is_ok() {}
        running.signal(signal);
        let (status, time) = running.end();
        assert_eq!(status.signal(), Some(number), "{status} after {time:?}");
    }
}

/// A server that drains before it ends, for longer than any test takes.
fn leaf() -> Served {
    let net = Net::new();
    let rest = format!("net.drain = '1h'\ncluster.superiors = ['{}']\n", net.server(9));
    let mut leaf = Served::start(built!(), net.server(1), "info", &rest);
    // It answers a moment before it heeds what is to end it.
    drain_and_undrain(&mut leaf);
    leaf
}

fn drain_and_undrain(leaf: &mut Served) {
    leaf.signal("USR1");
    leaf.until_it_logs("INFO draining: ");
    leaf.signal("USR2");
    leaf.until_it_logs("INFO draining no more");
}

#[test]
fn a_server_drains_until_that_is_undone() {
    let mut leaf = leaf();
    drain_and_undrain(&mut leaf);
    let log = leaf.end();
    assert!(log.contains("INFO stopped"), "{log}");
}

#[test]
fn a_server_that_is_to_end_drains_unless_it_is_asked_again() {
    let mut leaf = leaf();
    leaf.signal("TERM");
    leaf.until_it_logs("INFO draining: ");
    leaf.signal("INT");
    leaf.until_it_logs("INFO stopped");
}

#[test]
fn a_server_that_is_to_end_drains_until_it_is_told_so_again() {
    let mut leaf = leaf();
    leaf.signal("TERM");
    leaf.until_it_logs("INFO draining: ");
    // What comes so soon counts as the same one.
    while leaf.is_running() {
        leaf.signal("TERM");
        std::thread::yield_now();
    }
}
