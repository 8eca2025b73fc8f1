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
