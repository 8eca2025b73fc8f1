//! `GET /v1/servers`

use turn_balance_lab::http::{ask, get, post};

use crate::world::{World, http};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_as_json() {
    let world = World::new(http()).await;
    let (net, list) = (&world.net, world.until_listed(3));
    assert_eq!(list["schema"], "tb.servers/1");
    assert_eq!(list["ice"]["pwd"], "turnBalanceBindingCheck1");
    let servers = list["servers"].as_array().unwrap();
    let at = |addr: String| servers.iter().find(|server| server["addr"] == addr.as_str()).unwrap();
    let leaf = at(net.server(2).to_string());
    let keys: Vec<_> = leaf.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["addr", "kind", "labels", "load", "name", "rtt_ms", "turn", "urls", "weight"]
    );
    assert_eq!((&leaf["kind"], &leaf["name"]), (&"leaf".into(), &"leaf-a".into()));
    assert_eq!(leaf["turn"], net.turn(2).to_string());
    assert_eq!(leaf["urls"].as_array().unwrap().len(), 2);
    assert!(leaf["rtt_ms"].is_number() && leaf["load"].is_null() && leaf["weight"] == 1, "{leaf}");
    let turn = at(net.turn(5).to_string());
    assert_eq!((&turn["kind"], &turn["name"]), (&"turn".into(), &"nyc".into()));
    assert_eq!(turn["urls"][1], "turn:nyc.turn.example?transport=tcp");

    let answer = get(world.addr(), "/v1/servers");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=2"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let v6 = get(world.addr(), "/v1/servers?family=6").json();
    assert_eq!(v6["servers"], serde_json::json!([]));
    assert_eq!(get(world.addr(), "/v1/servers?family=4").json()["servers"], list["servers"]);
    world.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_listed_is_asked() {
    let world = World::new(http()).await;
    let net = &world.net;
    world.until_listed(3);
    let below =
        |addr: std::net::SocketAddr| get(world.addr(), &format!("/v1/servers?below={addr}"));
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let answer = below(stranger.local_addr().unwrap());
    assert_eq!(answer.status, 422);
    let named = stranger.local_addr().unwrap();
    assert_eq!(answer.detail(), format!("`{named}` is not listed"));
    assert_eq!(answer.json()["refused"][0], named.to_string());
    assert!(stranger.recv(&mut [0; 9]).is_err(), "it was asked");
    // The region is merged into the flat list, so that nothing leads to it.
    assert_eq!(below(net.server(3)).status, 422);
    let answer = below(net.server(2));
    assert_eq!((answer.status, answer.detail().contains("has a list")), (422, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem() {
    let world = World::new(http()).await;
    let addr = world.addr();
    for (method, path, status) in [
        ("GET", "/v1/servers?require=region", 400),
        ("GET", "/v1/servers?exclude=", 400),
        ("GET", "/v1/servers?family=5", 400),
        ("GET", "/v1/servers?x=y", 400),
        ("GET", "/v1/servers?below=root.example", 422),
        ("POST", "/v1/servers", 405),
        ("DELETE", "/v1/servers", 405),
        ("GET", "/", 404),
        ("GET", "/v1/servers/", 404),
    ] {
        let answer = ask(addr, method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.detail().is_empty());
    }
    let answer = ask(addr, "GET", "/v1/servers?x=y", &[]);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "a page reads it too");
    assert!(answer.detail().contains("`x`"), "{answer:?}");
    assert_eq!(post(addr, "/v1/servers", &[], "").header("allow"), Some("GET,HEAD,OPTIONS"));
    assert_eq!(ask(addr, "OPTIONS", "/v1/servers", &[]).status, 204);
}
