//! What the network says of datagrams that do not arrive, and what others say in its name.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use turn_balance::internals::wire::{
    ProbeReply, Request, RequestBody, Response, ResponseBody, View,
};

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::{Host, ask, eventually};
use turn_balance_lab::process::{Answerer, answer_bindings};

/// Sends ICMP errors about anything.
struct Liar(Socket);

impl Liar {
    fn new(host: &Host) -> Self {
        let open = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
        Self(host.run(open).unwrap())
    }

    /// Says to the sender that a datagram did not arrive: "port unreachable".
    fn deny(&self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        self.say(3, 0, from, to, payload);
    }

    /// Says to the sender that no packet longer than `mtu` gets through: "fragmentation needed".
    fn narrow(&self, mtu: u16, from: SocketAddr, to: SocketAddr) {
        self.say(4, mtu, from, to, &[0; 1232]);
    }

    fn say(&self, code: u8, mtu: u16, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let (IpAddr::V4(source), IpAddr::V4(sink)) = (from.ip(), to.ip()) else { panic!("IPv4") };
        let udp = 8 + payload.len() as u16;
        let mut message = vec![3, code, 0, 0, 0, 0];
        message.extend(mtu.to_be_bytes());
        message.extend([0x45, 0]);
        message.extend((20 + udp).to_be_bytes());
        message.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        message.extend(source.octets().into_iter().chain(sink.octets()));
        for word in [from.port(), to.port(), udp, 0] {
            message.extend(word.to_be_bytes());
        }
        message.extend(payload);
        let checksum = checksum(&message);
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        let _ = self.0.send_to(&message, &SocketAddr::new(from.ip(), 0).into());
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let sum: u32 = bytes.chunks(2).map(word).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// Answers checks as a leaf does, and clients with ICMP errors that quote something else than they
/// sent: about itself and about its neighbour.
fn lying_leaf(host: &Host, at: SocketAddr, neighbour: SocketAddr) -> Answerer {
    let (liar, client) = (Liar::new(host), addr("203.0.113.9:0").ip());
    host.answer(at, move |socket, from, datagram| {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(datagram) else {
            return;
        };
        if from.ip() == client {
            let mut altered = datagram.to_vec();
            altered[2] ^= 1;
            for quoted in [&altered[..], &[], &datagram[..8], &[0; 64]] {
                for about in [at, neighbour] {
                    (0..8).for_each(|_| liar.deny(from, about, quoted));
                }
            }
            return;
        }
        let turn = Some(SocketAddr::new(at.ip(), 3478));
        let reply = ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
        let answer = Response { id, body: ResponseBody::Probe(reply) }.encode();
        let _ = socket.send_to(&answer, from);
    })
}

#[test]
fn what_is_unreachable_is_told_from_what_is_said_to_be() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| {
        let addrs = [format!("203.0.113.{n}/24"), format!("2001:db8::{n}/64")];
        lab.host(&format!("host {n}"), &[&addrs[0], &addrs[1]])
    };
    let [root, port, path, admin, v6, liar, honest, client] = [1, 2, 3, 4, 5, 6, 7, 9].map(host);
    let above = "203.0.113.1:3001";
    let nodes = [2, 3, 4, 5, 6, 7].map(|n| match n {
        5 => "[2001:db8::5]:3001".to_owned(),
        n => format!("203.0.113.{n}:3001"),
    });
    let refs = nodes.each_ref().map(String::as_str);
    let _root = root.serve(&superior(&["0.0.0.0:3001", "[::]:3001"], &refs));
    let servers = [&port, &path, &admin, &v6].into_iter().zip(refs).chain([(&honest, refs[5])]);
    let _servers: Vec<_> = servers
        .map(|(host, node)| {
            let above = if node.starts_with('[') { "[2001:db8::1]:3001" } else { above };
            host.serve(&leaf(node, above, &node.replace("3001", "3478")))
        })
        .collect();
    let _liar = lying_leaf(&liar, addr(refs[4]), addr(refs[5]));
    let turn = addr("203.0.113.7:3478");
    let _turn = honest.answer(turn, answer_bindings);
    lists(&root, above, &refs);

    let client_asks = "ip saddr 203.0.113.9 udp dport 3001 reject with";
    port.weather(&format!("{client_asks} icmp type port-unreachable"), "");
    path.weather(&format!("{client_asks} icmp type host-unreachable"), "");
    admin.weather(&format!("{client_asks} icmp type admin-prohibited"), "");
    v6.weather("ip6 saddr 2001:db8::9 udp dport 3001 reject with icmpv6 type admin-prohibited", "");
    for _ in 0..3 {
        let trace = client.trace(&[above]);
        let state = |text: &str| {
            let found = trace.iter().find(|(at, _)| *at == addr(text));
            found.map(|(_, state)| state.as_str())
        };
        for node in &refs[..4] {
            assert_eq!(state(node), Some("unreachable"), "{node}: {trace:?}");
        }
        assert_eq!(state(refs[4]), Some("silent"), "it is the liar's word alone: {trace:?}");
        assert_eq!(state(refs[5]), Some("path"), "{trace:?}");
        assert_eq!(state("203.0.113.7:3478"), Some("selected"), "{trace:?}");
    }
}

#[test]
fn no_storm_of_errors_stops_what_a_server_sends() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, node, closed, stranger] = [1, 2, 3, 9].map(host);
    let (above, below) = ("203.0.113.1:3001", "203.0.113.2:3001");
    // Nobody listens at the third: both get real errors for all that they send there.
    closed.weather("udp dport 3001 reject with icmp type port-unreachable", "");
    let checker = addr("203.0.113.1:3002");
    let config = superior(&[above], &[below, "203.0.113.3:3001"]);
    let config = config.replace("debug", "trace");
    let root_tb = root.serve(&format!("{config}cluster.check-bind = 3002\n"));
    let config = leaf(below, above, "203.0.113.2:3478");
    let superiors = format!("['{above}', '203.0.113.3:3001']");
    let leaf_tb = node.serve(&config.replace(&format!("'{above}'"), &superiors));
    lists(&stranger, above, &[below]);

    let liar = Liar::new(&stranger);
    let (above, below) = (addr(above), addr(below));
    for _ in 0..2000 {
        for (from, to) in [(checker, below), (below, above), (above, addr("203.0.113.9:3001"))] {
            liar.deny(from, to, &[0x1a, 0]);
            liar.deny(from, to, &[]);
        }
    }
    let checked = || root_tb.log().matches("verdict=Right").count();
    let before = checked();
    eventually("three checks later", || (checked() >= before + 3).then_some(()));
    lists(&stranger, "203.0.113.1:3001", &["203.0.113.2:3001"]);
    assert!(!root_tb.log().contains("node offline"), "{}", root_tb.log());
    for server in [root_tb, leaf_tb] {
        assert_eq!(server.end_and_count("receive-errors"), 0);
    }
}

#[test]
fn nobody_can_say_that_an_answer_has_to_be_cut() {
    let Some(lab) = lab() else { return };
    let host = |name: &str, n: u8| lab.host(name, &[&format!("203.0.113.{n}/24")]);
    let [root, stranger] = [("root", 1), ("stranger", 9)].map(|(name, n)| host(name, n));
    let many: Vec<_> = (100..150).map(|n| format!("203.0.113.{n}/24")).collect();
    let leaves = lab.host("leaves", &many.iter().map(String::as_str).collect::<Vec<_>>());
    let listed: Vec<_> = (100..150).map(|n| format!("203.0.113.{n}:3001")).collect();
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    let above = "203.0.113.1:3001";
    let _leaves = leaves.serve(&leaf("0.0.0.0:3001", above, "203.0.113.100:3478"));
    // One socket has one address, the other many.
    let binds = [above, "0.0.0.0:3002"];
    // However fast this machine asks, no budget has a say here.
    let exempt = "limits.exempt = ['203.0.113.0/24']\n";
    let _root = root.serve(&format!("{}{exempt}", superior(&binds, &listed)));
    let servers = [addr(above), addr("203.0.113.1:3002")];
    let asker = stranger.udp(addr("203.0.113.9:4000"));
    for server in servers {
        let whole = |reply: ProbeReply| (reply.nodes.len() == listed.len()).then_some(());
        eventually("a long list", || {
            whole(ask(&asker, server, View::Flat, Duration::from_millis(200))?)
        });
    }

    let liar = Liar::new(&stranger);
    let me = asker.local_addr().unwrap();
    servers.iter().for_each(|server| (0..8).for_each(|_| liar.narrow(576, *server, me)));
    root.weather(
        "",
        "udp sport 3001-3002 counter\nudp sport 3001-3002 ip frag-off & 0x4000 != 0 counter",
    );
    for server in servers {
        for _ in 0..3 {
            let reply = ask(&asker, server, View::Flat, Duration::from_secs(5)).unwrap();
            assert_eq!(reply.nodes.len(), listed.len());
        }
    }
    let [all, whole] = root.counted()[..] else { panic!() };
    assert!(all.0 >= 6 && all == whole, "{all:?} left, {whole:?} not to be cut");
}
