//! Roots by HTTPS as they are: the broker of a real `tb serve`.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use serde_json::Value;
use turn_balance_lab::certificates::Authority;
use turn_balance_lab::loopback::{Net, answer_bindings};
use turn_balance_lab::patience::until_some;
use turn_balance_lab::served::Served;
use turn_balance_lab::web;

use crate::{BUILT, LATER};

/// What a probe says, as JSON, with these certificates.
fn probe(roots: &std::path::Path, args: &[&str]) -> Value {
    let mut probe = Command::new(BUILT.tb);
    probe.args(["probe", "--json", "--ca-file"]).arg(roots).args(args);
    let output = probe.env_remove("TB_SERVER").output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_turn_server_is_found_by_the_broker_of_a_real_server() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let [root, leaf] = [net.server(1), net.server(2)];
    let turn = net.turn(2);
    answer_bindings(turn);
    web::plain_bindings(TcpListener::bind(turn).unwrap());
    let by_tcp = format!("turn:{turn}?transport=tcp");
    let _leaf = Served::start(
        BUILT,
        leaf,
        "warn",
        &format!(
            "net.name = 'fra-b'\ncluster.superiors = '{root}'\n\
             turn = {{ bind = '{turn}', urls = ['{by_tcp}'] }}\n"
        ),
    );
    let broker = SocketAddr::new(root.ip(), 8443);
    let certificate = authority.sign(&format!("IP:{}", broker.ip()), LATER);
    let _root = Served::start(
        BUILT,
        root,
        "warn",
        &format!(
            "net.name = 'root'\ncluster.nodes = ['{leaf}']\n\
             http = {{ bind = '{broker}', cert = {:?}, key = {:?} }}\n",
            certificate.certificate, certificate.key
        ),
    );
    let url = format!("https://{broker}");
    // The first list may have come before the leaf was online, or its URL was checked.
    let found = until_some("a verified one", || {
        Some(probe(&authority.roots(), &[&url])).filter(|found| found["verified"] == true)
    });
    assert_eq!((&found["turn"], &found["name"]), (&turn.to_string().into(), &"fra-b".into()));
    assert_eq!((&found["transport"], &found["datagrams"]), (&"https".into(), &0.into()));
    assert_eq!(found["path"][0]["addr"], broker.to_string());
    assert_eq!(
        (&found["path"][0]["name"], &found["path"][1]["name"]),
        (&"root".into(), &"fra-b".into())
    );
    let urls = [by_tcp, format!("turn:{turn}?transport=udp")];
    assert_eq!(found["urls"], serde_json::json!(urls), "what works without UDP comes first");

    let stranger = Authority::new(BUILT);
    let refused = probe(&stranger.roots(), &[&url]);
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.ends_with("shows a certificate that nobody who is trusted has signed"), "{said}");
    // By UDP it is the same one, and that is what comes first.
    let by_udp = probe(&authority.roots(), &[&root.to_string(), &url]);
    assert_eq!((&by_udp["turn"], &by_udp["transport"]), (&found["turn"], &"udp".into()));
}

#[test]
fn turn_servers_that_are_as_near_share_the_clients() {
    let (net, authority) = (Net::new(), Authority::new(BUILT));
    let root = net.server(1);
    let leaf = |n: u8, used: u32| {
        let (turn, file) = (net.turn(n), BUILT.file(&format!("load-{n}")));
        std::fs::write(&file, format!("{used}\n")).unwrap();
        answer_bindings(turn);
        web::plain_bindings(TcpListener::bind(turn).unwrap());
        let config = format!(
            "cluster.superiors = '{root}'\n[turn]\nbind = '{turn}'\ncapacity = 400\n\
             load = {{ file = {file:?} }}\nurls = ['turn:{turn}?transport=tcp']\n"
        );
        Served::start(BUILT, net.server(n), "warn", &config)
    };
    let _leaves = [leaf(2, 100), leaf(3, 100)];
    let broker = SocketAddr::new(root.ip(), 8443);
    let certificate = authority.sign(&format!("IP:{}", broker.ip()), LATER);
    let _root = Served::start(
        BUILT,
        root,
        "warn",
        &format!(
            "cluster.nodes = ['{}', '{}']\nhttp = {{ bind = '{broker}', cert = {:?}, key = {:?} }}\n",
            net.server(2),
            net.server(3),
            certificate.certificate,
            certificate.key
        ),
    );
    let url = format!("https://{broker}");
    let probe = || Some(probe(&authority.roots(), &[&url]));
    until_some("a draw of two", || probe().filter(|found| found["drawn"] == 2));
    // All thirty name the same in one run of 500 million.
    let found: Vec<_> = (0..30).filter_map(|_| probe()).collect();
    let chosen: BTreeSet<_> = found.iter().filter_map(|found| found["turn"].as_str()).collect();
    assert_eq!(chosen.len(), 2, "{chosen:?}");
    // A quarter, by the middle of its fourteenth.
    assert!(found.iter().all(|found| found["load"] == 0.25), "{}", found[0]);
}
