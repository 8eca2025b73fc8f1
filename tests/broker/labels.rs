//! What servers are labelled with, and who is given whom by it.

use serde_json::{Value, json};
use turn_balance::{Config, Labels, NodeEntry, TurnHealth, TurnServer};
use turn_balance_lab::http::get;
use turn_balance_lab::loopback::{Net, answer_bindings, config};
use turn_balance_lab::patience::until;

use crate::ice::{API_KEY, ice, minting};
use crate::world::World;

fn labels(text: &str) -> Labels {
    text.parse().unwrap()
}

fn labelled(mut config: Config, text: &str) -> Config {
    config.net.labels = labels(text);
    config
}

/// A root (host 1) above a leaf in Europe (2), one elsewhere (3), and a TURN server (5).
async fn world() -> World {
    let net = Net::new();
    let leaf = |n, name, text| {
        let leaf = config(net.server(n), name, Some(net.server(1)), &[], Some(net.turn(n)));
        labelled(leaf, text)
    };
    [2, 3, 5].iter().for_each(|n| answer_bindings(net.turn(*n)));
    let nodes = [net.server(2), net.server(3)];
    let mut root = labelled(config(net.server(1), "root", None, &nodes, None), "net=a");
    let mut server = TurnServer::default();
    server.health = TurnHealth::Binding;
    let turn = NodeEntry::new(net.turn(5)).turn(server).labels(labels("region=eu,net=b"));
    root.cluster.nodes.push(turn);
    let leaves = vec![leaf(2, "fra", "region=eu,tier=gold"), leaf(3, "nyc", "region=us")];
    let world = World::of(net, leaves.into_iter().chain([root]).collect(), minting()).await;
    world.until_listed(3);
    world
}

/// The addresses in a list, in its order.
fn listed(world: &World, query: &str) -> Vec<String> {
    let list = get(world.addr(), &format!("/v1/servers?{query}")).json();
    let addr = |server: &Value| server["addr"].as_str().unwrap().to_owned();
    list["servers"].as_array().unwrap().iter().map(addr).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_told_with_labels_and_cut_down_by_them() {
    let world = world().await;
    let list = world.until_listed(3);
    let servers = list["servers"].as_array().unwrap();
    let told = |addr: std::net::SocketAddr| {
        let at = servers.iter().find(|server| server["addr"] == addr.to_string().as_str());
        at.unwrap()["labels"].clone()
    };
    let [fra, nyc, turn] = [world.net.server(2), world.net.server(3), world.net.turn(5)];
    assert_eq!(told(fra), json!({"net": "a", "region": "eu", "tier": "gold"}));
    assert_eq!(told(nyc), json!({"net": "a", "region": "us"}));
    assert_eq!(told(turn), json!({"net": "a", "region": "eu"}));
    let sorted = |query| {
        let mut listed = listed(&world, query);
        listed.sort();
        listed
    };
    let all = |addrs: &[std::net::SocketAddr]| {
        let mut all: Vec<_> = addrs.iter().map(ToString::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(sorted("require=region%3Deu"), all(&[fra, turn]));
    assert_eq!(sorted("require=region=eu&require=tier=gold"), all(&[fra]));
    assert_eq!(sorted("require=region=eu&require=region=us"), all(&[fra, nyc, turn]));
    assert_eq!(sorted("exclude=name=fra"), all(&[nyc, turn]));
    assert_eq!(sorted("require=net=b"), all(&[]));
    for (preferred, first) in [("tier=gold", fra), ("region=us", nyc)] {
        assert_eq!(listed(&world, &format!("prefer={preferred}"))[0], first.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_given_who_is_not_allowed() {
    let world = world().await;
    let urls = |body: &Value| {
        let answer = ice(world.addr(), API_KEY, &[], body);
        let servers = answer.json()["iceServers"].as_array().cloned().unwrap_or_default();
        let url = |server: &Value| server["urls"][0].as_str().unwrap().to_owned();
        (answer.status, servers.iter().map(url).collect::<Vec<_>>())
    };
    let url = |n| format!("turn:{}?transport=udp", world.net.turn(n));
    let body = json!({"require": ["region=us"], "count": 8});
    until("it has the list", || urls(&body) == (200, vec![url(3)]));
    let (_, preferred) = urls(&json!({"prefer": ["tier=gold"], "count": 8}));
    assert_eq!((preferred.len(), &preferred[0]), (3, &url(2)));
    assert_eq!(urls(&json!({"exclude": ["region=eu"], "count": 8})), (200, vec![url(3)]));
    assert_eq!(urls(&json!({"require": ["region=af"]})).0, 503);
    assert_eq!(urls(&json!({"require": ["region"]})).0, 400);
    let both = json!({"require": ["region=us"], "order": [world.net.server(2)]});
    assert_eq!(urls(&both).0, 422);
}
