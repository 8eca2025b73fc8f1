//! What a service manager hears: a socket of this test's is where systemd's would be.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use turn_balance_lab::loopback::Net;

use crate::{Running, client};

struct Manager {
    socket: UnixDatagram,
    tb: Running,
}

impl Manager {
    /// Starts `tb serve` with this file, as systemd does.
    fn start(net: &Net, file: &str, watchdog: &str) -> Self {
        fs::write(file, format!("net.bind = '{}'\n", net.server(1))).unwrap();
        let path = format!("{file}.socket");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let variables = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", watchdog)];
        let mut tb = client(&["serve", "-c", file]);
        let tb = tb.envs(variables).stderr(Stdio::null()).spawn().unwrap();
        Self { socket, tb: Running(tb) }
    }

    /// What it is told next; that the server lives is passed over.
    fn hears(&self) -> String {
        loop {
            let told = self.hears_all();
            if told != "WATCHDOG=1\n" {
                return told;
            }
        }
    }

    fn hears_all(&self) -> String {
        let mut buffer = [0; 256];
        let len = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }
}

#[test]
fn a_service_manager_hears_when_it_is_ready_reloads_and_stops() {
    let net = Net::new();
    let file = format!("{}/manager-{}.toml", env!("CARGO_TARGET_TMPDIR"), net.server(1));
    let mut manager = Manager::start(&net, &file, "60000000");
    assert_eq!(manager.hears(), "READY=1\n");
    for rest in ["limits.ipv4-32 = 7", "limits.ipv4-32 = 'seven'"] {
        fs::write(&file, format!("net.bind = '{}'\n{rest}\n", net.server(1))).unwrap();
        manager.tb.signal("HUP");
        let told = manager.hears();
        assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{told}");
        assert_eq!(manager.hears(), "READY=1\n", "after {rest}");
    }
    manager.tb.signal("TERM");
    assert_eq!(manager.hears(), "STOPPING=1\n");
    assert_eq!(manager.tb.end().0.code(), Some(0));
}

#[test]
fn a_watchdog_hears_again_and_again_that_it_lives() {
    let net = Net::new();
    let file = format!("{}/watchdog-{}.toml", env!("CARGO_TARGET_TMPDIR"), net.server(1));
    let manager = Manager::start(&net, &file, "200000");
    assert_eq!(manager.hears(), "READY=1\n");
    assert_eq!(manager.hears_all(), "WATCHDOG=1\n");
    assert_eq!(manager.hears_all(), "WATCHDOG=1\n");
    manager.tb.signal("TERM");
    assert_eq!(manager.hears(), "STOPPING=1\n");
}
