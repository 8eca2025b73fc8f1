//! A balance server as its operator starts it.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use turn_balance::net::wire::{Probe, Request, RequestBody};

/// For what is bound to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Served {
    process: Child,
    /// Reads what it logs: a pipe that is full would stop it.
    log: Option<JoinHandle<String>>,
}

impl Served {
    /// Starts one at this address, with the rest of its configuration, and waits until it answers.
    pub(crate) fn start(addr: SocketAddr, level: &str, rest: &str) -> Self {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{addr}.toml"));
        fs::write(&file, format!("net.bind = '{addr}'\n{rest}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tb"));
        command.args(["serve", "--log-level", level, "-c"]).arg(&file).env("NO_COLOR", "1");
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            pipe.read_to_string(&mut log).unwrap();
            log
        });
        let client = UdpSocket::bind((addr.ip(), 0)).unwrap();
        client.connect(addr).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
        let request = Request { id: 1, body }.encode(0);
        let start = Instant::now();
        while client.send(&request).is_err() || client.recv(&mut [0; 2048]).is_err() {
            assert!(start.elapsed() < PATIENCE, "it never answers");
        }
        Self { process, log: Some(log) }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Stops it, and waits until the system has done so.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.process.id());
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
    }

    /// Ends it. Returns what it has logged.
    pub(crate) fn end(mut self) -> String {
        self.signal("TERM");
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A number in the log, behind its name.
pub(crate) fn number(log: &str, name: &str) -> usize {
    let (_, rest) = log.split_once(name).unwrap_or_else(|| panic!("no {name} in {log}"));
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}
