//! What `tb ping` shows of servers that go away and come back, as its network tells of them.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use turn_balance_lab::built;
use turn_balance_lab::host::eventually;

use crate::lab;

const ABOVE: &str = "203.0.113.1:3001";

#[test]
fn a_ping_goes_on_through_all_that_the_network_says() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [server, client] = [1, 9].map(host);
    let turn = "turn = { bind = '203.0.113.1:3478', health = 'none' }";
    let config = format!("net.bind = '{ABOVE}'\n{turn}\n");
    let process = server.serve(&config);
    eventually("an answer", || client.probe(&["--verify", "off", ABOVE]));
    let mut ping = client.command(built!().tb);
    ping.args(["ping", "-i", "50ms", ABOVE]).stdout(Stdio::piped());
    let mut ping = ping.spawn().unwrap();
    let mut lines = BufReader::new(ping.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = |what: &str| {
        let found = lines.by_ref().take(400).find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("never: {what}"))
    };
    next(" bytes from ");
    server.weather("udp dport 3001 reject with icmp type admin-prohibited", "");
    next(" no route");
    server.weather("", "");
    next(" bytes from ");
    client.ip("link set eth0 down\n");
    next(" no route");
    client.ip("link set eth0 up\n");
    next(" bytes from ");
    process.end();
    let line = next(" port unreachable");
    assert!(line.starts_with(&format!("no answer from {ABOVE}: seq=")), "{line}");
    let _process = server.serve(&config);
    next(" bytes from ");
    server.weather("udp dport 3001 drop", "");
    next(" timeout=1s");
    server.weather("", "");
    next(" bytes from ");
    let interrupted = client.run(|| {
        let kill =
            std::process::Command::new("kill").args(["-INT", &ping.id().to_string()]).status();
        kill.unwrap().success()
    });
    assert!(interrupted);
    let summary = next(" packets transmitted, ");
    assert!(summary.contains(" errors, "), "{summary}");
    assert_eq!(ping.wait().unwrap().code(), Some(0));
}

/// Neither the router nor this host has a way there: that is no end, as for `ping`.
#[test]
fn where_there_is_no_way_it_goes_on_unless_nothing_can_be_sent() {
    let Some(lab) = lab() else { return };
    let client = lab.host("client", &["203.0.113.9/24"]);
    let ping = |args: &[&str]| {
        let mut ping = client.command(built!().tb);
        let output = ping.arg("ping").args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    // Nobody has that address: the system finds out within a second or three.
    let (text, _, code) = ping(&["-w", "8", "-i", "500ms", "203.0.113.77"]);
    assert!(text.matches(" no route\n").count() > 1, "{text}");
    assert_eq!(code, Some(1), "{text}");
    let (_, errors, code) = ping(&["198.51.100.1"]);
    assert!(errors.contains("Network is unreachable"), "{errors}");
    assert_eq!(code, Some(2));
}
