//! A client that has IPv6 alone, and a NAT64 in its network. Needs tayga.

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;
use turn_balance::View;
use turn_balance_lab::host::{Host, Lab, eventually};
use turn_balance_lab::loopback::skipped;
use turn_balance_lab::process::{Answerer, Process, answer_bindings};

use crate::{addr, lab, leaf, superior};

/// A root of both families.
const OLD_ROOT: &str = "203.0.113.1:3001";
const NEW_ROOT: &str = "[2001:db8::1]:3001";

/// What a resolver with DNS64 says in this network.
const NAMES: &str = "2001:db8:64::192.0.0.170 ipv4only.arpa\n\
                     2001:db8:64::192.0.0.171 ipv4only.arpa\n";

/// An address of IPv4 as the client must use it.
fn behind(ip: &str, port: u16) -> String {
    SocketAddr::new(format!("2001:db8:64::{ip}").parse().unwrap(), port).to_string()
}

/// A root of both families above two leaves of IPv4, and a router between these and a client of IPv6.
struct Cascade {
    client: Host,
    router: Host,
    _hosts: Vec<Host>,
    _servers: Vec<Process>,
    _turns: Vec<Answerer>,
}

impl Cascade {
    fn new(lab: &Lab) -> Self {
        lab.lan("old").unwrap();
        let client = lab.host("client", &["2001:db8::9/64"]);
        let router = lab.host("router", &["2001:db8::fe/64"]);
        let root = lab.host("root", &["2001:db8::1/64"]);
        lab.join(&router, "old", &["203.0.113.254/24"]);
        lab.join(&root, "old", &["203.0.113.1/24"]);
        client.ip("route add default via 2001:db8::fe\n");
        router.sysctl("net/ipv4/ip_forward", "1").unwrap();
        router.sysctl("net/ipv6/conf/all/forwarding", "1").unwrap();
        let nodes = ["203.0.113.2:3001", "203.0.113.3:3001"];
        let (mut hosts, mut servers, mut turns) = (vec![root], Vec::new(), Vec::new());
        servers.push(hosts[0].serve(&superior(&[OLD_ROOT, NEW_ROOT], &nodes)));
        for node in nodes {
            let host = lab.host(node, &[]);
            lab.join(&host, "old", &[&node.replace(":3001", "/24")]);
            let turn = node.replace("3001", "3478");
            turns.push(host.answer(addr(&turn), answer_bindings));
            servers.push(host.serve(&leaf(node, OLD_ROOT, &turn)));
            hosts.push(host);
        }
        hosts.iter().for_each(|host| host.ip("route add default via 203.0.113.254\n"));
        eventually("both are listed", || {
            let list = client.list(addr(NEW_ROOT), View::Flat)?;
            (list.nodes.len() == 2).then_some(())
        });
        Self { client, router, _hosts: hosts, _servers: servers, _turns: turns }
    }

    /// Sets the NAT64 up. `None`: this machine has none; CI must.
    fn translate(&self) -> Option<Process> {
        if let Err(error) = Command::new("tayga").arg("--help").output() {
            assert!(std::env::var_os("CI").is_none(), "tayga: {error}");
            skipped(&format!("tayga: {error}"));
            return None;
        }
        let tayga = self.router.tayga("2001:db8:64::", "192.168.255.0/24").unwrap();
        self.router.ip("link set nat64 up\n\
                        route add 192.168.255.0/24 dev nat64\n\
                        route add 2001:db8:64::/96 dev nat64\n");
        Some(tayga)
    }

    fn tb(&self, args: &[&str]) -> Output {
        self.client.tb_knowing(NAMES, args)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_client_of_ipv6_alone_is_led_to_ipv4() {
    let Some(lab) = lab() else { return };
    let cascade = Cascade::new(&lab);
    let Some(_tayga) = cascade.translate() else { return };
    let turns = ["203.0.113.2", "203.0.113.3"].map(|ip| behind(ip, 3478));
    for root in [NEW_ROOT, OLD_ROOT] {
        let found = eventually("a probe", || {
            let found = cascade.tb(&["probe", root]);
            found.status.success().then_some(found)
        });
        let line = text(&found.stdout);
        assert!(turns.contains(&line.trim().to_owned()), "{line}");
        let talk = text(&found.stderr);
        assert!(talk.contains(", listed as 203.0.113."), "{talk}");

        let found = cascade.tb(&["probe", "--json", root]).stdout;
        let found: Value = serde_json::from_slice(&found).unwrap();
        assert_eq!(found["verified"], true, "it is an address to use: {found}");
        for (used, listed) in
            [&found, &found["runners_up"][0]].map(|at| (&at["turn"], &at["listed"]))
        {
            let ip = listed.as_str().and_then(|listed| listed.strip_suffix(":3478"));
            assert_eq!(*used, *behind(ip.expect("an address of IPv4"), 3478), "{found}");
        }
        let expected = if root == OLD_ROOT { Value::from(OLD_ROOT) } else { Value::Null };
        assert_eq!(found["path"][0]["listed"], expected, "{found}");
    }
    let table = text(&cascade.tb(&["trace", NEW_ROOT]).stdout);
    assert!(table.lines().next().unwrap().ends_with("LISTED            STATE"), "{table}");
    assert!(table.contains("203.0.113.2:3001  "), "{table}");
    // A bridge of its own, as of containers, is no way to the internet.
    lab.lan("bridge").unwrap();
    lab.join(&cascade.client, "bridge", &["10.9.0.1/24"]);
    for root in [NEW_ROOT, OLD_ROOT] {
        let found = text(&cascade.tb(&["probe", root]).stdout);
        assert!(turns.contains(&found.trim().to_owned()), "{found}");
    }
    // What is meant are addresses as they are listed.
    let old = text(&cascade.tb(&["probe", "-4", OLD_ROOT]).stdout);
    assert!(turns.contains(&old.trim().to_owned()), "{old}");
    let new = cascade.tb(&["probe", "-6", NEW_ROOT]);
    assert!(text(&new.stderr).contains("no address that may be asked"), "{}", text(&new.stderr));
}

#[test]
fn it_pings_a_server_of_ipv4() {
    let Some(lab) = lab() else { return };
    let cascade = Cascade::new(&lab);
    let Some(_tayga) = cascade.translate() else { return };
    let pings = eventually("an answer", || {
        let pings = cascade.tb(&["ping", "-c", "2", "-i", "10ms", "-W", "2", "203.0.113.1"]);
        pings.status.success().then(|| text(&pings.stdout))
    });
    let used = behind("203.0.113.1", 3001);
    assert!(pings.starts_with(&format!("PING 203.0.113.1 ({used}) ")), "{pings}");
    assert!(pings.contains(&format!(" bytes from {used}: seq=")), "{pings}");
}

#[test]
fn without_a_nat64_there_is_no_way_and_that_is_said() {
    let Some(lab) = lab() else { return };
    let Cascade { client, _servers, .. } = &Cascade::new(&lab);
    let nobody = "192.0.2.1 nobody.example\n";
    let found = client.tb_knowing(nobody, &["probe", NEW_ROOT]);
    let said = text(&found.stderr);
    assert!(
        said.contains("none of 2 candidates below ") && said.contains(" can be reached"),
        "{said}"
    );
    assert_eq!(found.status.code(), Some(1));
    let found = client.tb_knowing(nobody, &["probe", OLD_ROOT]);
    let said = text(&found.stderr);
    assert!(said.contains("Network is unreachable"), "{said}");
    assert_eq!(found.status.code(), Some(2));
}
