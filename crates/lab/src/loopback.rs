//! Loopback networks, and who is on them.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};
use turn_balance::{Config, Endpoint, NodeEntry};

/// A loopback network of this test's own: tests run side by side, and each has port 3001.
pub struct Net {
    test: u8,
    process: u8,
}

impl Net {
    #[expect(clippy::new_without_default, reason = "each is another, so none is the default")]
    pub fn new() -> Self {
        static TESTS: AtomicU8 = AtomicU8::new(1);
        let process = (std::process::id() % 250) as u8 + 1;
        Self { test: TESTS.fetch_add(1, Ordering::Relaxed), process }
    }

    /// Host `n` of the network.
    pub fn ip(&self, n: u8) -> IpAddr {
        IpAddr::from([127, self.test, self.process, n])
    }

    /// The balance server on host `n`.
    pub fn server(&self, n: u8) -> SocketAddr {
        SocketAddr::new(self.ip(n), 3001)
    }

    /// The TURN server on host `n`.
    pub fn turn(&self, n: u8) -> SocketAddr {
        SocketAddr::new(self.ip(n), 3478)
    }
}

/// The configuration of a balance server.
pub fn config(
    bind: SocketAddr,
    name: &str,
    superior: Option<SocketAddr>,
    nodes: &[SocketAddr],
    turn: Option<SocketAddr>,
) -> Config {
    let mut config = Config::default();
    config.net.bind = vec![bind.into()];
    config.net.name = Some(name.parse().unwrap());
    config.cluster.superiors = superior.into_iter().map(Endpoint::from).collect();
    let entry = |&addr| NodeEntry::new(addr);
    config.cluster.nodes = nodes.iter().map(entry).collect();
    config.turn.bind = Vec::from_iter(turn);
    config
}

/// Answers STUN Binding requests as a TURN server does, until the test ends.
pub fn answer_bindings(addr: SocketAddr) {
    use stun_types::message::{Message, MessageWrite, MessageWriteVec};
    let socket = UdpSocket::bind(addr).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let Ok(request) = Message::from_bytes(&buffer[..len]) else {
                continue;
            };
            let answer = Message::builder_success(&request, MessageWriteVec::new()).finish();
            let _ = socket.send_to(&answer, from);
        }
    });
}

/// What a balance server beside this TURN server answers; `None`: the datagram is no probe.
pub fn answer_probe(datagram: &[u8], turn: SocketAddr) -> Option<Vec<u8>> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(datagram) else {
        return None;
    };
    let reply =
        ProbeReply { turn: Some(turn), nonce: probe.nonce, version: 1, ..ProbeReply::default() };
    Some(Response { id, body: ResponseBody::Probe(reply) }.encode())
}

/// Says that a test was skipped, past the harness, which shows nothing of a test that passes.
pub fn skipped(why: &str) {
    let line = format!("SKIPPED: {why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
