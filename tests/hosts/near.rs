//! Lists that lead into the network of who reads them, where that is one of the internet.

use std::net::{SocketAddr, UdpSocket};

use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody, View,
};
use turn_balance_lab::host::eventually;
use turn_balance_lab::process::answer_bindings;

use crate::{addr, lab};

const ROGUE: &str = "198.51.100.1:3001";

/// Neighbours of the one at 203.0.113.9 and 2001:db8:9::9.
const NEIGHBOURS: [&str; 6] = [
    "203.0.113.7:3001",
    "203.0.113.254:53",
    "203.0.113.255:123",
    "[2001:db8:9::7]:3001",
    "[2001:db8:9:0:1::]:161",
    "[64:ff9b::203.0.113.7]:3001",
];

/// Answers with a list of these leaves.
fn list(nodes: &[&str]) -> impl Fn(&UdpSocket, SocketAddr, &[u8]) + Send + use<> {
    let leaf = |text: &&str| {
        let turn = Some(addr(text));
        Node { turn, ..Node::new(addr(text), Kind::Leaf) }
    };
    let nodes: Vec<_> = nodes.iter().map(leaf).collect();
    answer(ProbeReply { total: nodes.len() as u32, nodes, version: 1, ..ProbeReply::default() })
}

fn answer(reply: ProbeReply) -> impl Fn(&UdpSocket, SocketAddr, &[u8]) + Send {
    move |socket, from, datagram| {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(datagram) else {
            return;
        };
        let body = ResponseBody::Probe(ProbeReply { nonce: probe.nonce, ..reply.clone() });
        let _ = socket.send_to(&Response { id, body }.encode(), from);
    }
}

#[test]
fn a_root_elsewhere_leads_nobody_into_his_own_network() {
    let Some(lab) = lab() else { return };
    let rogue = lab.host("rogue", &["198.51.100.1/24"]);
    let client = lab.host("client", &["203.0.113.9/24", "2001:db8:9::9/128"]);
    client.ip("route add 198.51.100.0/24 dev eth0\nroute add default via 203.0.113.1\n\
               route add ::/0 dev eth0\n");
    rogue.ip("route add 203.0.113.0/24 dev eth0\n");
    let turn = addr("198.51.100.1:3478");
    let end = ProbeReply { turn: Some(turn), version: 1, ..ProbeReply::default() };
    let _rogue = [
        rogue.answer(addr(ROGUE), list(&[&NEIGHBOURS[..], &["198.51.100.1:3002"]].concat())),
        rogue.answer(addr("198.51.100.1:3003"), list(&NEIGHBOURS[..1])),
        rogue.answer(addr("198.51.100.1:3002"), answer(end)),
        rogue.answer(turn, answer_bindings),
    ];
    client.weather("", "ip daddr 198.51.100.1 accept\nmeta l4proto udp counter");
    let trace = client.trace(&[ROGUE]);
    for text in NEIGHBOURS {
        assert!(trace.contains(&(addr(text), "refused".to_owned())), "{text}: {trace:?}");
    }
    assert!(trace.contains(&(turn, "selected".to_owned())), "{trace:?}");
    let told = client.told(&[ROGUE]);
    let hint = "6 candidates refused: `--allow 203.0.113.0/24,203.0.113.7/32,2001:db8:9::/64` asks";
    assert!(told.contains(hint), "{told}");
    let told = client.told(&["198.51.100.1:3003"]);
    assert!(told.contains("lists no address that may be asked"), "{told}");
    assert!(told.contains("`--allow 203.0.113.0/24` asks those"), "{told}");
    assert_eq!(client.counted(), [(0, 0)], "not a datagram left for anywhere else");
    // What it says does open them, and the rule counts it.
    client.trace(&[ROGUE, "--allow", "203.0.113.0/24"]);
    assert!(client.counted()[0].0 > 0);

    // Its superior's neighbours a node names in vain.
    let config = format!("net.bind = '203.0.113.9:3001'\ncluster.nodes = ['{ROGUE}']\n");
    let _superior = client.serve(&config);
    let passed_on = eventually("what it lists", || {
        let reply = rogue.list(addr("203.0.113.9:3001"), View::Flat)?;
        Some(reply.nodes).filter(|nodes| !nodes.is_empty())
    });
    let passed_on: Vec<_> = passed_on.iter().map(|node| (node.addr, node.turn)).collect();
    let [elsewhere, nat64] = [addr("198.51.100.1:3002"), addr(NEIGHBOURS[5])];
    assert!(!passed_on.iter().any(|(addr, _)| *addr == nat64), "{passed_on:?}");
    assert_eq!(passed_on, [(elsewhere, Some(elsewhere))]);
}
