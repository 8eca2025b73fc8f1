//! Servers that ask not to be chosen any more.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;

use turn_balance::internals::engine::client::descent::{
    CandidateState, Failure, Options, Strategy,
};
use turn_balance::internals::wire::{
    ProbeReply, Request, RequestBody, Response, ResponseBody, State,
};

use turn_balance_sim::{Host, Path, Site, World};

use crate::cascade::{
    ROOT, ask_bare, cascade, client, leaf, leaf_turn, levels, region, selection, server, trace,
};

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

const ALL: [u8; 6] = [11, 12, 13, 21, 22, 23];

/// Both strategies, with flat lists and through every level.
fn ways() -> impl Iterator<Item = Options> {
    let first = Options { strategy: Strategy::First, ..Options::default() };
    [Options::default(), levels(), first].into_iter()
}

#[test]
fn one_that_drains_is_passed_over_while_another_lives() {
    for seed in 0..20 {
        for options in ways() {
            let mut world = settled(seed);
            // The lists that name them are on their way.
            for n in [11, 12, 21, 22] {
                world.drain(leaf(n), true);
            }
            let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
            let turn = selection(&descent).turn;
            assert!([leaf_turn(13), leaf_turn(23)].contains(&turn), "{options:?}: {turn}");
        }
    }
}

#[test]
fn one_that_drains_is_chosen_where_nobody_else_lives() {
    for (seed, dead) in (0..20).flat_map(|seed| [(seed, &ALL[..0]), (seed, &ALL[1..])]) {
        for options in ways() {
            let mut world = settled(seed);
            ALL.iter().for_each(|n| world.drain(leaf(*n), true));
            for n in dead {
                world.stop(leaf(*n));
                world.hosts.remove(&leaf_turn(*n));
            }
            let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
            let selection = selection(&descent);
            assert_eq!(selection.turn, leaf_turn(11), "{options:?}");
            // Two silences, at the root and one level or two below it.
            let most = if dead.is_empty() { 300 } else { 2200 };
            assert!(selection.elapsed < Duration::from_millis(most), "{:?}", selection.elapsed);
        }
    }
}

#[test]
fn there_is_a_way_through_balance_servers_that_drain() {
    for seed in 0..20 {
        for options in ways() {
            let mut world = settled(seed);
            world.drain(server(ROOT), true);
            world.drain(region(1), true);
            world.drain(region(2), true);
            let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
            let selection = selection(&descent);
            assert!(selection.elapsed < Duration::from_millis(300), "{options:?}");
            let says: Vec<_> = selection.path.iter().map(|hop| hop.says).collect();
            assert_eq!(says[0], Some(CandidateState::Draining), "{options:?}");
            assert_eq!(says.last(), Some(&None), "{options:?}: the leaf does not");
            let trace = trace(&descent);
            let of = |at| trace.candidates.iter().find(|row| row.addr == at).unwrap();
            let [root, leaf] = [server(ROOT), selection.path.last().unwrap().addr].map(of);
            assert_eq!((root.state, root.says), (CandidateState::Path, says[0]));
            assert_eq!((leaf.state, leaf.says), (CandidateState::Path, None));
        }
    }
}

#[test]
fn where_all_nodes_drain_the_failure_says_so() {
    let mut world = settled(1);
    [11, 12, 13].iter().for_each(|n| world.drain(leaf(*n), true));
    world.run_for(Duration::from_secs(1));
    let descent = world.descend(client(), Options { down: true, ..levels() }, &[region(1)]);
    let failure = descent.selection().unwrap().unwrap_err();
    let Failure::DeadEnd { state: CandidateState::Nothing, nodes, .. } = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(nodes, Some(CandidateState::Draining));
    let said = failure.to_string();
    assert!(said.ends_with(" is a dead end, all its nodes are draining"), "{said}");
}

#[test]
fn one_of_two_roots_that_drains_is_left_alone() {
    let other = server("198.51.100.2");
    let mut world = settled(1);
    world.start(other, &Site { name: "other", nodes: vec![region(2)], ..Site::default() });
    world.run_for(Duration::from_secs(2));
    world.drain(server(ROOT), true);
    let descent = world.descend(client(), Options::default(), &[server(ROOT), other]);
    assert_eq!(selection(&descent).turn, leaf_turn(21));
    world.stop(other);
    let descent = world.descend(client(), Options::default(), &[server(ROOT), other]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
}

#[test]
fn what_says_in_the_last_round_that_it_drains_loses() {
    let mut world = settled(1);
    // Its first answer says that all is well, the others are behind the end of the race.
    let mut answers = 0;
    let node = |n: u8| ProbeReply { turn: Some(leaf_turn(n)), version: 1, ..Default::default() };
    world.hosts.insert(
        leaf(11),
        Host::Actor(Box::new(move |to, _, request| {
            let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request)
            else {
                return Vec::new();
            };
            answers += 1;
            let state = if answers == 1 { State::Offering } else { State::Draining };
            let reply = ProbeReply { nonce: probe.nonce, state, ..node(11) };
            vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
        })),
    );
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(12));
}
