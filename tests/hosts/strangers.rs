//! Limits, where nobody is exempt from them.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use turn_balance::Balance;
use turn_balance::internals::wire::{
    Kind, Node, PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
    View,
};

use crate::{addr, lab, leaf, superior};
use turn_balance_lab::host::{eventually, request};
use turn_balance_lab::process::answer_bindings;

/// Asks many times at once. Returns the whole answers, and those that send away with a cookie.
fn storm(
    sockets: &[&UdpSocket],
    server: SocketAddr,
    count: u64,
    cookie: &[u8],
) -> [Vec<ProbeReply>; 2] {
    let mut replies = [Vec::new(), Vec::new()];
    for nonce in 1..=count {
        let probe = Probe { nonce, cookie, ..Probe::default() };
        let request = Request { id: nonce as u32, body: RequestBody::Probe(probe) };
        let socket = sockets[nonce as usize % sockets.len()];
        socket.send_to(&request.encode(PADDED_REQUEST), server).unwrap();
    }
    let mut buffer = [0; 2048];
    for socket in sockets {
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        while let Ok(len) = socket.recv(&mut buffer) {
            let response = Response::decode(&buffer[..len]).unwrap();
            let ResponseBody::Probe(reply) = response.body else { panic!("no answer") };
            replies[usize::from(reply.retry)].push(reply);
        }
    }
    replies
}

#[test]
fn an_address_has_its_budget_and_the_bearers_of_cookies_ten_times_that() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24", "2001:db8:1::1/32"]);
    let asker = lab.host("asker", &["203.0.113.9/24", "2001:db8::9/32", "2001:db8::8:0:0:9/32"]);
    let binds = "['203.0.113.1:3001', '[2001:db8:1::1]:3001']";
    let config = leaf("X", "203.0.113.2:3001", "203.0.113.1:3478").replace("'X'", binds);
    let _server = server.serve(&config);
    let v4 = asker.udp(addr("203.0.113.9:0"));
    // Two hosts of one /64, which has one budget.
    let v6 = ["[2001:db8::9]:0", "[2001:db8::8:0:0:9]:0"].map(|from| asker.udp(addr(from)));
    let families =
        [("203.0.113.1:3001", vec![&v4]), ("[2001:db8:1::1]:3001", vec![&v6[0], &v6[1]])];
    for (at, sockets) in families {
        let at = addr(at);
        eventually("it is there", || server.list(at, View::Flat));
        let before = Instant::now();
        let [whole, away] = storm(&sockets, at, 300, &[]);
        let most = 40 + 20 * before.elapsed().as_secs() + 20;
        assert!((40..=most).contains(&(whole.len() as u64)), "{}", whole.len());
        assert!((50..260).contains(&away.len()), "{} of the others are sent away", away.len());
        // A cookie is good for the address and port that it was given to.
        let cookie = cookie_of(sockets[0], at);
        let host = sockets[0].local_addr().unwrap().ip();
        let others = (0..9).map(|_| asker.udp(SocketAddr::new(host, 0))).collect::<Vec<_>>();
        let before = Instant::now();
        let [whole, _] = storm(&[&others[0]], at, 300, &cookie);
        let most = 20 * before.elapsed().as_secs() + 40;
        assert!(whole.len() as u64 <= most, "{} to another port", whole.len());
        let bearers = others.iter().chain([sockets[0]]);
        let each = bearers.map(|port| storm(&[port], at, 30, &cookie_of(port, at))[0].len());
        assert_eq!(each.sum::<usize>(), 300, "ten times as many");
    }
}

/// Asks until it is sent away.
fn cookie_of(socket: &UdpSocket, server: SocketAddr) -> Vec<u8> {
    eventually("a cookie", || {
        let [_, away] = storm(&[socket], server, 60, &[]);
        away.into_iter().next().map(|reply| reply.cookie)
    })
}

#[test]
fn two_hundred_descents_from_one_address_at_once_end_well() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24"]);
    let client = lab.host("client", &["203.0.113.9/24"]);
    let (at, turn) = (addr("203.0.113.1:3001"), addr("203.0.113.1:3478"));
    let _turn = server.answer(turn, answer_bindings);
    let tb = server.serve(&leaf("203.0.113.1:3001", "203.0.113.2:3001", "203.0.113.1:3478"));
    eventually("it is there", || client.list(at, View::Flat));
    let found = client.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let balance = Balance::builder().root(at).build().await.unwrap();
            let descents: Vec<_> = (0..200)
                .map(|_| {
                    let balance = balance.clone();
                    tokio::spawn(async move { balance.select().await.map(|found| found.turn) })
                })
                .collect();
            let mut found = 0;
            for descent in descents {
                found += usize::from(descent.await.unwrap().is_ok_and(|found| found == turn));
            }
            found
        })
    });
    assert_eq!(found, 200);
    assert!(tb.end_and_count("retries") > 100, "they were sent away, and came back");
}

#[test]
fn no_answer_on_the_network_is_three_times_its_request() {
    let Some(lab) = lab() else { return };
    let server = lab.host("server", &["203.0.113.1/24", "2001:db8::1/64"]);
    let many = |name, first: u8, last: u8| {
        let pair = |n| [format!("203.0.113.{n}/24"), format!("2001:db8::{n}/64")];
        let addrs: Vec<_> = (first..=last).flat_map(pair).collect();
        lab.host(name, &addrs.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (leaves, asker) = (many("leaves", 100, 130), many("asker", 10, 40));
    // One server at many addresses stands for as many.
    let config = leaf("X", "203.0.113.1:3001", "203.0.113.100:3478");
    let _leaves = leaves.serve(&config.replace("'X'", "['0.0.0.0:3001', '[::]:3001']"));
    let listed: Vec<_> = (100..=130)
        .flat_map(|n| [format!("203.0.113.{n}:3001"), format!("[2001:db8::{n}]:3001")])
        .collect();
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    let binds = ["203.0.113.1:3001", "[2001:db8::1]:3001"];
    let _server = server.serve(&superior(&binds, &listed));
    eventually("62 nodes", || {
        let reply = leaves.list(addr(binds[0]), View::Subordinates)?;
        (reply.total == 62).then_some(())
    });

    let padded = request(1, View::Flat);
    let short = Request { id: 1, body: RequestBody::Probe(Probe { nonce: 1, ..Probe::default() }) };
    let kinds = [&[0x12, 0][..], &[8, 1, 0x12, 0], &short.encode(0), &short.encode(120), &padded];
    for (v4, at) in [(true, binds[0]), (false, binds[1])] {
        for request in kinds {
            asker.weather("udp sport 3001 counter", "udp dport 3001 counter");
            let mut answers = 0;
            for n in 10..=40 {
                let from =
                    if v4 { format!("203.0.113.{n}:0") } else { format!("[2001:db8::{n}]:0") };
                let socket = asker.udp(addr(&from));
                socket.send_to(request, addr(at)).unwrap();
                socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                answers += usize::from(socket.recv(&mut [0; 2048]).is_ok());
            }
            let [(came, bytes_in), (left, bytes_out)] = asker.counted()[..] else { panic!() };
            assert_eq!((came, left), (answers as u64, 31), "nothing that was not received");
            assert!(answers >= 10, "{answers} answers to {} bytes from {at}", request.len());
            let ratio = bytes_in as f64 / (bytes_out as f64 * came as f64 / left as f64);
            assert!(ratio <= 3.0, "{ratio} times {} bytes from {at}", request.len());
        }
    }
}

#[test]
fn a_list_leads_nobody_into_his_own_network() {
    let Some(lab) = lab() else { return };
    let rogue = lab.host("rogue", &["203.0.113.1/24", "2001:db8::1/64"]);
    let client = lab.host("client", &["203.0.113.9/24", "2001:db8::9/64", "10.0.0.9/24"]);
    // Whatever it sent there would leave.
    client.ip("route add default via 203.0.113.1\nroute add default via 2001:db8::1\n");
    let refused = [
        "10.0.0.9:3001",
        "10.1.2.3:3001",
        "127.0.0.1:3001",
        "169.254.1.1:3001",
        "192.168.0.1:3001",
        "224.0.0.1:3001",
        "[::1]:3001",
        "[fe80::1]:3001",
        "[64:ff9b::10.1.2.3]:3001",
        "[2002:a01:203::1]:3001",
    ];
    let nodes = refused.iter().map(|text| addr(text)).chain([addr("203.0.113.1:3002")]);
    let node = |addr| Node { addr, kind: Kind::Leaf, turn: Some(addr), ..node() };
    let nodes: Vec<_> = nodes.map(node).collect();
    let serve = move |reply: ProbeReply| {
        move |socket: &UdpSocket, from: SocketAddr, datagram: &[u8]| {
            let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(datagram)
            else {
                return;
            };
            let body = ResponseBody::Probe(ProbeReply { nonce: probe.nonce, ..reply.clone() });
            let _ = socket.send_to(&Response { id, body }.encode(), from);
        }
    };
    let list = ProbeReply { total: nodes.len() as u32, nodes, version: 1, ..ProbeReply::default() };
    let turn = addr("203.0.113.1:3478");
    let end = ProbeReply { turn: Some(turn), version: 1, ..ProbeReply::default() };
    let _rogue = [
        rogue.answer(addr("203.0.113.1:3001"), serve(list)),
        rogue.answer(addr("203.0.113.1:3002"), serve(end)),
        rogue.answer(turn, answer_bindings),
    ];
    client.weather("", "ip daddr 203.0.113.1 accept\nmeta l4proto udp counter");
    let trace = client.trace(&["203.0.113.1:3001"]);
    for text in refused {
        let state = trace.iter().find(|(at, _)| *at == addr(text)).map(|(_, state)| state.as_str());
        assert_eq!(state, Some("refused"), "{text}: {trace:?}");
    }
    assert!(trace.contains(&(turn, "selected".to_owned())), "{trace:?}");
    assert_eq!(client.counted(), [(0, 0)], "not a datagram left for anywhere else");
    // The rule does count what is allowed.
    client.trace(&["203.0.113.1:3001", "--allow", "10.1.2.0/24"]);
    assert!(client.counted()[0].0 > 0);
}

fn node() -> Node {
    Node::new(addr("0.0.0.0:0"), Kind::Leaf)
}
