//! Nodes that had joined before their superior was started again.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::auth::Trust;
use turn_balance::internals::engine::server::members::{JoinedNode, Unrecalled};
use turn_balance::internals::engine::server::trouble::Unfit;

use crate::joining::without_key;
use crate::world::*;
use turn_balance_sim::{Host, Path, World};

/// What a superior has written down.
fn joined(world: &mut World) -> (u64, Vec<JoinedNode>) {
    let (revision, nodes) = server(world, superior()).engine.joined();
    (revision, nodes.collect())
}

fn recall(world: &mut World, addr: SocketAddr, key: u32) -> Result<(), Unrecalled> {
    let now = world.now;
    let result = server(world, superior()).engine.recall(now, JoinedNode { addr, key });
    world.send(addr, superior(), Vec::new()); // it looks at the time
    result
}

/// A superior without nodes, which lets ten join from a network.
fn fresh(seed: u64) -> World<'static> {
    let mut world = world(seed, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(3, &["203.0.113.0/24"])));
    world.run_for(SECOND);
    world
}

#[test]
fn they_are_listed_within_a_second() {
    let site = superior_site(&[node(1)], required(open(40, &[])));
    for seed in 0..10 {
        let mut world = world(seed, |_, _| Path::of(5));
        world.start(superior(), &site);
        let leaves = 11..=40;
        leaves.clone().for_each(|n| world.start(node(n), &leaf_site(n, keys(&[1]))));
        world.run_for(Duration::from_secs(30 + seed));
        assert_eq!(count(&world), (30, 31));
        let (_, nodes) = joined(&mut world);
        assert_eq!(nodes, leaves.map(|n| JoinedNode { addr: node(n), key: 1 }).collect::<Vec<_>>());
        world.start(superior(), &site);
        for node in nodes {
            assert_eq!(recall(&mut world, node.addr, node.key), Ok(()));
        }
        assert_eq!(count(&world), (0, 31), "a line of a file is no claim");
        world.run_for(SECOND / 5);
        assert_eq!(count(&world), (30, 31), "seed {seed}");
        dropped(&mut world);
        world.run_for(20 * SECOND);
        assert_eq!((count(&world), dropped(&mut world)), ((30, 31), Vec::new()));
    }
}

#[test]
fn they_are_checked_with_the_key_that_they_have() {
    // While keys are changed: the superior signs with another one, which the node has not yet.
    let mut world = world(41, |_, _| Path::of(5));
    world.start(node(11), &leaf_site(11, keys(&[1])));
    let site = superior_site(&[], Trust { keys: keys(&[2, 1]).keys, ..open(9, &[]) });
    world.start(superior(), &site);
    world.run_for(SECOND / 10);
    // It has no superior that it knows of any more.
    let now = world.now;
    server(&mut world, node(11)).engine.set_superiors(now, Vec::new());
    world.start(superior(), &site);
    assert_eq!(recall(&mut world, node(11), 1), Ok(()));
    world.run_for(SECOND);
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn only_those_are_written_down_that_have_answered_and_may_still_be_there() {
    let mut world = pair(42, &[], open(10, &[]));
    assert_eq!(joined(&mut world).1, []);
    world.run_for(SECOND);
    let (revision, nodes) = joined(&mut world);
    assert_eq!(nodes, [JoinedNode { addr: node(11), key: 1 }]);
    world.run_for(120 * SECOND);
    assert_eq!(joined(&mut world), (revision, nodes), "nothing has changed");
    // Whoever has the key, and no node that answers.
    world.hosts.insert(node(12), Host::Peer(without_key));
    let mut insider = Insider::new(node(12), key(1));
    for _ in 0..3 {
        insider.advertise(&mut world, node(12));
        world.run_for(SECOND);
    }
    assert_eq!((count(&world), joined(&mut world).0), ((1, 2), revision));
    world.hosts.remove(&node(11));
    world.run_for(20 * SECOND);
    assert_eq!((count(&world).0, joined(&mut world).0), (0, revision), "it may come back");
    world.run_for(300 * SECOND);
    let (later, nodes) = joined(&mut world);
    assert!(later > revision && nodes.is_empty(), "it is forgotten");
}

#[test]
fn who_does_not_answer_as_a_node_must_is_never_listed_and_forgotten() {
    let mut world = fresh(43);
    world.hosts.insert(node(12), Host::Peer(without_key));
    for n in [12, 13] {
        assert_eq!(recall(&mut world, node(n), 1), Ok(()));
    }
    for _ in 0..32 {
        world.run_for(10 * SECOND);
        assert_eq!(count(&world).0, 0);
    }
    assert_eq!(count(&world).1, 0);
    let asked = [12, 13].map(|n| checks(&world, node(n)));
    assert!(asked.iter().all(|asked| (1..=160).contains(asked)), "{asked:?} in five minutes");
}

#[test]
fn each_is_judged_as_a_heartbeat_is() {
    let mut world = fresh(44);
    for (bad, why) in [
        ("198.51.100.7:3001", Unfit::Prefix),
        ("[2001:db8::7]:3001", Unfit::Prefix),
        ("203.0.113.7:0", Unfit::Nobody),
        ("0.0.0.0:3001", Unfit::Nobody),
        ("224.0.0.1:3001", Unfit::Nobody),
        ("203.0.113.7:53", Unfit::Port),
    ] {
        assert_eq!(recall(&mut world, addr(bad), 1), Err(Unrecalled::Address(why)), "{bad}");
    }
    assert_eq!(recall(&mut world, node(11), 2), Err(Unrecalled::Key(2)));
    for n in [11, 11, 12, 13] {
        assert_eq!(recall(&mut world, node(n), 1), Ok(()));
    }
    let full = Err(Unrecalled::Address(Unfit::Room));
    assert_eq!(recall(&mut world, node(14), 1), full);
    assert_eq!(recall(&mut world, node(13), 1), Ok(()), "it is there");
    assert_eq!(count(&world), (0, 3));
    world.start(superior(), &superior_site(&[], keys(&[1])));
    assert_eq!(recall(&mut world, node(11), 1), Err(Unrecalled::Closed));
    assert_eq!(count(&world), (0, 0));
}
