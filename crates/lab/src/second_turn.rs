//! A second TURN server, which has nothing in common with coturn: `.ci/second-turn` builds it.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::stun;

use crate::Built;
use crate::loopback::skipped;
use crate::patience::PATIENCE;

/// The server, until it is dropped.
pub struct SecondTurn {
    child: Child,
    config: PathBuf,
    /// Where it exposes its metrics, at `/metrics`.
    pub metrics: SocketAddr,
}

impl SecondTurn {
    /// Starts one at this address, which mints credentials from this secret, and waits until it answers;
    /// `None`, and a loud word, where `TB_SECOND_TURN` does not say where its program is, and none is
    /// required.
    pub fn start(built: Built, addr: SocketAddr, secret: &str) -> Option<Self> {
        let Some(program) = std::env::var_os("TB_SECOND_TURN") else {
            let required = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
            assert!(!required, "no second TURN server, and it is required");
            skipped("no second TURN server: `TB_SECOND_TURN=$(.ci/second-turn)` runs this test");
            return None;
        };
        let config = built.file("second-turn");
        let metrics = SocketAddr::new(addr.ip(), 9184);
        let text = format!(
            "[server]\nrealm = \"turn.example\"\n\
             [[server.interfaces]]\ntransport = \"udp\"\nlisten = \"{addr}\"\nexternal = \"{addr}\"\n\
             [prometheus]\nlisten = \"{metrics}\"\n\
             [auth]\nstatic-auth-secret = \"{secret}\"\n"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the second TURN server");
        let mut server = Self { child, config, metrics };
        server.wait(addr);
        Some(server)
    }

    fn wait(&mut self, addr: SocketAddr) {
        let socket = UdpSocket::bind((addr.ip(), 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (start, mut buffer) = (Instant::now(), [0; 1500]);
        loop {
            let _ = socket.send_to(&stun::binding_request(7), addr);
            let len = socket.recv_from(&mut buffer).map_or(0, |(len, _)| len);
            if stun::binding_response(&buffer[..len]).is_some() {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the second TURN server has ended: {ended:?}");
            assert!(start.elapsed() < PATIENCE, "the second TURN server does not answer");
        }
    }
}

impl Drop for SecondTurn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.config);
    }
}
