//! Servers that ask not to be chosen any more.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;

use turn_balance_sim::{Path, World};

use crate::cascade::{ROOT, ask_bare, cascade, leaf, region, server};

/// A cascade that has settled, at whatever moment of its periods.
fn settled(seed: u64) -> World<'static> {
    let mut world = cascade(seed, Path::of(0));
    let moment = Duration::from_millis(world.rng.random_range(9_000..13_000));
    world.run_for(moment);
    world
}

fn lists(world: &World<'_>, superior: SocketAddr, node: SocketAddr) -> bool {
    world.hosts[&superior].server().engine.is_online(world.now, node)
}

/// Whether a root knows from one of its nodes that this lists a leaf.
fn passes_on(world: &World<'_>, leaf: SocketAddr) -> bool {
    let members = world.hosts[&server(ROOT)].server().engine.members();
    members.online(world.now).any(|online| online.list.iter().any(|node| node.addr == leaf))
}

#[test]
fn one_that_drains_is_off_the_lists_above_it_at_once() {
    for seed in 0..50 {
        let mut world = settled(seed);
        assert!(lists(&world, region(1), leaf(13)) && passes_on(&world, leaf(13)), "{seed}");
        world.drain(leaf(13), true);
        world.run_for(Duration::from_millis(500));
        assert!(!lists(&world, region(1), leaf(13)), "seed {seed}: its superior lists it");
        world.run_for(Duration::from_millis(500));
        assert!(!passes_on(&world, leaf(13)), "seed {seed}: the root lists it");
        world.run_for(Duration::from_secs(30));
        assert!(!lists(&world, region(1), leaf(13)), "seed {seed}: it is back");
        world.drain(leaf(13), false);
        world.run_for(Duration::from_secs(1));
        assert!(lists(&world, region(1), leaf(13)) && passes_on(&world, leaf(13)), "{seed}");
    }
}

#[test]
fn that_one_drains_is_told_until_it_is_heard() {
    for seed in 0..20 {
        let mut world = settled(seed);
        // So many are lost that all that is told at first is.
        world.path = Box::new(|_, _| Path { loss: 1.0, ..Path::of(13) });
        world.drain(leaf(13), true);
        world.run_for(Duration::from_secs(4));
        world.path = Box::new(|_, _| Path::of(13));
        world.run_for(Duration::from_millis(3_400));
        assert!(!lists(&world, region(1), leaf(13)), "seed {seed}");
    }
}

#[test]
fn who_reads_no_state_gets_no_answer_of_one_that_drains() {
    let mut world = settled(1);
    for server in [leaf(11), region(1), server(ROOT)] {
        assert_eq!(ask_bare(&mut world, server), 1);
        world.drain(server, true);
        assert_eq!(ask_bare(&mut world, server), 0, "{server}");
    }
}
