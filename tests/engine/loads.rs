//! How full TURN servers are: told upward, and heeded.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{
    Candidate, CandidateState, Failure, Options, Strategy, Verify, Why,
};
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::wire::{
    Kind, Node, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};
use turn_balance::{Load, NodeCondition};

use turn_balance_sim::{Path, World};

use crate::cascade::{
    ROOT, ask_bare, cascade, client, flat_list, leaf, leaf_turn, levels, region, selection, server,
    trace,
};

/// A cascade that has settled.
fn settled(seed: u64) -> World<'static> {
    let mut world = cascade(seed, Path::of(0));
    world.run_for(Duration::from_secs(10));
    world
}

/// The load of a leaf in the list of a server, in hundredths.
fn listed(world: &World<'_>, at: SocketAddr, leaf: SocketAddr) -> Option<u8> {
    let members = world.hosts[&at].server().engine.members();
    let lists = members.online(world.now).flat_map(|online| {
        let own = (online.addr, online.load);
        let passed_on = online.list.iter().map(|node| (node.addr, node.load));
        [own].into_iter().chain(passed_on).collect::<Vec<_>>()
    });
    lists.filter(|(addr, _)| *addr == leaf).find_map(|(_, load)| load).map(Load::percent)
}

/// What a server answers to a request of so many bytes.
fn ask(world: &mut World<'_>, to: SocketAddr, names: bool) -> (usize, ProbeReply) {
    world.tap = Some(Vec::new());
    let probe = Probe { nonce: 0x0102_0304_0506_0708, names, ..Probe::default() };
    let from = SocketAddr::new(client().ip(), 5000);
    world.send(from, to, Request { id: 1, body: RequestBody::Probe(probe) }.encode(392));
    world.run_for(Duration::from_millis(200));
    let tap = world.tap.take().unwrap();
    let (_, _, answer) = tap.iter().find(|(_, to, _)| *to == from).expect("it answers");
    match Response::decode(answer).unwrap().body {
        ResponseBody::Probe(reply) => (answer.len(), reply),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_is_told_to_the_root_within_seconds() {
    let mut world = settled(1);
    assert_eq!(listed(&world, region(1), leaf(11)), None);
    world.fill(leaf(11), Some(57));
    world.run_for(Duration::from_secs(5));
    assert_eq!(listed(&world, region(1), leaf(11)), Some(53), "the middle of its fourteenth");
    world.run_for(Duration::from_secs(5));
    assert_eq!(listed(&world, server(ROOT), leaf(11)), Some(53));
    assert_eq!(listed(&world, server(ROOT), leaf(12)), None, "nobody has told that");
    world.fill(leaf(11), None);
    world.run_for(Duration::from_secs(10));
    assert_eq!(listed(&world, server(ROOT), leaf(11)), None, "nobody knows it any more");
}

#[test]
fn a_node_that_is_offline_has_no_load() {
    let mut world = settled(3);
    world.fill(leaf(11), Some(57));
    world.run_for(Duration::from_secs(10));
    let told = |world: &World<'_>| {
        let status = world.hosts[&region(1)].server().engine.status(world.now);
        let node = status.nodes.into_iter().find(|node| node.addr == leaf(11)).unwrap();
        (node.condition, node.load.map(Load::percent))
    };
    assert_eq!(told(&world), (NodeCondition::Online, Some(53)));
    world.hosts.remove(&leaf(11));
    world.run_for(Duration::from_secs(20));
    assert_eq!(told(&world), (NodeCondition::Offline, None));
}

#[test]
fn a_leaf_tells_its_own_load_and_only_steps_of_it_are_news() {
    let mut world = settled(2);
    world.fill(leaf(11), Some(50));
    let (_, before) = ask(&mut world, leaf(11), false);
    assert_eq!(before.load.map(Load::percent), Some(50));
    for percent in [49, 51, 50, 52, 48] {
        world.fill(leaf(11), Some(percent));
        let (_, reply) = ask(&mut world, leaf(11), false);
        assert_eq!(reply.load.map(Load::percent), Some(percent), "whoever asks hears it");
        assert_eq!(reply.version, before.version, "{percent}: and nobody is told that it is news");
    }
    world.fill(leaf(11), Some(60));
    assert!(ask(&mut world, leaf(11), false).1.version > before.version);
}

#[test]
fn a_full_leaf_is_off_the_lists_at_once_until_some_is_free() {
    let mut world = settled(3);
    let offered = |world: &mut World<'_>| flat_list(world, server(ROOT)).contains(&leaf(11));
    assert!(offered(&mut world));
    world.fill(leaf(11), Some(95));
    world.run_for(Duration::from_secs(1));
    assert!(!offered(&mut world));
    assert_eq!(ask_bare(&mut world, leaf(11)), 0, "who reads no state gets no answer");
    world.fill(leaf(11), Some(93));
    world.run_for(Duration::from_secs(20));
    assert!(!offered(&mut world), "one that comes and goes puts it off and on the lists");
    world.fill(leaf(11), Some(92));
    world.run_for(Duration::from_secs(1));
    assert!(offered(&mut world));
}

const ALL: [u8; 6] = [11, 12, 13, 21, 22, 23];

/// Both strategies, with flat lists and through every level.
fn ways() -> [Options; 3] {
    let first = Options { strategy: Strategy::First, ..Options::default() };
    [Options::default(), levels(), first]
}

#[test]
fn where_all_are_full_the_failure_says_so() {
    let mut world = settled(4);
    ALL.iter().for_each(|n| world.fill(leaf(*n), Some(97)));
    world.run_for(Duration::from_secs(5));
    for options in ways() {
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let failure = descent.selection().unwrap().unwrap_err();
        let full = Some(CandidateState::Full);
        let says = |failure: &Failure| matches!(failure, Failure::DeadEnd { level: 0, nodes, .. } if *nodes == full);
        assert!(says(&failure), "{failure:?}");
        assert!(
            failure.to_string().ends_with("is a dead end, all its nodes are full"),
            "{failure}"
        );
        let state = trace(&descent).candidates[0].state;
        assert_eq!(Some(state), full);
    }
    // One that is silent is not in the way of that, one that drains is: it may be undrained.
    world.stop(leaf(11));
    world.run_for(Duration::from_secs(15));
    let failure = |world: &mut World<'_>| {
        let descent = world.descend(client(), Options::default(), &[region(1)]);
        descent.selection().unwrap().unwrap_err().to_string()
    };
    assert!(failure(&mut world).ends_with("all its nodes are full"));
    world.fill(leaf(12), Some(10));
    world.drain(leaf(12), true);
    world.run_for(Duration::from_secs(5));
    assert!(failure(&mut world).ends_with("it has nothing to offer"));
}

fn node(n: u8, load: Option<f64>) -> Node {
    let addr = SocketAddr::from(([203, 0, 113, n], 3001));
    let turn = Some(SocketAddr::from(([203, 0, 113, n], 3478)));
    let rtt = Some(Duration::from_millis(40));
    let load = load.and_then(|load| Load::new(load, 100));
    Node { turn, rtt, load, ..Node::new(addr, Kind::Leaf) }
}

/// The answer of a server that lists these.
fn list_of(nodes: Vec<Node>, names: bool) -> (usize, ProbeReply) {
    let mut world = World::new(1, |_, _| Path::of(1));
    let listing = Listing { nodes: nodes.into(), version: 1, ..Listing::default() };
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    world.hosts.insert(server(ROOT), turn_balance_sim::Host::Fixed(std::sync::Arc::new(snapshot)));
    ask(&mut world, server(ROOT), names)
}

#[test]
fn loads_go_in_where_they_fit_and_never_make_a_part_of_a_list() {
    let list = |n: u8, load| (1..=n).map(|n| node(n, load)).collect::<Vec<_>>();
    let (before, _) = list_of(list(64, None), false);
    let (len, reply) = list_of(list(64, Some(50.0)), false);
    assert_eq!((len, reply.nodes.len()), (before + 2 + 32, 64));
    assert!(len <= 1232 && reply.nodes.iter().all(|node| node.load.is_some()), "{len}");
    let (mut without, mut sampled) = (0, false);
    for n in 64..=80 {
        let (len, reply) = list_of(list(n, Some(50.0)), false);
        let (bare, plain) = list_of(list(n, None), false);
        assert_eq!(reply.nodes.len(), plain.nodes.len(), "{n}: it takes no place of a node");
        assert!(len <= 1232);
        if reply.nodes.iter().all(|node| node.load.is_none()) {
            assert_eq!(len, bare);
            without += 1;
        }
        sampled |= reply.nodes.len() < n.into();
    }
    assert!(without > 0 && sampled, "{without}");
}

#[test]
fn weights_and_names_go_out_before_loads() {
    let name = |n: u8| format!("leaf-with-a-long-name-{n}").parse().ok();
    let named = |n: u8| Node { name: name(n), weight: 400, ..node(n, Some(20.0)) };
    let (_, few) = list_of((1..9).map(named).collect(), true);
    assert!(few.nodes.iter().all(|node| node.name.is_some() && node.weight == 400));
    let (_, many) = list_of((1..60).map(named).collect(), true);
    assert_eq!(many.nodes.len(), 59);
    assert!(many.nodes.iter().all(|node| node.load.is_some() && node.name.is_none()));
}

/// Who is named by descents of so many seeds.
fn named(seeds: std::ops::Range<u64>, fill: &[(u8, u8)]) -> Vec<(SocketAddr, Option<u32>)> {
    let mut world = settled(5);
    fill.iter().for_each(|(n, percent)| world.fill(leaf(*n), Some(*percent)));
    world.run_for(Duration::from_secs(10));
    let select = |seed| {
        world.rng = Rng::seed_from_u64(seed);
        let selection = selection(&world.descend(client(), Options::default(), &[server(ROOT)]));
        assert!(selection.verified);
        (selection.turn, selection.drawn)
    };
    seeds.map(select).collect()
}

#[test]
fn of_those_that_are_as_near_one_is_drawn_by_what_is_free() {
    // 22, 24 and 26 ms: 27 is as near as 22; those of the other region are 42 ms and more away.
    let chosen = named(0..200, &[(11, 90), (12, 50), (13, 20)]);
    let share = |n| chosen.iter().filter(|(turn, _)| *turn == leaf_turn(n)).count();
    assert!(chosen.iter().all(|(_, drawn)| *drawn == Some(3)));
    let shares = [11, 12, 13].map(share);
    assert_eq!(shares.iter().sum::<usize>(), 200, "{shares:?}");
    // 10, 50 and 80 of 140; four standard deviations.
    for (share, free) in shares.iter().zip([10.0, 50.0, 80.0]) {
        let expected = 200.0 * free / 140.0;
        assert!((*share as f64 - expected).abs() < 4.0 * f64::sqrt(expected), "{shares:?}");
    }
    assert_eq!(named(7..17, &[(11, 90), (12, 50), (13, 20)]), chosen[7..17], "one seed, one run");
}

#[test]
fn who_was_not_drawn_is_told_from_who_was_too_slow() {
    let mut world = settled(7);
    [11, 12, 13].iter().for_each(|n| world.fill(leaf(*n), Some(60)));
    world.run_for(Duration::from_secs(10));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let trace = trace(&descent);
    let chosen = trace.outcome.as_ref().unwrap().turn;
    let state = |addr| trace.candidates.iter().find(|row| row.addr == addr).map(|row| row.state);
    let undrawn: Vec<_> = [11, 12, 13].into_iter().filter(|n| leaf_turn(*n) != chosen).collect();
    assert_eq!(undrawn.len(), 2);
    for n in undrawn {
        assert_eq!(state(leaf(n)), Some(CandidateState::Undrawn), "{n}");
    }
    assert_ne!(state(leaf(21)), Some(CandidateState::Undrawn));
}

#[test]
fn where_nobody_tells_the_least_time_wins() {
    let chosen = named(0..20, &[]);
    assert!(chosen.iter().all(|one| *one == (leaf_turn(11), None)));
    let chosen = named(0..20, &[(21, 10), (22, 10)]);
    assert!(chosen.iter().all(|one| *one == (leaf_turn(11), None)), "none of these is near");
}

#[test]
fn runners_up_stand_in_the_order_to_try() {
    let mut world = settled(6);
    [(11, 60), (12, 60), (13, 60)].iter().for_each(|(n, load)| world.fill(leaf(*n), Some(*load)));
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..60 {
        world.rng = Rng::seed_from_u64(seed);
        world.run_for(Duration::from_secs(1)); // no more often than servers allow
        let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
        let selection = selection(&descent);
        assert_eq!((selection.drawn, selection.load.map(Load::percent)), (Some(3), Some(60)));
        let (near, far) = selection.runners_up.split_at(2);
        assert!(near.iter().all(|one| one.why == Why::Drawn && one.load.is_some()));
        assert!(far.iter().all(|one| one.why == Why::Slower));
        assert!(far.is_sorted_by_key(|one| (!one.verified, one.rtt)));
        orders.insert((selection.turn, near[0].turn));
        let load = |row: &&Candidate| row.load.is_some();
        assert_eq!(trace(&descent).candidates.iter().filter(load).count(), 3);
    }
    assert_eq!(orders.len(), 6, "each order of three comes up");
}

#[test]
fn the_one_that_is_drawn_is_among_those_that_are_asked() {
    // Six leaves as near as one another, and four finalists.
    let mut world = World::new(7, |_, _| Path::of(10));
    let leaves = [31, 32, 33, 34, 35, 36];
    let site = |n: u8| turn_balance_sim::Site {
        name: "leaf",
        superiors: vec![server(ROOT)],
        turn: Some(leaf_turn(n)),
        load: Load::new(50.0, 100),
        ..Default::default()
    };
    leaves.iter().for_each(|n| world.start(leaf(*n), &site(*n)));
    let nodes = leaves.map(leaf).into();
    world
        .start(server(ROOT), &turn_balance_sim::Site { name: "root", nodes, ..Default::default() });
    world.run_for(Duration::from_secs(10));
    let mut chosen = std::collections::BTreeMap::<_, usize>::new();
    for seed in 0..200 {
        world.rng = Rng::seed_from_u64(seed);
        let options = Options { verify: Verify::Require, ..Options::default() };
        let selection = selection(&world.descend(client(), options, &[server(ROOT)]));
        *chosen.entry(selection.turn).or_default() += 1;
    }
    assert!(chosen.len() == 6 && chosen.values().all(|n| (12..60).contains(n)), "{chosen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_full_one_is_never_named_while_another_lives(
        seed: u64,
        loads in proptest::collection::vec(proptest::option::of(0..=100u8), 6),
        on_its_way: bool,
        way in 0..3usize,
    ) {
        // A plain race asks nobody twice.
        let loss = if way == 2 { 0.0 } else { 0.02 };
        let mut world = cascade(seed, Path { loss, ..Path::of(0) });
        world.run_for(Duration::from_secs(10));
        for (n, load) in ALL.iter().zip(&loads) {
            world.fill(leaf(*n), *load);
        }
        let settle = world.rng.random_range(5_000..9_000);
        world.run_for(Duration::from_millis(if on_its_way { 0 } else { settle }));
        let descent = world.descend(client(), ways()[way].clone(), &[server(ROOT)]);
        let full = |turn: SocketAddr| {
            let n = ALL.iter().position(|n| leaf_turn(*n) == turn).unwrap();
            loads[n].is_some_and(|load| load >= 95)
        };
        let all_full = ALL.iter().all(|n| full(leaf_turn(*n)));
        match descent.selection().unwrap() {
            Ok(selection) => prop_assert!(!full(selection.turn) || all_full && on_its_way),
            Err(failure) => prop_assert!(all_full, "{failure}"),
        }
    }
}
