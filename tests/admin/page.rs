//! The page, and what it is told.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use turn_balance::{AdminListener, NodeEntry, Server};
use turn_balance_lab::http::{EventReader, ask, get};
use turn_balance_lab::loopback::{Net, config};
use turn_balance_lab::patience::{PATIENCE, until};

use crate::world::{World, admin, secret, tcp};

const EVENTS: &str = "/api/v1/events";

/// How many streams there may be.
const STREAMS: usize = 16;

/// The parts of the page that its own text, or a script of it, names.
fn parts(text: &str) -> Vec<String> {
    let quoted = text.split(['"', '\'']).skip(1).step_by(2);
    let named = quoted.filter_map(|part| part.strip_prefix("page/").or(part.strip_prefix("./")));
    named.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_the_page_is_here_and_nothing_else_runs_in_it() {
    let world = World::new(admin()).await;
    let page = get(world.addr(), "/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let (mut wanted, mut seen) = (parts(&page.body), Vec::new());
    let mut texts = vec![page.body];
    while let Some(part) = wanted.pop() {
        if seen.contains(&part) {
            continue;
        }
        let answer = get(world.addr(), &format!("/page/{part}"));
        assert_eq!(answer.status, 200, "{part}");
        let kind = match part.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(answer.header("content-type"), Some(kind), "{part}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{part}");
        wanted.extend(parts(&answer.body));
        texts.push(answer.body);
        seen.push(part);
    }
    assert!(seen.len() >= 8, "{seen:?}");
    for text in texts {
        // The name of a kind of document is no place that anything is loaded from.
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for elsewhere in ["http:", "https:", "style=", "<style", "onclick=", "innerHTML", "eval("] {
            assert!(!text.contains(elsewhere), "{elsewhere} in {text}");
        }
    }
    assert_eq!(get(world.addr(), "/page/none.js").detail(), "the page has no such part");
    assert_eq!(get(world.addr(), "/page/..%2fmod.rs").status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_gets_a_page_without_a_word_of_the_server() {
    let (mut admin, token) = (admin(), "0123456789abcdef");
    assert!(get(World::new(admin.clone()).await.addr(), "/").body.contains("data-token=\"none\""));
    admin.token_file = Some(secret(token));
    let world = World::new(admin).await;
    let page = get(world.addr(), "/");
    assert!(page.status == 200 && page.body.contains("data-token=\"asked\""));
    assert!(!page.body.contains("root") && !page.body.contains("127."), "{}", page.body);
    assert_eq!(ask(world.addr(), "GET", EVENTS, &[]).status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_to_the_page_and_nothing_else_does() {
    let world = World::new(admin()).await;
    let (site, navigate) = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate");
    for (headers, status) in [
        (&[site, navigate, "Sec-Fetch-Dest: document"][..], 200),
        (&[site, navigate, "Sec-Fetch-Dest: iframe"], 403),
        (&[site, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"], 403),
        (&["Origin: https://app.example"], 403),
        (&["Host: rebound.example"], 403),
    ] {
        for path in ["/", "/page/page.js"] {
            assert_eq!(ask(world.addr(), "GET", path, headers).status, status, "{headers:?}");
        }
        if status == 200 {
            assert_eq!(ask(world.addr(), "GET", EVENTS, headers).status, 403);
        }
    }
    let mut elsewhere = admin();
    elsewhere.allow = vec!["10.0.0.0/8".parse().unwrap()];
    let world = World::new(elsewhere).await;
    assert_eq!(get(world.addr(), "/").status, 403);
}

/// The one with this address in an event.
fn node(told: &Value, addr: SocketAddr) -> Option<Value> {
    let nodes = told["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["id"] == addr.to_string()).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_all_and_then_what_changes() {
    let world = World::new(admin()).await;
    world.until_online();
    let mut events = EventReader::open(world.addr(), EVENTS, &[]);
    assert!(events.head.contains("content-type: text/event-stream\r\n"), "{}", events.head);
    assert!(events.head.contains("cache-control: no-store\r\n"), "{}", events.head);
    let (name, all) = events.next_event().unwrap();
    assert_eq!((name.as_str(), &all["schema"]), ("all", &"tb.events/1".into()));
    assert_eq!(all["server"]["name"], "root");
    let (leaf, nobody) = (world.net.server(2), world.net.server(3));
    // The look that is told of first may be older than what `/readyz` saw.
    let told =
        |told: &Value, state: &str| node(told, leaf).is_some_and(|node| node["state"] == state);
    let (mut last, mut server) = (all.clone(), all["server"].clone());
    while !told(&last, "online") {
        last = events.next_event().unwrap().1;
        server = if last["server"].is_null() { server } else { last["server"].clone() };
    }
    assert_eq!(server["state"], "offering");
    let row = node(&last, leaf).unwrap();
    assert_eq!((&row["name"], &row["kind"]), (&"leaf".into(), &"leaf".into()));
    assert_eq!(row["turn"], world.net.turn(2).to_string());
    assert!(row["rtt_ms"].as_f64().unwrap() > 0.0 && row["at_s"].as_f64().is_some());
    assert_eq!(node(&all, nobody).unwrap()["why"], "does not answer");

    let World { root, leaf: server, admin, .. } = world;
    server.stop().await;
    let some = loop {
        let (name, some) = events.next_event().unwrap();
        assert_eq!(name, "some");
        assert!(node(&some, nobody).is_none(), "nothing of it has changed");
        if told(&some, "offline") {
            break some;
        }
    };
    let change = some["changes"].as_array().unwrap().last().unwrap();
    assert_eq!((&change["what"], &change["state"]), (&"state".into(), &"offline".into()));
    assert_eq!((&change["id"], &change["name"]), (&leaf.to_string().into(), &"leaf".into()));
    let mut later = EventReader::open(tcp(&admin), EVENTS, &[]);
    assert!(later.next_event().unwrap().1["changes"].as_array().unwrap().contains(change));

    // Streams end with the server, and as answers do that are whole.
    root.stop().await;
    while events.next_event().is_some() {}
    assert_eq!(get(tcp(&admin), EVENTS).status, 503);
    assert_eq!(get(tcp(&admin), "/").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_further_below_is_asked_for_its_list() {
    let world = World::new(admin()).await;
    world.until_online();
    let below = |addr: &str| get(world.addr(), &format!("/api/v1/servers?below={addr}"));
    let listed = below(&world.net.server(1).to_string()).json();
    assert_eq!((&listed["schema"], &listed["name"]), (&"tb.servers/1".into(), &"root".into()));
    assert_eq!(listed["servers"][0]["addr"], world.net.server(2).to_string());
    assert!(listed["servers"][0]["rtt_ms"].as_f64().is_some());
    // And whom it does not offer.
    let down = &listed["down"][0];
    assert_eq!(down["addr"], world.net.server(3).to_string());
    assert_eq!((&down["state"], &down["why"]), (&"offline".into(), &"does not answer".into()));
    let silent = below(&world.net.server(3).to_string());
    assert!(silent.status == 503 && silent.detail().contains("tells no list"), "{silent:?}");
    for wrong in ["", "leaf.example:3001", "127.0.0.1"] {
        assert_eq!(below(wrong).status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_interface() {
    let world = World::new(admin()).await;
    let mut events = EventReader::open(world.addr(), EVENTS, &[]);
    assert_eq!(events.next_event().unwrap().0, "all");
    world.admin.stop().await;
    while events.next_event().is_some() {}
}

#[cfg(target_os = "linux")]
/// A connection from one of many addresses that takes in little, and asks for events. Returns what it is told.
fn slow(n: usize, addr: SocketAddr) -> (TcpStream, Option<u16>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let from = Ipv4Addr::from(0x7fc9_0001 + n as u32 / 8);
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&addr.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = TcpStream::from(socket);
    let request = format!("GET {EVENTS} HTTP/1.1\r\nHost: {addr}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    let told = stream.read_exact(&mut head).ok();
    (stream, told.and_then(|()| str::from_utf8(&head[9..]).unwrap().parse().ok()))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn there_are_few_streams_and_none_for_who_does_not_read() {
    let net = Net::new();
    let mut config = config(net.server(1), "root", None, &[], None);
    // Nobody is there: they are checked on this host alone.
    let node = |i: u32| SocketAddr::from((Ipv4Addr::from(0x7f81_0000 + i), 9));
    let name = |i: u32| format!("{i:0>32}").parse().unwrap();
    config.cluster.nodes = (0..10_001).map(|i| NodeEntry::new(node(i)).name(name(i))).collect();
    let server = Server::start(config).await.unwrap();
    let admin = AdminListener::start(admin(), &server).await.unwrap().unwrap();
    let addr = tcp(&admin);
    let all = EventReader::open(addr, EVENTS, &[]).next_event().unwrap().1;
    let told = (all["nodes"].as_array().unwrap().len(), &all["server"]["left_out"]);
    assert_eq!(told, (10_000, &1.into()));
    println!("10000 nodes: {} bytes", all.to_string().len());
    // That one is noticed to have gone when it is next told something.
    let mut streams = Vec::new();
    until("there are as many as may be", || {
        let (stream, told) = slow(streams.len(), addr);
        match told {
            Some(200) => streams.push(stream),
            told => assert_eq!(told, Some(503)),
        }
        streams.len() == STREAMS
    });
    let refused = slow(STREAMS, addr).1;
    assert_eq!(refused, Some(503));
    // None of them reads on: they are ended, and others let in.
    until("another is let in", || slow(STREAMS, addr).1 == Some(200));
}
