//! A node that joins from behind a NAT.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::{addr, lab, lists};
use turn_balance_lab::built;
use turn_balance_lab::host::eventually;
use turn_balance_lab::process::answer_bindings;

/// A key file for all servers of this test, removed at its end.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new() -> Self {
        let path = built!().file("key");
        fs::write(&path, [7; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self(path)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_node_behind_a_nat_is_found_where_it_says() {
    let Some(lab) = lab() else { return };
    lab.lan("inside").unwrap();
    let root = lab.host("root", &["203.0.113.1/24"]);
    let client = lab.host("client", &["203.0.113.9/24"]);
    let router = lab.host("router", &["203.0.113.254/24"]);
    lab.join(&router, "inside", &["10.0.0.1/24"]);
    let node = lab.host("node", &[]);
    lab.join(&node, "inside", &["10.0.0.2/24"]);
    node.ip("route add default via 10.0.0.1\n");
    router.sysctl("net/ipv4/ip_forward", "1").unwrap();
    // What leaves has another port than what comes in: heartbeats do not tell where the node is.
    router.nft(
        "table ip nat {\n\
         chain in { type nat hook prerouting priority dstnat\n\
         iif eth0 udp dport { 3001, 3478 } dnat to 10.0.0.2\n}\n\
         chain out { type nat hook postrouting priority srcnat\n\
         oif eth0 meta l4proto udp masquerade to :40000-40099\n}\n}\n",
    );
    let key_file = KeyFile::new();
    let key = format!("keys = [{{ id = 1, file = '{}' }}]\n", key_file.0.display());
    let _root = root.serve(&format!(
        "net.bind = '203.0.113.1:3001'\n[cluster]\njoin = true\nrequire-auth = true\n{key}\
         join-prefixes = ['203.0.113.0/24']\n"
    ));
    let _turn = node.answer(addr("10.0.0.2:3478"), answer_bindings);
    let _node = node.serve(&format!(
        "net.bind = '10.0.0.2:3001'\n[cluster]\nsuperiors = '203.0.113.1:3001'\n{key}\
         advertise = '203.0.113.254:3001'\n\
         [turn]\nbind = '203.0.113.254:3478'\nhealth = 'none'\n"
    ));
    lists(&client, "203.0.113.1:3001", &["203.0.113.254:3001"]);
    let turn = eventually("a probe", || client.probe(&["203.0.113.1:3001"]));
    assert_eq!(turn, addr("203.0.113.254:3478"));
}

/// As where a container is made anew: what the router has noted of the first datagrams leads to where
/// nobody is any more, for as long as others come from the same port.
#[test]
fn a_node_and_a_turn_server_that_a_nat_has_lost_are_found_from_another_port() {
    let Some(lab) = lab() else { return };
    lab.lan("inside").unwrap();
    let root = lab.host("root", &["203.0.113.1/24"]);
    let client = lab.host("client", &["203.0.113.9/24"]);
    let router = lab.host("router", &["203.0.113.254/24"]);
    lab.join(&router, "inside", &["10.0.0.1/24"]);
    let inside = [2, 3].map(|n| {
        let node = lab.host(&format!("node {n}"), &[]);
        lab.join(&node, "inside", &[&format!("10.0.0.{n}/24")]);
        node.ip("route add default via 10.0.0.1\n");
        node
    });
    router.sysctl("net/ipv4/ip_forward", "1").unwrap();
    router.nft("table ip nat {\nchain in { type nat hook prerouting priority dstnat\n}\n}\n");
    let map = |n: u8| {
        let rule = format!("iif eth0 udp dport {{ 3001, 3478 }} dnat to 10.0.0.{n}");
        router.nft(&format!("flush chain ip nat in\nadd rule ip nat in {rule}\n"));
    };
    let serve = |n: u8| {
        let node = &inside[usize::from(n) - 2];
        let turn = node.answer(addr(&format!("10.0.0.{n}:3478")), answer_bindings);
        let leaf = node.serve(&format!(
            "net.bind = '10.0.0.{n}:3001'\nturn = {{ bind = '203.0.113.254:3478', health = 'none' }}\n"
        ));
        (turn, leaf)
    };
    map(2);
    let first = serve(2);
    let nodes = "cluster.nodes = ['203.0.113.254:3001']\n";
    let superior = |port, more: &str| {
        root.serve(&format!("net.bind = '203.0.113.1:{port}'\n{nodes}{more}log.level = 'debug'\n"))
    };
    let _free = superior(3001, "");
    let fixed = superior(3002, "cluster.check-bind = 4002\n");
    let leaf = root.serve(
        "net.bind = '203.0.113.1:3003'\nturn.bind = '203.0.113.254:3478'\nlog.level = 'debug'\n",
    );
    for port in [3001, 3002] {
        lists(&client, &format!("203.0.113.1:{port}"), &["203.0.113.254:3001"]);
    }
    eventually("the TURN server", || leaf.log().contains("TURN server up").then_some(()));

    drop(first);
    map(3);
    let _second = serve(3);
    eventually("a new port", || leaf.log().contains("asked from another port").then_some(()));
    lists(&client, "203.0.113.1:3001", &["203.0.113.254:3001"]);
    eventually("word of what cannot be done", || {
        fixed.log().contains("`check-bind`").then_some(())
    });
    assert!(!fixed.log().contains("its checks leave from"), "{}", fixed.log());
    let turn = eventually("a probe", || client.probe(&["203.0.113.1:3003"]));
    assert_eq!(turn, addr("203.0.113.254:3478"));
    assert!(!leaf.log().contains("TURN server down"), "it has been away: {}", leaf.log());
}
