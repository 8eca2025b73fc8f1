//! Servers that listen on all addresses of hosts that have several.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::wire::View;

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::{Host, Lab, ask, eventually};

const OTHER: &str = "other";

/// A host on two networks, with two addresses of each family on the first.
fn multihomed(lab: &Lab, host: u8) -> Host {
    let [low, high] =
        [host, host + 100].map(|n| [format!("203.0.113.{n}/24"), format!("2001:db8:1::{n}/64")]);
    let made = lab.host(&format!("host {host}"), &[&low[0], &high[0], &low[1], &high[1]]);
    let addrs = [format!("198.51.100.{host}/24"), format!("2001:db8:2::{host}/64")];
    lab.join(&made, OTHER, &[&addrs[0], &addrs[1]]);
    made
}

fn addrs(host: u8, port: u16) -> [SocketAddr; 6] {
    let high = host + 100;
    [
        format!("203.0.113.{host}:{port}"),
        format!("203.0.113.{high}:{port}"),
        format!("198.51.100.{host}:{port}"),
        format!("[2001:db8:1::{host}]:{port}"),
        format!("[2001:db8:1::{high}]:{port}"),
        format!("[2001:db8:2::{host}]:{port}"),
    ]
    .map(|text| addr(&text))
}

/// Every address is asked from every other, also across the two networks: then the answer goes out
/// by another interface than the request came in.
fn every_address_answers(server: &Host, asker: &Host) {
    for host in [server, asker] {
        for link in ["all", "eth0", "eth1"] {
            host.sysctl(&format!("net/ipv4/conf/{link}/rp_filter"), "0").unwrap();
        }
    }
    for to in addrs(1, 3001) {
        for from in addrs(9, 0).into_iter().filter(|from| from.is_ipv4() == to.is_ipv4()) {
            let socket = asker.udp(from);
            // Nothing is received from elsewhere then.
            asker.run(|| socket.connect(to)).unwrap();
            eventually(&format!("{to} answers {from}"), || {
                ask(&socket, to, View::Flat, Duration::from_millis(200))
            });
        }
    }
}

#[test]
fn an_answer_leaves_from_the_address_that_was_asked() {
    for binds in [&["0.0.0.0:3001", "[::]:3001"][..], &["[::]:3001"]] {
        let Some(lab) = lab() else { return };
        lab.lan(OTHER).unwrap();
        let (server, asker) = (multihomed(&lab, 1), multihomed(&lab, 9));
        let _server = server.serve(&superior(binds, &[]));
        every_address_answers(&server, &asker);
    }
}

#[test]
fn checks_and_heartbeats_find_their_way_between_such_hosts() {
    for binds in [&["0.0.0.0:3001", "[::]:3001"][..], &["[::]:3001"]] {
        let Some(lab) = lab() else { return };
        lab.lan(OTHER).unwrap();
        let hosts = [1, 2, 3, 4].map(|n| multihomed(&lab, n));
        // Each is known by another one of its addresses: the third by one that no route prefers.
        let nodes = ["[2001:db8:2::2]:3001", "203.0.113.103:3001", "198.51.100.4:3001"];
        let root = hosts[0].serve(&superior(binds, &nodes));
        let leaves =
            [(2, "[2001:db8:2::1]:3001"), (3, "203.0.113.1:3001"), (4, "198.51.100.1:3001")];
        let _leaves = leaves.map(|(n, above)| {
            let config = leaf("X", above, &format!("203.0.113.{n}:3478"));
            hosts[n - 1].serve(&config.replace("'X'", &format!("{binds:?}")))
        });
        lists(&hosts[1], "203.0.113.101:3001", &nodes);
        lists(&hosts[1], "[2001:db8:2::1]:3001", &nodes);
        assert!(root.end_and_count("heartbeats") > 0, "heartbeats come from addresses it knows");
    }
}
