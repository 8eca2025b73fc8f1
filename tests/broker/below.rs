//! `?below=`, with levels that fit into no flat list.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turn_balance::{Config, NodeEntry, Server, TurnHealth, TurnServer};
use turn_balance_lab::http::{Answer, get};
use turn_balance_lab::loopback::{Net, answer_bindings, config};
use turn_balance_lab::patience::{until, until_some};

use crate::ice::{API_KEY, ice, minting};
use crate::world::World;

/// So many TURN servers of each of two regions fit into one answer, and those of both do not.
const TURNS: u16 = 60;

/// How long a list is as good as new.
const FRESH: Duration = Duration::from_secs(1);

/// TURN server `n` of the region on host `region`.
fn turn(net: &Net, region: u8, n: u16) -> SocketAddr {
    SocketAddr::new(net.ip(region), 10_000 + n)
}

/// A region on this host, with a leaf beside its TURN servers.
fn region(net: &Net, host: u8, leaf: u8) -> Config {
    let mut region =
        config(net.server(host), "region", Some(net.server(1)), &[net.server(leaf)], None);
    region.cluster.nodes.extend((0..TURNS).map(|n| {
        let mut server = TurnServer::default();
        server.health = TurnHealth::None;
        NodeEntry::new(turn(net, host, n)).turn(server)
    }));
    region
}

/// A root (host 1) above two regions (2 and 3), each with a leaf (12 and 13). The regions are handed out.
async fn levels() -> (World, [Server; 2]) {
    let net = Net::new();
    let leaf = |n| config(net.server(n), "leaf", None, &[], Some(net.turn(n)));
    [12, 13].iter().for_each(|n| answer_bindings(net.turn(*n)));
    let regions = [
        Server::start(region(&net, 2, 12)).await.unwrap(),
        Server::start(region(&net, 3, 13)).await.unwrap(),
    ];
    let nodes = [net.server(2), net.server(3)];
    let root = config(net.server(1), "root", None, &nodes, None);
    let configs = vec![leaf(12), leaf(13), root];
    let world = World::of(net, configs, minting()).await;
    until("both levels are whole", || {
        let list = get(world.addr(), "/v1/servers").json();
        let servers = list["servers"].as_array().unwrap();
        let whole = |n| below(&world, n).json()["total"] == usize::from(TURNS) + 1;
        let levels = servers.iter().filter(|server| server["kind"] == "balance").count();
        (servers.len(), levels) == (2, 2) && whole(2) && whole(3)
    });
    (world, regions)
}

fn below(world: &World, n: u8) -> Answer {
    get(world.addr(), &format!("/v1/servers?below={}", world.net.server(n)))
}

/// What comes of an order of these.
fn ordered(world: &World, addrs: &[SocketAddr]) -> Answer {
    let order: Vec<_> = addrs.iter().map(ToString::to_string).collect();
    ice(world.addr(), API_KEY, &[], &json!({"order": order, "count": 8}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_below_is_gone_down_into() {
    let (world, regions) = levels().await;
    let net = &world.net;
    // All that was asked for so far counts for a minute: another broker has asked nobody.
    let fresh = turn_balance::Broker::start(minting(), &[net.server(1)]).await.unwrap();
    let world = world.with(fresh);
    let net_of = |n| [turn(&world.net, n, 0), world.net.turn(10 + n)];
    let refused = ordered(&world, &net_of(2));
    assert_eq!(refused.status, 422, "{refused:?}");
    let names = net_of(2).map(|addr| addr.to_string());
    assert_eq!(refused.json()["refused"], json!(names), "each by name");

    let asked = Instant::now();
    let list = below(&world, 2).json();
    assert_eq!(list["name"], "region");
    let servers = list["servers"].as_array().unwrap();
    let leaf = world.net.server(12).to_string();
    let leaf = servers.iter().find(|server| server["addr"] == leaf.as_str()).unwrap();
    assert_eq!((&leaf["kind"], leaf["turn"].as_str()), (&"leaf".into(), Some(&*names[1])));
    assert_eq!(servers.len(), usize::from(TURNS) + 1);

    let given = |answer: Answer| -> Vec<String> {
        let servers = answer.json()["iceServers"].as_array().unwrap().clone();
        let url = |server: &Value| server["urls"][0].as_str().unwrap().to_owned();
        servers.iter().map(url).collect()
    };
    let expected = names.clone().map(|name| format!("turn:{name}?transport=udp"));
    assert_eq!(given(ordered(&world, &net_of(2))), expected);
    // One of a region that nobody has asked for is refused, and named alone.
    let mixed = ordered(&world, &[net_of(2)[0], net_of(3)[0]]);
    assert_eq!((mixed.status, &mixed.json()["refused"]), (422, &json!([net_of(3)[0].to_string()])));

    // What was asked for is kept for a second, whatever becomes of the server.
    let [gone, _there] = regions;
    gone.stop().await;
    let kept = below(&world, 2);
    if asked.elapsed() < FRESH {
        assert_eq!(kept.json(), list, "it is asked again at once");
    }
    let silent = until_some("it is asked again", || {
        Some(below(&world, 2)).filter(|answer| answer.status != 200)
    });
    assert_eq!((silent.status, silent.header("retry-after")), (503, Some("1")));
    assert!(silent.detail().contains(&world.net.server(2).to_string()), "{silent:?}");
    assert_eq!(
        given(ordered(&world, &net_of(2))),
        expected,
        "it was listed within the last minute"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_order_those_below_are_given() {
    let (world, _regions) = levels().await;
    let answer = ice(world.addr(), API_KEY, &[], &json!({"count": 3}));
    assert_eq!(answer.json()["iceServers"].as_array().unwrap().len(), 3, "{answer:?}");
}
