//! Flat lists, loops and samples.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{Options, Verify};

use crate::cascade::*;
use turn_balance_sim::{Path, Site, World};

#[test]
fn a_flat_list_saves_a_level_while_it_fits() {
    let mut world = cascade(20, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let mut listed = flat_list(&mut world, server(ROOT));
    listed.sort_unstable();
    let leaves: Vec<_> = REGIONS.iter().flat_map(|&n| leaves(n)).map(leaf).collect();
    assert_eq!(listed, leaves);
}

#[test]
fn what_has_died_leaves_the_roots_flat_list_within_sixteen_seconds() {
    let mut world = cascade(21, Path::of(0));
    world.run_for(Duration::from_secs(30));
    world.hosts.remove(&leaf(11));
    world.run_for(Duration::from_secs(16));
    assert!(!flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
}

#[test]
fn a_loop_of_servers_forgets_what_has_died() {
    // The regions list one another; region 2 learns of leaf 11 by way of region 1.
    let mut world = cascade(22, Path::of(0));
    for (n, other) in [(1, 2), (2, 1)] {
        let nodes = leaves(n).map(leaf).into_iter().chain([region(other)]).collect();
        let superiors = vec![server(ROOT), region(other)];
        world.start(region(n), &Site { name: "region", superiors, nodes, ..Site::default() });
    }
    world.run_for(Duration::from_secs(10));
    assert!(flat_list(&mut world, region(2)).contains(&leaf(11)));
    world.hosts.remove(&leaf(11));
    world.run_for(Duration::from_secs(50));
    for root in [region(1), region(2), server(ROOT)] {
        assert!(!flat_list(&mut world, root).contains(&leaf(11)), "{root}");
    }
}

#[test]
fn a_server_that_is_its_own_node_is_never_online() {
    let mut world = World::new(23, |_, _| Path::of(1));
    // It does not know itself by this address, as behind a NAT.
    let turn = Some(turn(ROOT));
    world.start(
        server(ROOT),
        &Site { name: "me", nodes: vec![server(ROOT)], turn, ..Site::default() },
    );
    world.run_for(Duration::from_secs(20));
    assert_eq!(world.count(server(ROOT)), (0, 1));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(Some(selection(&descent).turn), turn);
}

/// A root with so many leaves, all of them 5 ms from everybody.
fn wide(leaves: u8) -> World<'static> {
    let mut world = World::new(24, |_, _| Path::of(5));
    let nodes: Vec<_> = (1..=leaves).map(leaf).collect();
    for &node in &nodes {
        let turn = Some(SocketAddr::new(node.ip(), 3478));
        let superiors = vec![server(ROOT)];
        world.start(node, &Site { name: "leaf", superiors, turn, ..Site::default() });
    }
    world.start(server(ROOT), &Site { name: "root", nodes, ..Site::default() });
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.count(server(ROOT)).0, usize::from(leaves));
    world
}

#[test]
fn one_lost_datagram_hides_no_part_of_a_list_and_is_not_waited_for() {
    let mut world = wide(120);
    let asked = Cell::new(0);
    world.path = Box::new(move |from, to| {
        let asks = from == client() && to == server(ROOT);
        asked.set(asked.get() + u32::from(asks));
        let lost = asks && asked.get() == 2; // the first that asks for the rest
        Path { loss: if lost { 1.0 } else { 0.0 }, ..Path::of(5) }
    });
    let options = Options { verify: Verify::Off, ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let met = trace(&descent).candidates.iter().filter(|c| c.level == 1).count();
    assert_eq!(met, 120);
    // The root, the rest of its list and its leaves 10 ms each, and what copies stand apart.
    let elapsed = selection(&descent).elapsed;
    assert!(elapsed <= Duration::from_millis(35), "{elapsed:?}");
}

#[test]
fn it_is_told_that_a_part_of_a_list_never_came() {
    let unlisted = |rest_is_lost: bool| {
        let mut world = wide(120);
        let asked = Cell::new(0);
        world.path = Box::new(move |from, to| {
            let asks = from == client() && to == server(ROOT);
            asked.set(asked.get() + u32::from(asks));
            let lost = rest_is_lost && asks && asked.get() > 1; // all that ask for the rest
            Path { loss: if lost { 1.0 } else { 0.0 }, ..Path::of(5) }
        });
        let options = Options { verify: Verify::Off, ..Options::default() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let trace = trace(&descent);
        let met = trace.candidates.iter().filter(|row| row.level == 1).count();
        let told: Vec<_> = trace.candidates.iter().map(|row| (row.level, row.unlisted)).collect();
        assert!(told.iter().all(|(level, unlisted)| *level == 0 || *unlisted == 0), "{told:?}");
        assert_eq!(trace.cost.unlisted, told[0].1);
        (met, told[0].1 as usize)
    };
    assert_eq!(unlisted(false), (120, 0));
    let (met, unlisted) = unlisted(true);
    assert!(met < 120 && met + unlisted == 120, "{met} and {unlisted}");
}

#[test]
fn a_long_list_is_a_sample_of_which_a_client_hears_more() {
    let mut world = wide(250);
    world.log.clear();
    let listed = flat_list(&mut world, server(ROOT)).len();
    assert!((200..=250).contains(&listed), "{listed} of 250");
    assert!(world.log.iter().all(|sent| sent.len <= 1232));
}
