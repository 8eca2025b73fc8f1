//! One seed is one run, and what happens at the same instant may happen in any order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Options, Strategy, Verify};
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::wire::Node;

use crate::cascade::*;
use turn_balance_sim::{Host, Jitter, Outages, Path, Sent, World, node};

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let faults = Path { loss: 0.1, twice: 0.1, late: 0.1, corrupt: 0.01, ..Path::of(0) };
        let mut world = cascade(seed, Path { jitter: Jitter::Even(30.0), ..faults });
        let mut rng = Rng::seed_from_u64(seed);
        world.outages = Outages::bursts(0.1, Duration::from_secs(10), &mut rng);
        world.run_for(Duration::from_secs(3));
        let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
        (world.log, trace(&descent))
    };
    let (log, trace): (Vec<Sent>, _) = run(7);
    assert_eq!((&log, trace), (&run(7).0, run(7).1));
    assert_ne!(log, run(8).0);
}

/// 5 regions of 6 leaves, each host at a distance of its own of whole milliseconds, so that much
/// happens at the same instant. They always offer the same.
fn grove(seed: u64) -> World<'static> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut delays: Vec<u64> = (1..=100).collect();
    delays.shuffle(&mut rng);
    let far = move |addr: SocketAddr| match addr.ip() {
        std::net::IpAddr::V4(ip) if addr != client() => delays[usize::from(ip.octets()[3])],
        _ => 0,
    };
    let mut world = World::new(seed, move |from, to| Path::of(far(from).max(far(to))));
    let mut fixed = |nodes: Vec<Node>, turn: Option<_>| {
        let turn = turn.into_iter().collect();
        let listing = Listing { nodes: nodes.into(), turn, ..Listing::default() };
        Host::Fixed(Arc::new(Snapshot::new(&listing, &mut rng)))
    };
    let regions: Vec<u8> = (1..=5).collect();
    let list = |nodes: &[u8]| nodes.iter().map(|&n| node(region(n), None)).collect();
    world.hosts.insert(server(ROOT), fixed(list(&regions), None));
    for n in regions {
        let leaves: Vec<u8> = (0..6).map(|leaf| n * 10 + leaf).collect();
        let nodes = leaves.iter().map(|&n| node(leaf(n), Some(leaf_turn(n)))).collect();
        world.hosts.insert(region(n), fixed(nodes, None));
        for n in leaves {
            world.hosts.insert(leaf(n), fixed(Vec::new(), Some(leaf_turn(n))));
            world.hosts.insert(leaf_turn(n), Host::Turn);
        }
    }
    world
}

#[test]
fn the_order_of_what_happens_at_the_same_instant_changes_no_selection() {
    let strategies = [
        (Strategy::Best, Verify::On),
        (Strategy::Best, Verify::Off),
        (Strategy::First, Verify::Off),
        (Strategy::First, Verify::Require),
    ];
    let mut reordered = 0;
    for (seed, (strategy, verify)) in (0..60).flat_map(|seed| strategies.map(|s| (seed, s))) {
        let options = Options { strategy, verify, ..Options::default() };
        let run = |order: Option<u64>| {
            let mut world = grove(seed);
            order.into_iter().for_each(|order| world.shuffle(order));
            let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
            (selection(&descent).turn, world.log)
        };
        let (turn, log) = run(None);
        let others: Vec<_> = (0..8).map(|order| run(Some(order))).collect();
        reordered += others.iter().filter(|(_, other)| *other != log).count();
        for (other, _) in others {
            assert_eq!(other, turn, "seed {seed}, {strategy:?}, verify {verify:?}");
        }
    }
    assert!(reordered > 100, "hardly anything coincides");
}
