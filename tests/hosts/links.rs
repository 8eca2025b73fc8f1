//! Interfaces that go down and come up, and addresses that go with them.

use crate::{lab, leaf, lists, superior};

const ABOVE: &str = "203.0.113.1:3001";

#[test]
fn nodes_survive_the_loss_of_their_interface_and_address() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, unplugged, renumbered, client] = [1, 2, 3, 9].map(host);
    let nodes = ["203.0.113.2:3001", "203.0.113.3:3001"];
    let _root = root.serve(&superior(&[ABOVE], &nodes));
    let leaves = [
        unplugged.serve(&leaf(nodes[0], ABOVE, "203.0.113.2:3478")),
        renumbered.serve(&leaf(nodes[1], ABOVE, "203.0.113.3:3478")),
    ];
    lists(&client, ABOVE, &nodes);
    unplugged.ip("link set eth0 down\n");
    renumbered.ip("link set eth0 down\naddr flush dev eth0\n");
    lists(&client, ABOVE, &[]);
    unplugged.ip("link set eth0 up\n");
    renumbered.ip("link set eth0 up\n");
    renumbered.add_addrs("eth0", &["203.0.113.3/24"]);
    lists(&client, ABOVE, &nodes);
    for leaf in leaves {
        assert_eq!(leaf.end_and_count("receive-errors"), 0);
    }
}

/// IPv6 addresses go with the interface. The root can be asked from itself all the time.
#[test]
fn so_does_a_superior() {
    let Some(lab) = lab() else { return };
    let root = lab.host("root", &["203.0.113.1/24", "2001:db8::1/64"]);
    let leaves = ["203.0.113.2/24", "2001:db8::3/64"].map(|addr| lab.host(addr, &[addr]));
    let nodes = ["203.0.113.2:3001", "[2001:db8::3]:3001"];
    let _root = root.serve(&superior(&["[::]:3001"], &nodes));
    let above = [ABOVE, "[2001:db8::1]:3001"];
    let _leaves = [0, 1]
        .map(|n| leaves[n].serve(&leaf(nodes[n], above[n], &nodes[n].replace("3001", "3478"))));
    let itself = "127.0.0.1:3001";
    lists(&root, itself, &nodes);
    root.ip("link set eth0 down\naddr flush dev eth0\n");
    lists(&root, itself, &[]);
    root.ip("link set eth0 up\n");
    root.add_addrs("eth0", &["203.0.113.1/24", "2001:db8::1/64"]);
    lists(&root, itself, &nodes);
    for server in above {
        lists(&leaves[usize::from(server.starts_with('['))], server, &nodes);
    }
}
