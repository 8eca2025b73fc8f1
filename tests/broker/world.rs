//! Balance servers and TURN servers, and a broker that speaks for the first of them.

use std::net::SocketAddr;

use turn_balance::{Broker, Config, Http, Server};
use turn_balance_lab::http::get;
use turn_balance_lab::loopback::{Net, answer_bindings, config};
use turn_balance_lab::patience::until_some;

/// A root (host 1) above a leaf (2, its TURN server is beside it), a region (3) above another leaf (4), and
/// a TURN server with no balance server beside it (5). They run as long as this does.
pub(crate) struct World {
    pub(crate) net: Net,
    pub(crate) broker: Broker,
    _servers: Vec<Server>,
}

impl World {
    /// One with this broker.
    pub(crate) async fn new(http: Http) -> Self {
        Self::new_with(|_| http).await
    }

    /// One with a broker that knows the network.
    pub(crate) async fn new_with(http: impl FnOnce(&Net) -> Http) -> Self {
        let net = Net::new();
        let http = http(&net);
        let mut configs = vec![
            config(net.server(2), "leaf-a", None, &[], Some(net.turn(2))),
            config(net.server(4), "leaf-b", None, &[], Some(net.turn(4))),
            config(net.server(3), "region", Some(net.server(1)), &[net.server(4)], None),
            config(net.server(1), "root", None, &[net.server(2), net.server(3)], None),
        ];
        [2, 4, 5].iter().for_each(|n| answer_bindings(net.turn(*n)));
        let urls = vec!["turns:fra.turn.example:443?transport=tcp".parse().unwrap()];
        configs[0].turn.server.urls = urls;
        configs[0].turn.server.health = turn_balance::TurnHealth::None;
        let mut turn = turn_balance::TurnServer::default();
        turn.urls = vec!["turn:nyc.turn.example?transport=tcp".parse().unwrap()];
        turn.health = turn_balance::TurnHealth::None;
        let node = turn_balance::NodeEntry::new(net.turn(5)).turn(turn);
        configs[3].cluster.nodes.push(node.name("nyc".parse().unwrap()));
        Self::of(net, configs, http).await
    }

    pub(crate) async fn of(net: Net, configs: Vec<Config>, http: Http) -> Self {
        let mut servers = Vec::new();
        for config in configs {
            servers.push(Server::start(config).await.unwrap());
        }
        let root = servers.last().unwrap().addrs();
        let broker = Broker::start(http, root).await.unwrap();
        Self { net, broker, _servers: servers }
    }

    /// The same with another broker.
    pub(crate) fn with(self, broker: Broker) -> Self {
        Self { broker, ..self }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.broker.addrs()[0]
    }

    /// Waits until so much is listed. The root's flat list has both leaves once it has heard of the second.
    pub(crate) fn until_listed(&self, servers: usize) -> serde_json::Value {
        until_some(&format!("{servers} servers"), || {
            let list = get(self.addr(), "/v1/servers").json();
            (list["servers"].as_array().map(Vec::len) == Some(servers)).then_some(list)
        })
    }
}

/// A broker on a port of this host.
pub(crate) fn http() -> Http {
    let mut http = Http::default();
    http.bind = vec!["127.0.0.1:0".parse().unwrap()];
    http
}
