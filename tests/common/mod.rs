//! What several tests share.
#![expect(dead_code, reason = "each test file uses a part of it")]

#[cfg(all(unix, feature = "cli"))]
pub(crate) mod serve;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use turn_balance::{Config, Endpoint, NodeEntry};

/// A loopback network of this test's own: tests run side by side, and each has port 3001.
pub(crate) struct Net {
    test: u8,
    process: u8,
}

impl Net {
    pub(crate) fn new() -> Self {
        static TESTS: AtomicU8 = AtomicU8::new(1);
        let process = (std::process::id() % 250) as u8 + 1;
        Self { test: TESTS.fetch_add(1, Ordering::Relaxed), process }
    }

    /// Host `n` of the network.
    pub(crate) fn ip(&self, n: u8) -> IpAddr {
        IpAddr::from([127, self.test, self.process, n])
    }

    /// The balance server on host `n`.
    pub(crate) fn server(&self, n: u8) -> SocketAddr {
        SocketAddr::new(self.ip(n), 3001)
    }

    /// The TURN server on host `n`.
    pub(crate) fn turn(&self, n: u8) -> SocketAddr {
        SocketAddr::new(self.ip(n), 3478)
    }
}

/// The configuration of a balance server.
pub(crate) fn config(
    bind: SocketAddr,
    name: &str,
    superior: Option<SocketAddr>,
    nodes: &[SocketAddr],
    turn: Option<SocketAddr>,
) -> Config {
    let mut config = Config::default();
    config.net.bind = vec![bind];
    config.net.name = Some(name.parse().unwrap());
    config.cluster.superiors = superior.into_iter().map(Endpoint::from).collect();
    let entry = |&addr| NodeEntry::new(addr);
    config.cluster.nodes = nodes.iter().map(entry).collect();
    config.turn.bind = turn;
    config
}

/// Answers STUN Binding requests as a TURN server does, until the test ends.
pub(crate) fn answer_bindings(addr: SocketAddr) {
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

/// Says that a test was skipped, past the harness, which shows nothing of a test that passes.
pub(crate) fn skipped(why: &str) {
    let line = format!("SKIPPED: {why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
