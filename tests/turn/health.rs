//! Real TURN servers that must allocate, or relay: beside a server, and as its nodes.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use turn_balance::TurnSecret;
use turn_balance_lab::Built;
use turn_balance_lab::coturn::{Coturn, SECRET, WITH_SECRET};
use turn_balance_lab::loopback::Net;
use turn_balance_lab::served::Served;

use crate::held::Held;

const BUILT: Built = turn_balance_lab::built!();

/// What stands in the configuration for one of that depth.
fn checked(health: &str) -> String {
    let file = BUILT.file("secret");
    fs::write(&file, SECRET).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    format!("health = '{health}', secret-file = '{}'", file.display())
}

/// The configuration of a server beside this one.
fn beside(turn: SocketAddr, health: &str) -> String {
    format!("turn = {{ bind = '{turn}', {} }}\n", checked(health))
}

/// That of a server whose node this is.
fn node(turn: SocketAddr, health: &str) -> String {
    format!("cluster.nodes = [{{ turn = '{turn}', {} }}]\n", checked(health))
}

#[test]
fn nodes_that_allocate_and_relay_come_online() {
    let net = Net::new();
    for (n, health) in [(1, "allocate"), (2, "relay")] {
        let turn = net.turn(n);
        let Some(_coturn) = Coturn::start(turn, &WITH_SECRET) else { return };
        let mut served = Served::start(BUILT, net.server(n), "info", &node(turn, health));
        served.until_it_logs(&format!("TURN server online addr={turn}"));
        let log = served.end();
        assert!(!log.contains("offline"), "{health}: {log}");
    }
}

/// coturn knows a port by the username that came from there, and minted ones change every second.
#[test]
fn one_that_is_full_is_said_to_be_nothing_else_until_it_has_room() {
    let net = Net::new();
    for (n, up) in [(1, "up"), (2, "online")] {
        let turn = net.turn(n);
        let place = if n == 1 { beside } else { node };
        let options = [&WITH_SECRET[..], &["--total-quota=1"]].concat();
        let Some(_coturn) = Coturn::start(turn, &options) else { return };
        let held = Held::new(turn, TurnSecret::new(SECRET).mint(2_000_000_000, "somebody"));
        let mut served = Served::start(BUILT, net.server(n), "info", &place(turn, "allocate"));
        served.until_it_logs("quota");
        held.release();
        served.until_it_logs(&format!("TURN server {up}"));
        let log = served.end();
        assert_eq!(log.matches("reason=").count(), 1, "{log}");
    }
}
