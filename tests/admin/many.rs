//! Ten thousand nodes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use turn_balance::{AdminListener, NodeEntry, Server};
use turn_balance_lab::http::get;
use turn_balance_lab::loopback::{Net, config};

use crate::world::{admin, tcp};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_many_nodes_stay_small() {
    let net = Net::new();
    for (nodes, alone) in [(1000, true), (10_000, false)] {
        let mut config = config(net.server(1), "root", None, &[], None);
        // Nobody is there: they are checked on this host alone.
        let node = |i: u32| SocketAddr::from((Ipv4Addr::from(0x7f80_0000 + i), 9));
        let name = |i: u32| format!("{i:0>32}").parse().unwrap();
        config.cluster.nodes = (1..=nodes).map(|i| NodeEntry::new(node(i)).name(name(i))).collect();
        let server = Server::start(config).await.unwrap();
        let admin = AdminListener::start(admin(), &server).await.unwrap().unwrap();
        let began = Instant::now();
        let metrics = get(tcp(&admin), "/metrics").body;
        let took = began.elapsed();
        assert!(metrics.len() <= 1 << 20, "{} bytes", metrics.len());
        assert_eq!(metrics.contains("tb_node_state{"), alone);
        assert!(
            metrics.contains(&format!("tb_nodes{{kind=\"balance\",state=\"offline\"}} {nodes}"))
        );
        let status = get(tcp(&admin), "/api/v1/status").body;
        println!(
            "{nodes} nodes: /metrics {} bytes in {took:?}, status {}",
            metrics.len(),
            status.len()
        );
        server.stop().await;
    }
}
