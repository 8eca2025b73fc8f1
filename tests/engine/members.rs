//! Who is online, from when until when.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{CandidateState, Failure, Options};
use turn_balance::internals::engine::server::heartbeat::{Heartbeats, Tells};
use turn_balance::internals::wire::{
    Ping, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, Site, World};

#[test]
fn a_restarted_superior_has_its_tree_in_a_second() {
    let mut world = cascade(7, Path::of(0));
    world.run_for(Duration::from_secs(60));
    world.start(server(ROOT), &root_site());
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.count(server(ROOT)), (2, 2));
}

#[test]
fn what_changes_below_a_server_is_known_at_the_root_in_half_a_second() {
    let mut late = Vec::new();
    for phase in 0..20 {
        let mut world = cascade(21 + phase, Path::of(0));
        let site = |n| Site {
            name: "region",
            superiors: vec![server(ROOT)],
            nodes: leaves(n).map(leaf).into(),
            ..Site::default()
        };
        // Its leaves answer one after the other: each is news.
        world.path = Box::new(|from, to| match [from, to].contains(&leaf(13)) {
            true => Path::of(50),
            false => Path::of(5),
        });
        world.run_for(Duration::from_millis(60_000 + 170 * phase));
        world.start(region(1), &site(1));
        world.run_for(Duration::from_millis(500));
        late.push(6 - flat_list(&mut world, server(ROOT)).len());

        world.hosts.remove(&leaf(11));
        world.run_for(Duration::from_millis(30_000 + 170 * phase));
        assert_eq!(flat_list(&mut world, server(ROOT)).len(), 5);
        world.start(leaf(11), &leaf_site(11));
        world.run_for(Duration::from_millis(500));
        late.push(6 - flat_list(&mut world, server(ROOT)).len());
    }
    assert_eq!(late, [0; 40], "leaves that are missing");
}

#[test]
fn where_a_fifth_is_lost_a_restarted_server_is_whole_at_the_root_in_four_seconds() {
    let late = (0..300).filter(|seed| {
        let mut world = cascade(*seed, Path::of(0));
        world.path = Box::new(|from, to| {
            let loss = if from.ip() == to.ip() { 0.0 } else { 0.2 };
            Path { loss, ..Path::of(10) }
        });
        world.run_for(Duration::from_millis(30_000 + 11 * seed));
        let superiors = vec![server(ROOT)];
        let nodes = leaves(1).map(leaf).into();
        world.start(region(1), &Site { name: "region", superiors, nodes, ..Site::default() });
        world.run_for(Duration::from_secs(4));
        flat_list(&mut world, server(ROOT)).len() < 6
    });
    let late = late.count();
    assert!(late <= 6, "{late} of 300");
}

#[test]
fn news_is_told_three_times() {
    let start = Instant::now();
    let mut heartbeats = Heartbeats::new(None, Rng::seed_from_u64(25));
    heartbeats.set_superiors(start, [server(ROOT)]);
    for (tells, version) in [(Tells::Offering, 1), (Tells::Nothing, 2)] {
        let news = start + Duration::from_secs(60 * version);
        heartbeats.set_offer(news, tells, version);
        let sent = (0..4000)
            .filter(|ms| heartbeats.poll_transmit(news + Duration::from_millis(*ms)).is_some());
        let mut sent: Vec<_> = sent.collect();
        // What goes on as before is told every three seconds, more or less.
        sent.retain(|ms| *ms < 3000);
        assert_eq!(sent, [0, 500, 1500]);
        assert_eq!(heartbeats.poll_timeout().is_some(), tells == Tells::Offering);
    }
}

#[test]
fn a_server_that_never_rests_sends_four_heartbeats_a_second() {
    let start = Instant::now();
    let mut heartbeats = Heartbeats::new(None, Rng::seed_from_u64(22));
    heartbeats.set_superiors(start, [server(ROOT)]);
    let sent = (0..1000).filter(|step| {
        let now = start + Duration::from_millis(10 * step);
        heartbeats.set_offer(now, Tells::Offering, step + 1);
        heartbeats.poll_transmit(now).is_some()
    });
    assert_eq!(sent.count(), 40);
}

#[test]
fn a_leaf_is_online_twelve_seconds_after_its_last_answer_and_again_within_one_of_its_start() {
    let mut world = cascade(8, Path::of(0));
    world.run_for(Duration::from_secs(60));
    let online = |world: &World<'_>| world.count(region(1)).0;
    let is_online = |world: &World<'_>, addr| {
        world.hosts[&region(1)].server().engine.is_online(world.now, addr)
    };
    assert_eq!(online(&world), 3);
    assert!(leaves(1).map(leaf).iter().all(|addr| is_online(&world, *addr)));
    assert!(!is_online(&world, leaf(21)), "it is another's");
    world.hosts.remove(&leaf(11));
    world.run_for(Duration::from_secs(8));
    assert_eq!(online(&world), 3, "its last answer is no more than 3.3 s older");
    world.run_for(Duration::from_millis(4100));
    assert_eq!(online(&world), 2);
    assert!(!is_online(&world, leaf(11)));
    world.run_for(Duration::from_secs(30));
    world.start(leaf(11), &leaf_site(11));
    world.run_for(Duration::from_secs(1));
    assert_eq!(online(&world), 3);
}

#[test]
fn a_forged_heartbeat_puts_nobody_online() {
    let mut world = cascade(9, Path::of(0));
    world.hosts.remove(&leaf(11));
    world.run_for(Duration::from_secs(5));
    let start = world.log.len();
    for _ in 0..1000 {
        let ping = Ping { version: 99, ..Ping::default() };
        let message = Request { id: 0, body: RequestBody::Ping(ping) }.encode(0);
        world.send(leaf(11), region(1), message);
        world.run_for(Duration::from_millis(10));
    }
    assert_eq!(world.count(region(1)).0, 2);
    let checks = world.log[start..].iter().filter(|sent| sent.to == leaf(11)).count();
    assert!(checks <= 41, "{checks} checks in 10 s: never two in 250 ms");
}

/// An old server beside a TURN server: it answers bare, whatever it is asked.
fn old_leaf(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(_) }) = Request::decode(request) else {
        return Vec::new();
    };
    let reply = ProbeReply { turn: Some(leaf_turn(11)), ..ProbeReply::default() };
    let answer = Response { id, body: ResponseBody::Probe(reply) };
    vec![(leaf(11), answer.encode())]
}

#[test]
fn an_old_server_is_a_node_like_any_other() {
    let mut world = cascade(10, Path::of(0));
    world.hosts.remove(&leaf(11));
    world.hosts.insert(leaf(11), Host::Peer(old_leaf));
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.count(region(1)).0, 3);
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(11));
}

#[test]
fn a_bare_request_never_gets_an_empty_answer() {
    let mut world = World::new(11, |_, _| Path::of(1));
    world.start(server(ROOT), &root_site());
    world.run_for(Duration::from_secs(1));
    assert_eq!(ask_bare(&mut world, server(ROOT)), 0);
    let start = world.now;
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let outcome = descent.selection().unwrap();
    assert!(
        matches!(outcome, Err(Failure::DeadEnd { level: 0, state: CandidateState::Nothing, .. })),
        "{outcome:?}"
    );
    assert!(world.now - start < Duration::from_millis(10), "it waits for nothing");
    let mut world = cascade(12, Path::of(0));
    world.run_for(Duration::from_secs(1));
    assert_eq!(ask_bare(&mut world, server(ROOT)), 1);
}

#[test]
fn a_leaf_whose_turn_server_dies_is_out_within_eleven_seconds_and_back_within_seven() {
    let mut world = cascade(30, Path::of(0));
    world.run_for(Duration::from_secs(30));
    world.hosts.remove(&leaf_turn(11));
    world.run_for(Duration::from_secs(11));
    assert_eq!(world.count(region(1)).0, 2);
    assert!(!flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
    assert_eq!(ask_bare(&mut world, leaf(11)), 0, "it falls silent to old clients");
    let descent = world.descend(client(), levels(), &[leaf(11)]);
    assert_eq!(trace(&descent).candidates[0].state, CandidateState::TurnDown);
    world.hosts.insert(leaf_turn(11), Host::Turn);
    world.run_for(Duration::from_secs(7));
    assert_eq!(world.count(region(1)).0, 3);
    assert!(flat_list(&mut world, server(ROOT)).contains(&leaf(11)));
}
