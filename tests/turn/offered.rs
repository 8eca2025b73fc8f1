//! TURN servers that end and start again: they are not offered, and offered again.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{ProbeReply, View};
use turn_balance_lab::Built;
use turn_balance_lab::coturn::{Coturn, WITH_SECRET};
use turn_balance_lab::host::ask;
use turn_balance_lab::loopback::Net;
use turn_balance_lab::served::Served;

const BUILT: Built = turn_balance_lab::built!();

/// Three failures and two answers in a row, three seconds from each to the next, and as long again.
const PATIENCE: Duration = Duration::from_secs(60);

fn said(server: SocketAddr) -> Option<ProbeReply> {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    ask(&socket, server, View::Flat, Duration::from_millis(200))
}

/// Waits until the flat list of a server has these nodes, and no others.
fn until_listed(server: SocketAddr, nodes: &[SocketAddr]) {
    let (start, nodes) = (Instant::now(), BTreeSet::from_iter(nodes.iter().copied()));
    loop {
        let reply = said(server);
        let listed = reply.iter().flat_map(|reply| &reply.nodes).map(|node| node.addr);
        let listed = listed.collect::<BTreeSet<_>>();
        if reply.is_some() && listed == nodes {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{nodes:?} are not listed, but {listed:?}");
    }
}

#[test]
fn a_coturn_goes_and_comes_beside_a_leaf_and_as_a_node() {
    let net = Net::new();
    let (root, region, leaf) = (net.server(1), net.server(2), net.server(3));
    let (beside, alone) = (net.turn(3), net.turn(4));
    let start = || Some([beside, alone].map(|at| Coturn::start(at, &WITH_SECRET)));
    let Some([Some(first), Some(second)]) = start() else { return };
    let _root = Served::start(BUILT, root, "warn", &format!("cluster.nodes = ['{region}']\n"));
    let nodes = format!(
        "[cluster]\nsuperiors = ['{root}']\nnodes = ['{leaf}', {{ turn = '{alone}', name = 'alone' }}]\n"
    );
    let _region = Served::start(BUILT, region, "warn", &nodes);
    let turn = format!("cluster.superiors = ['{region}']\nturn.bind = '{beside}'\n");
    let _leaf = Served::start(BUILT, leaf, "warn", &turn);
    until_listed(root, &[leaf, alone]);

    [first, second].into_iter().for_each(Coturn::kill);
    // Who has nothing else to name says nothing to who only asks.
    until_listed(root, &[]);
    assert!(said(leaf).is_some_and(|reply| reply.turn.is_none()), "the leaf lives, and names none");

    let _again = start();
    until_listed(root, &[leaf, alone]);
    assert_eq!(said(leaf).and_then(|reply| reply.turn), Some(beside));
}
