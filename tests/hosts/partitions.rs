//! A network that carries one way alone.

use crate::{addr, lab, leaf, lists, superior};
use turn_balance_lab::host::eventually;

#[test]
fn a_node_that_is_cut_off_either_way_goes_and_comes_back() {
    let Some(lab) = lab() else { return };
    let host = |n: u8| lab.host(&format!("host {n}"), &[&format!("203.0.113.{n}/24")]);
    let [root, inbound_cut, outbound_cut, well, client] = [1, 2, 3, 4, 9].map(host);
    let above = "203.0.113.1:3001";
    let nodes = ["203.0.113.2:3001", "203.0.113.3:3001", "203.0.113.4:3001"];
    let server = root.serve(&superior(&[above], &nodes));
    let turns = nodes.map(|node| node.replace("3001", "3478"));
    let leaves = [&inbound_cut, &outbound_cut, &well].into_iter().zip(nodes.iter().zip(&turns));
    let _leaves: Vec<_> =
        leaves.map(|(host, (node, turn))| host.serve(&leaf(node, above, turn))).collect();
    lists(&client, above, &nodes);

    inbound_cut.weather("ip saddr 203.0.113.1 drop", "");
    root.weather("ip saddr 203.0.113.3 drop", "");
    lists(&client, above, &nodes[2..]);
    assert_eq!(client.probe(&[above]), Some(addr(&turns[2])));
    for node in &nodes[..2] {
        let line = |line: &str| line.contains("node offline") && line.contains(node);
        eventually("the log tells", || server.log().lines().any(line).then_some(()));
    }

    inbound_cut.weather("", "");
    root.weather("", "");
    lists(&client, above, &nodes);
}
