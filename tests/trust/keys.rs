//! Keys that change, servers that restart, tags that are required.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::wire::{Ping, Request, RequestBody};

use crate::world::*;
use turn_balance_sim::Path;

#[test]
fn keys_are_changed_without_a_gap() {
    // Each server gets the new key before any signs with it; or the superior leads, or the node.
    let (above, below) = (superior(), node(11));
    let careful: &[(SocketAddr, &[u8])] = &[
        (below, &[1, 2]),
        (above, &[1, 2]),
        (above, &[2, 1]),
        (below, &[2, 1]),
        (below, &[2]),
        (above, &[2]),
    ];
    let superior_leads: &[(SocketAddr, &[u8])] =
        &[(above, &[2, 1]), (below, &[2, 1]), (below, &[2]), (above, &[2])];
    let node_leads: &[(SocketAddr, &[u8])] = &[(above, &[1, 2]), (below, &[2]), (above, &[2])];
    let orders = [careful, superior_leads, node_leads];
    for (order, listed) in orders.into_iter().flat_map(|order| [(order, true), (order, false)]) {
        let nodes = if listed { vec![below] } else { Vec::new() };
        let mut world = pair(6, &nodes, required(open(10, &[])));
        world.run_for(SECOND);
        for &(who, ids) in order {
            let join = (who == above).then(|| JoinPolicy { max_nodes: 10, prefixes: [].into() });
            let trust = Trust { join, require: who == above, ..keys(ids) };
            let now = world.now;
            server(&mut world, who).engine.set_trust(now, trust, None);
            for _ in 0..200 {
                world.run_for(Duration::from_millis(100));
                assert_eq!(count(&world), (1, 1), "{who} {ids:?}");
            }
        }
        assert_eq!(dropped(&mut world), []);
        assert_eq!(world.hosts[&below].server().dropped, []);
    }
}

#[test]
fn a_restarted_superior_has_its_listed_nodes_in_a_second_and_those_that_joined_in_four() {
    let (listed, joined) = (leaf_site(11, keys(&[1])), leaf_site(12, keys(&[1])));
    let site = superior_site(&[node(11)], required(open(10, &[])));
    for seed in 0..20 {
        let mut world = world(seed, |_, _| Path::of(5));
        world.start(superior(), &site);
        world.start(node(11), &listed);
        world.start(node(12), &joined);
        world.run_for(Duration::from_secs(60 + seed));
        assert_eq!(count(&world), (2, 2));
        world.start(superior(), &site);
        world.run_for(SECOND);
        assert!(count(&world).0 >= 1, "seed {seed}");
        world.run_for(3 * SECOND);
        assert_eq!(count(&world), (2, 2), "seed {seed}");
        let reasons = dropped(&mut world);
        assert_eq!(reasons, [], "seed {seed}");
    }
}

#[test]
fn a_heartbeat_of_another_key_does_not_say_which_key_a_node_has() {
    // Key 2 is being retired: the superior still takes it, the node has it no more. Who has it says,
    // five times a second, that the node's address is where it is to be found.
    for nodes in [vec![node(11)], Vec::new()] {
        let mut world =
            pair(24, &nodes, required(Trust { keys: keys(&[1, 2]).keys, ..open(10, &[]) }));
        world.run_for(2 * SECOND);
        let mut other = Insider::new(node(12), key(2));
        for turn in 0..600 {
            other.advertise(&mut world, node(11));
            world.run_for(Duration::from_millis(200));
            assert_eq!(count(&world).0, 1, "turn {turn}");
        }
    }
}

#[test]
fn where_tags_are_required_nothing_comes_of_what_has_none() {
    for (superiors, leafs, expected) in [
        (required(keys(&[1])), Trust::default(), 0),
        (required(keys(&[1])), keys(&[2]), 0),
        (required(keys(&[1])), keys(&[1]), 1),
        (keys(&[1]), Trust::default(), 1),
        (keys(&[1]), keys(&[2]), 1),
        (Trust::default(), keys(&[1]), 1),
    ] {
        let mut world = world(7, |_, _| Path::of(5));
        let require = superiors.require;
        world.start(superior(), &superior_site(&[node(11)], superiors));
        world.start(node(11), &leaf_site(11, leafs.clone()));
        // It has something to offer only when it has asked its TURN server.
        world.run_for(20 * SECOND);
        assert_eq!(count(&world), (expected, 1), "{require} {leafs:?}");
        // Whoever can be checked at all would be online by the checks alone: so send a bare one.
        let version = Ping { version: 7, ..Ping::default() };
        let bare = Request { id: 0, body: RequestBody::Ping(version) }.encode(0);
        dropped(&mut world);
        world.send(node(11), superior(), bare);
        world.run_for(Duration::from_millis(50));
        let unsigned = dropped(&mut world).contains(&DropReason::Unsigned);
        assert_eq!(unsigned, require, "{leafs:?}");
    }
}
