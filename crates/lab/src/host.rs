//! Hosts of their own on one machine: network namespaces joined by bridges, and nftables for the
//! weather. Needs root, iproute2 and nftables.
//!
//! Nothing here has a name that others see: a namespace is there as long as a process or a file
//! holds it. So two runs never collide, and nothing stays behind, however a run ends.

use std::io::{self, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{
    PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody, View,
};

use crate::Built;
use crate::namespace::Namespace;

/// An Ethernet that all hosts are on, unless they are told to join another.
const LAN: &str = "lan";

/// Cables, and the switches that they end in.
pub struct Lab {
    built: Built,
    switch: Namespace,
    cables: AtomicU32,
}

/// A host.
pub struct Host {
    pub(crate) built: Built,
    name: String,
    space: Namespace,
    links: AtomicU32,
    /// What names are asked of, in the form of resolv.conf.
    pub(crate) resolver: Option<PathBuf>,
}

impl Lab {
    /// # Errors
    /// What this machine has not, or does not allow.
    pub fn new(built: Built) -> io::Result<Self> {
        Self::build(built).map_err(|error| {
            let need = "hosts of their own need root, iproute2 and nftables";
            io::Error::other(format!("{need}: {error}"))
        })
    }

    fn build(built: Built) -> io::Result<Self> {
        for (tool, version) in [("ip", "-V"), ("nft", "-v")] {
            let found = Command::new(tool).arg(version).output();
            found.map_err(|error| io::Error::other(format!("{tool}: {error}")))?;
        }
        let lab = Self { built, switch: Namespace::new()?, cables: AtomicU32::new(0) };
        lab.lan(LAN)?;
        Ok(lab)
    }

    /// Adds an Ethernet.
    pub fn lan(&self, name: &str) -> io::Result<()> {
        let script = format!("link add {name} type bridge mcast_snooping 0\nlink set {name} up\n");
        feed(&mut self.switch.command("ip"), &["-batch", "-"], &script).map(drop)
    }

    /// Adds a host with these addresses, each with its prefix length.
    pub fn host(&self, name: &str, addrs: &[&str]) -> Host {
        let (built, name, links) = (self.built, name.to_owned(), AtomicU32::new(0));
        let space = Namespace::new().expect("a namespace");
        let host = Host { built, name, space, links, resolver: None };
        host.ip("link set lo up\n");
        self.join(&host, LAN, addrs);
        host
    }

    /// Gives a host one more interface, the next of eth0, eth1 and so on.
    pub fn join(&self, host: &Host, lan: &str, addrs: &[&str]) {
        let next = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
        let (cable, link) = (next(&self.cables), next(&host.links));
        let there = host.space.path();
        let script = format!(
            "link add v{cable} type veth peer name eth{link} netns {there}\n\
             link set v{cable} master {lan} up\n"
        );
        feed(&mut self.switch.command("ip"), &["-batch", "-"], &script).expect("a cable");
        host.ip(&format!("link set eth{link} up\n"));
        host.add_addrs(&format!("eth{link}"), addrs);
    }
}

impl Host {
    /// Runs lines of `ip`.
    pub fn ip(&self, script: &str) {
        let done = feed(&mut self.command("ip"), &["-batch", "-"], script);
        done.unwrap_or_else(|error| panic!("{}: ip: {error}", self.name));
    }

    pub fn add_addrs(&self, link: &str, addrs: &[&str]) {
        let line = |addr: &&str| {
            // Nobody else has it: no need to look for a second (RFC 4862).
            let family = if addr.contains(':') { " nodad" } else { "" };
            format!("addr add {addr} dev {link}{family}\n")
        };
        self.ip(&addrs.iter().map(line).collect::<String>());
    }

    /// Sets a switch of the system, such as `net/ipv4/ip_forward`.
    pub fn sysctl(&self, name: &str, value: &str) -> io::Result<()> {
        self.run(|| std::fs::write(format!("/proc/sys/{name}"), value))
    }

    /// Runs a script of `nft`. Returns what it prints.
    pub fn nft(&self, script: &str) -> String {
        let done = feed(&mut self.command("nft"), &["-f", "-"], script);
        done.unwrap_or_else(|error| panic!("{}: nft: {error}", self.name))
    }

    /// Replaces the rules for what comes in and what goes out.
    pub fn weather(&self, input: &str, output: &str) {
        self.nft(&format!(
            "table inet weather {{}}\n\
             delete table inet weather\n\
             table inet weather {{\n\
             chain input {{ type filter hook input priority 0\n{input}\n}}\n\
             chain output {{ type filter hook output priority 0\n{output}\n}}\n\
             }}\n"
        ));
    }

    /// The packets and bytes of every `counter` in the rules, those of the input first. They count
    /// what the network sees: IP headers and all behind.
    pub fn counted(&self) -> Vec<(u64, u64)> {
        let text = self.nft("list table inet weather");
        let words: Vec<_> = text.split_whitespace().collect();
        let counters = words.windows(5).filter(|words| words[0] == "counter");
        counters.map(|words| (words[2].parse().unwrap(), words[4].parse().unwrap())).collect()
    }

    /// A command that runs on this host, and ends with the thread that starts it.
    pub fn command(&self, program: &str) -> Command {
        self.space.command(program)
    }

    /// Does something on this host, on a thread of its own.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.space.run(work)
    }

    /// A socket of this host, for any thread.
    pub fn udp(&self, addr: impl Into<SocketAddr>) -> UdpSocket {
        let addr = addr.into();
        let bound = self.run(|| UdpSocket::bind(addr));
        let socket = bound.unwrap_or_else(|error| panic!("{}: {addr}: {error}", self.name));
        // Some send many requests before they look at the answers.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(1 << 20);
        socket
    }

    /// What a server lists.
    pub fn list(&self, server: SocketAddr, view: View) -> Option<ProbeReply> {
        let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = self.udp(any.parse::<SocketAddr>().unwrap());
        ask(&socket, server, view, Duration::from_millis(200))
    }
}

/// Asks a server once.
pub fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    view: View,
    patience: Duration,
) -> Option<ProbeReply> {
    static NONCES: AtomicU64 = AtomicU64::new(1);
    let nonce = NONCES.fetch_add(1, Ordering::Relaxed);
    socket.send_to(&request(nonce, view), server).ok()?;
    let (start, mut buffer) = (Instant::now(), [0; 2048]);
    while let Some(left) = patience.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        socket.set_read_timeout(Some(left)).unwrap();
        let Ok((len, _)) = socket.recv_from(&mut buffer) else { continue };
        match Response::decode(&buffer[..len]) {
            Ok(Response { body: ResponseBody::Probe(reply), .. }) if reply.nonce == nonce => {
                return Some(reply);
            }
            _ => {}
        }
    }
    None
}

/// A padded request.
pub fn request(nonce: u64, view: View) -> Vec<u8> {
    let probe = Probe { nonce, view, ..Probe::default() };
    Request { id: nonce as u32, body: RequestBody::Probe(probe) }.encode(PADDED_REQUEST)
}

/// Looks until there is something, with patience for machines that are busy.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a command with this input. Returns what it prints.
fn feed(command: &mut Command, args: &[&str], input: &str) -> io::Result<String> {
    let pipes = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}\n{input}", said.trim())))
}
