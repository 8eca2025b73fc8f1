//! Addresses that mean nothing without their link (RFC 4007).

use std::net::SocketAddr;

use turn_balance_lab::built;
use turn_balance_lab::host::{Host, eventually};

use crate::{lab, lists};

/// What a command prints that must go well.
fn output(host: &Host, args: &[&str]) -> String {
    let output = host.command(built!().tb).args(args).env("NO_COLOR", "1").output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The number of an interface.
fn number(host: &Host, link: &str) -> u32 {
    let found = host.command("ip").args(["-o", "link", "show", link]).output().unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    text.split(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_cascade_of_link_local_addresses_is_one_like_any() {
    let Some(lab) = lab() else { return };
    lab.lan("other").unwrap();
    let root = lab.host("root", &["fe80::1/64"]);
    let leaf = lab.host("leaf", &["203.0.113.2/24", "fe80::2/64"]);
    // Two links, and on each somebody with the same address.
    let client = lab.host("client", &["203.0.113.9/24", "fe80::9/64"]);
    lab.join(&client, "other", &["fe80::9/64"]);
    let twin = lab.host("twin", &[]);
    lab.join(&twin, "other", &["fe80::1/64"]);

    let root_process = root.serve(
        "net.bind = '[fe80::1%eth0]:3001'\nlog.level = 'trace'\n[cluster]\ncheck-bind = 3005\n\
         nodes = [{ addr = 'fe80::2%eth0', public = '203.0.113.2:3001' }]\n",
    );
    let _leaf = leaf.serve(
        "net.bind = ['[fe80::2%eth0]:3001', '203.0.113.2:3001']\n\
         cluster.superiors = 'fe80::1%eth0'\n\
         turn = { bind = '203.0.113.2:3478', health = 'none' }\n",
    );
    let _twin = twin
        .serve("net.bind = '[::]:3001'\nturn = { bind = '203.0.113.3:3478', health = 'none' }\n");

    let (eth0, eth1) = (number(&client, "eth0"), number(&client, "eth1"));
    lists(&client, &format!("[fe80::1%{eth0}]:3001"), &["203.0.113.2:3001"]);
    let log = eventually("a heartbeat from the node", || {
        let log = root_process.log();
        let heartbeat = |line: &&str| line.contains("heartbeat") && line.contains("Ok(");
        log.lines().any(|line| heartbeat(&line) && line.contains("[fe80::2%")).then_some(log)
    });
    assert!(log.contains(&format!("[fe80::1%{}]:3001", number(&root, "eth0"))), "{log}");

    let by_number = format!("fe80::1%{eth0}");
    for (at, turn) in [
        ("fe80::1%eth0", "203.0.113.2:3478"),
        (&by_number, "203.0.113.2:3478"),
        ("[fe80::1%eth1]:3001", "203.0.113.3:3478"),
    ] {
        assert_eq!(client.probe(&["--verify", "off", at]), turn.parse().ok(), "{at}");
        let ping = output(&client, &["ping", "-c1", at]);
        assert!(ping.contains(" from [fe80::1%"), "{ping}");
    }
    for (from, to) in [
        ("eth1", "fe80::1"),
        ("fe80::9", "fe80::1%eth1"),
        ("fe80::9%eth1", "fe80::1%eth1"),
        ("fe80::9%eth1", "fe80::1"),
    ] {
        let ping = output(&client, &["ping", "-c1", "-I", from, to]);
        assert!(ping.contains(&format!(" from [fe80::1%{eth1}]:3001")), "{ping}");
    }
    let roots = client.trace(&["--verify", "off", "fe80::1%eth0", "fe80::1%eth1"]);
    for link in [eth0, eth1] {
        let root: SocketAddr = format!("[fe80::1%{link}]:3001").parse().unwrap();
        let state = roots.iter().find(|(addr, _)| *addr == root).map(|(_, state)| state.as_str());
        assert!(matches!(state, Some("path" | "explored" | "lost")), "{roots:?}");
    }
    // Nothing listens there, and its host says so.
    let closed = client.command(built!().tb).args(["probe", "fe80::1%eth0:3009"]).output();
    assert_eq!(closed.unwrap().status.code(), Some(2));
    let closed = client.command(built!().tb).args(["probe", "[fe80::1%eth0]:3009"]).output();
    let said = String::from_utf8(closed.unwrap().stderr).unwrap();
    assert!(said.contains("nothing listens at"), "{said}");
    let nowhere = client.command(built!().tb).args(["ping", "fe80::1%eth9"]).output().unwrap();
    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert!(said.contains("there is no interface `eth9`"), "{said}");
    assert_eq!(nowhere.status.code(), Some(2));
}
