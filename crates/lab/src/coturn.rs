//! A real TURN server: Debian's coturn, with what a test wants of it.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::stun;

use crate::loopback::skipped;
use crate::patience::PATIENCE;

/// The secret of one with [`WITH_SECRET`].
pub const SECRET: &str = "north-wind";

/// Credentials that are minted from [`SECRET`].
pub const WITH_SECRET: [&str; 2] = ["--use-auth-secret", "--static-auth-secret=north-wind"];

/// The user `probe` with the password `salmon`.
pub const WITH_USER: [&str; 2] = ["--lt-cred-mech", "--user=probe:salmon"];

/// Its users are in memory: a file would be left behind, or be the one of the coturn that is installed here.
pub const NO_FILE: &str = "--userdb=:memory:";

/// A coturn, until it is dropped.
pub struct Coturn {
    child: Child,
    pub addr: SocketAddr,
}

impl Coturn {
    /// Starts one at this address, for UDP and TCP, with these options, and waits until it answers; `None`,
    /// and a loud word, where there is no coturn on this machine and none is required.
    pub fn start(addr: SocketAddr, options: &[&str]) -> Option<Self> {
        let mut command = Command::new("turnserver");
        command.args(["-n", "--no-cli", "--no-dtls", "--log-file=stdout", "--pidfile=/dev/null"]);
        command.args(["--relay-threads=1", "--realm=turn.example", "--allow-loopback-peers"]);
        command.arg(NO_FILE);
        command.arg(format!("--listening-ip={}", addr.ip()));
        command.arg(format!("--relay-ip={}", addr.ip()));
        command.arg(format!("--listening-port={}", addr.port()));
        command.args(options).stdout(Stdio::null()).stderr(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let required = ["TB_REQUIRE_COTURN", "CI"].map(std::env::var);
                let required =
                    required.into_iter().any(|value| value.is_ok_and(|it| !it.is_empty()));
                assert!(!required, "no coturn, and it is required: {error}");
                skipped("no coturn here; `apt-get install coturn` runs this test");
                return None;
            }
        };
        let mut coturn = Self { child, addr };
        coturn.wait();
        Some(coturn)
    }

    /// Kills it as a power cut does.
    pub fn kill(self) {}

    fn wait(&mut self) {
        let socket = UdpSocket::bind((self.addr.ip(), 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let start = Instant::now();
        loop {
            let _ = socket.send_to(&stun::binding_request(7), self.addr);
            let mut buffer = [0; 1500];
            match socket.recv_from(&mut buffer) {
                Ok((len, _)) if stun::binding_response(&buffer[..len]).is_some() => return,
                _ => {}
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "coturn has ended: {ended:?}");
            assert!(start.elapsed() < PATIENCE, "coturn does not answer");
        }
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::loopback::Net;

    #[test]
    fn no_file_is_left_behind() {
        let Some(coturn) = Coturn::start(Net::new().turn(1), &WITH_SECRET) else { return };
        let open = std::fs::read_dir(format!("/proc/{}/fd", coturn.child.id())).unwrap();
        let files = open.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        let files: Vec<_> = files.filter(|file| file.is_file()).collect();
        assert!(files.is_empty(), "{files:?}");
    }
}
