//! Interfaces that go down and come up, and addresses that go with them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use turn_balance_lab::built;
use turn_balance_lab::host::eventually;

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

#[test]
fn a_trace_counts_what_its_own_link_loses_and_goes_on() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, client] = [1, 9].map(host);
    let turn = "turn = { bind = '203.0.113.1:3478', health = 'none' }";
    let _root = root.serve(&format!("net.bind = '{ABOVE}'\n{turn}\n"));
    eventually("a selection", || client.probe(&[ABOVE]));
    let mut trace = client.command(built!().tb);
    trace.args(["trace", "-c", "30", "-i", "100ms", "--verify", "off", "--json", ABOVE]);
    let trace = trace.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    client.ip("link set eth0 down\n");
    std::thread::sleep(Duration::from_millis(1500));
    client.ip("link set eth0 up\n");
    let output = trace.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let count: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let (found, unsent) = (number(&count["found"]), number(&count["unsent"]));
    assert_eq!(number(&count["descents"]), 30, "{count}");
    assert!(unsent >= 5 && found >= 5 && found + unsent <= 30, "{count}");
    let root = &count["candidates"][0];
    assert_eq!((number(&root["level"]), number(&root["sent"])), (0, 30), "{count}");
    let loss = root["loss_percent"].as_f64().unwrap();
    assert!((loss - (30 - found) as f64 / 0.3).abs() < 0.1, "{count}");
    assert!(said.contains(&format!("{unsent} could not be sent")), "{said}");
}
