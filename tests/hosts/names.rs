//! Names: what kinds there are, and one that stands for thousands.

use std::fmt::Write as _;
use std::net::SocketAddr;

use turn_balance_lab::host::{Host, eventually};

use crate::{lab, lists};

/// How many addresses of one name are used.
const USED: usize = 64;

/// Lines of a hosts file.
fn many(name: &str, third: u8, count: u8) -> String {
    let mut lines = String::new();
    for (third, last) in (third..third + 12).flat_map(|third| (1..=count).map(move |n| (third, n)))
    {
        writeln!(lines, "10.9.{third}.{last} {name}").unwrap();
    }
    lines
}

/// Notes from now on where a host sends to: whatever it is, it leaves.
fn watch(host: &Host) {
    host.ip("route add default dev eth0\n");
    host.nft(
        "table inet seen {\n\
         set to {\ntype ipv4_addr\nsize 65535\nflags dynamic\n}\n\
         chain output {\ntype filter hook output priority 0\nudp dport 3001 add @to { ip daddr }\n}\n}\n",
    );
}

fn seen(host: &Host) -> usize {
    host.nft("list set inet seen to\n").matches("10.9.").count()
}

#[test]
fn a_name_of_thousands_is_a_bounded_number_of_nodes_and_superiors() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24"]);
    watch(&server);
    let names = many("many.example", 0, 250)
        + &many("more.example", 12, 5)
        + &many("above.example", 24, 250);
    let config = "net.bind = '203.0.113.1:3001'\n[cluster]\n\
                  nodes = ['many.example:3001', 'more.example:3001', '10.9.99.1:3001']\n\
                  superiors = 'above.example:3001'\nmax-nodes = 100\n\
                  [turn]\nbind = '203.0.113.1:3478'\nhealth = 'none'\n";
    let server_process = server.serve_knowing(&names, config);
    let expected = 100 + USED;
    eventually("all are asked", || (seen(&server) >= expected).then_some(()));
    // The checks of all nodes are spread over half a second, heartbeats over less.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(seen(&server), expected);
    let log = server_process.end();
    let told = |host: &str, found: usize, used: usize| {
        let lines = log.lines().filter(|line| line.contains("more addresses than are used"));
        let lines: Vec<_> = lines.filter(|line| line.contains(host)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        let fields = format!("found={found} used={used}");
        assert!(lines[0].contains(" WARN ") && lines[0].contains(&fields), "{}", lines[0]);
    };
    told("many.example", 3000, USED);
    told("more.example", 60, 100 - 1 - USED);
    told("above.example", 3000, USED);
}

#[test]
fn so_it_is_of_roots() {
    let Some(lab) = lab() else { return };
    let client = lab.host("client", &["203.0.113.9/24"]);
    watch(&client);
    let roots =
        client.trace_knowing(&many("many.example", 0, 250), &["many.example", "--timeout", "1"]);
    let expected: Vec<_> =
        (1..=USED).map(|n| SocketAddr::from(([10, 9, 0, n as u8], 3001))).collect();
    let mut found: Vec<_> = roots.into_iter().map(|(root, _)| root).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(seen(&client), USED);
}

#[test]
fn names_are_resolved_whatever_they_look_like() {
    let Some(lab) = lab() else { return };
    let (root, leaf) = (lab.host("root", &["10.0.0.1/24"]), lab.host("leaf", &["10.0.0.2/24"]));
    // As container networks call them; no host name of RFC 1123.
    let names = "10.0.0.1 my_root\n10.0.0.2 the_leaf_1\n";
    let config = "net.bind = '10.0.0.1:3001'\ncluster.nodes = ['the_leaf_1']\n";
    let _root = root.serve_knowing(names, config);
    let config = "net.bind = '10.0.0.2:3001'\ncluster.superiors = 'my_root'\n\
                  turn = { bind = '10.0.0.2:3478', health = 'none' }\n";
    let _leaf = leaf.serve_knowing(names, config);
    lists(&leaf, "10.0.0.1:3001", &["10.0.0.2:3001"]);
    for args in [
        &["probe", "my_root", "--verify", "off"][..],
        &["trace", "my_root:3001", "--verify", "off"],
        &["ping", "-c1", "my_root"],
    ] {
        let output = leaf.tb_knowing(names, args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
}

/// By address it would be an error of the configuration.
#[test]
fn what_no_socket_can_send_to_is_told_once() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24"]);
    let names = "2001:db8::7 above.example\n203.0.113.7 above.example\n2001:db8::8 below.example\n";
    let process = server.serve_knowing(
        names,
        "net.bind = '203.0.113.1:3001'\n\
         cluster = { superiors = 'above.example', nodes = ['below.example'] }\n\
         turn = { bind = '203.0.113.1:3478', health = 'none' }\nlog.level = 'trace'\n",
    );
    let sent = "heartbeat to=203.0.113.7:3001";
    let log = eventually("some heartbeats", || {
        Some(process.log()).filter(|log| log.matches(sent).count() >= 3)
    });
    for (what, addr) in [("superior", "[2001:db8::7]:3001"), ("node", "[2001:db8::8]:3001")] {
        let told = format!("a {what} is never asked: `net.bind` has no IPv6 address addr={addr}");
        assert_eq!(log.matches(&told).count(), 1, "{told}: {log}");
    }
}
