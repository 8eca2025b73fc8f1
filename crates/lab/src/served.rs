//! A balance server as its operator starts it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::Built;
use crate::patience::{PATIENCE, until};
use turn_balance::internals::wire::{Probe, Request, RequestBody};

pub struct Served {
    process: Child,
    /// The lines that it logs, read at once: a pipe that is full would stop it.
    lines: Receiver<String>,
    log: String,
}

impl Served {
    /// Starts one at this address, with the rest of its configuration, and waits until it answers.
    pub fn start(built: Built, addr: SocketAddr, level: &str, rest: &str) -> Self {
        Self::start_with(built, addr, &["--log-level", level], rest)
    }

    /// The same at the level that its configuration says.
    pub fn start_as_it_says(built: Built, addr: SocketAddr, rest: &str) -> Self {
        Self::start_with(built, addr, &[], rest)
    }

    fn start_with(built: Built, addr: SocketAddr, flags: &[&str], rest: &str) -> Self {
        let file = std::path::Path::new(built.folder).join(format!("{addr}.toml"));
        fs::write(&file, format!("net.bind = '{addr}'\n{rest}")).unwrap();
        let mut command = Command::new(built.tb);
        command.arg("serve").args(flags).arg("-c").arg(&file).env("NO_COLOR", "1");
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let pipe = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || pipe.lines().try_for_each(|line| sender.send(line.unwrap())));
        let client = UdpSocket::bind((addr.ip(), 0)).unwrap();
        client.connect(addr).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let body = RequestBody::Probe(Probe { nonce: 1, ..Probe::default() });
        let request = Request { id: 1, body }.encode(0);
        until("it answers", || {
            client.send(&request).is_ok() && client.recv(&mut [0; 2048]).is_ok()
        });
        Self { process, lines, log: String::new() }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Stops it, and waits until the system has done so.
    pub fn freeze(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.process.id());
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
    }

    /// How much memory it has, and has had at most, in KiB.
    pub fn memory(&self) -> (usize, usize) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        (number(&status, "VmRSS:"), number(&status, "VmHWM:"))
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Waits until it ends. Returns its exit code.
    pub fn until_it_ends(&mut self) -> Option<i32> {
        until("it ends", || !self.is_running());
        self.process.wait().unwrap().code()
    }

    /// Waits until it logs a line that has these words.
    pub fn until_it_logs(&mut self, words: &str) {
        self.line_that_has(words);
    }

    /// The next line that it logs with these words.
    pub fn line_that_has(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it never logs {words}: {}", self.log));
            self.log += &format!("{line}\n");
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it at once. Returns what it has logged.
    pub fn end(mut self) -> String {
        self.signal("INT");
        self.lines.iter().for_each(|line| self.log += &format!("{line}\n"));
        std::mem::take(&mut self.log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A number in the log, behind its name.
pub fn number(log: &str, name: &str) -> usize {
    let (_, rest) = log.split_once(name).unwrap_or_else(|| panic!("no {name} in {log}"));
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}
