//! The way down, on paths with and without faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{
    CandidateState, Options, Strategy, Verify, Why,
};
use turn_balance::internals::wire::{ProbeReply, Request, RequestBody, Response, ResponseBody};

use crate::cascade::*;
use turn_balance_sim::{Host, Jitter, Path, World};

#[test]
fn the_nearest_leaf_is_chosen() {
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    let selection = selection(&descent);
    assert_eq!(selection.turn, leaf_turn(11));
    assert_eq!(selection.rtt, Duration::from_millis(22));
    let path: Vec<_> = selection.path.iter().map(|hop| hop.addr).collect();
    assert_eq!(path, [server(ROOT), region(1), leaf(11)]);
    let states: Vec<_> = trace(&descent).candidates.iter().map(|c| c.state).collect();
    assert_eq!(states[..3], [CandidateState::Path, CandidateState::Path, CandidateState::Explored]);
}

#[test]
fn the_plain_race_asks_each_candidate_once() {
    let mut world = cascade(2, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.log.clear();
    let options = Options { strategy: Strategy::First, ..levels() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let selected = selection(&descent);
    assert_eq!((selected.turn, selected.verified), (leaf_turn(11), false));
    let mut asked = BTreeMap::new();
    for sent in &world.log {
        *asked.entry(sent.to).or_insert(0) += u32::from(sent.from == client());
    }
    asked.retain(|_, count| *count > 0);
    let expected = [ROOT, "203.0.113.1", "203.0.113.2", "203.0.113.11", "203.0.113.12"];
    let expected = expected.iter().chain(&["203.0.113.13"]).map(|ip| (server(ip), 1)).collect();
    assert_eq!(asked, expected);
}

#[test]
fn loss_duplication_and_reordering_keep_no_descent_from_its_end() {
    let faults = Path { jitter: Jitter::Even(30.0), loss: 0.2, twice: 0.2, ..Path::of(0) };
    for seed in 0..100 {
        let mut world = cascade(seed, faults);
        world.run_for(Duration::from_secs(6));
        let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
        let selection = selection(&descent);
        assert!(selection.rtt < Duration::from_millis(120), "seed {seed}: {selection:?}");
    }
}

#[test]
fn several_roots_are_asked_at_once_and_one_is_enough() {
    let mut world = cascade(16, Path::of(0));
    world.run_for(Duration::from_secs(1));
    let dead = server("198.51.100.9");
    let descent = world.descend(client(), Options::default(), &[dead, server(ROOT)]);
    let selection = selection(&descent);
    assert_eq!(selection.turn, leaf_turn(11));
    // No list tells it, and its TURN server was asked before it had said so itself.
    assert_eq!(selection.name, "leaf".parse().ok());
    assert!(selection.elapsed < Duration::from_millis(300), "{:?}", selection.elapsed);
}

#[test]
fn on_one_host_no_copy_waits_for_another_and_loss_changes_no_answer() {
    for seed in 0..50 {
        let loss = if seed == 0 { 0.0 } else { 0.05 };
        let mut world = cascade(seed, Path::of(0));
        world.run_for(Duration::from_secs(1));
        world.path = Box::new(move |from, to| {
            let nearest = [from, to].iter().any(|addr| addr.ip() == leaf(11).ip());
            Path { delay: if nearest { 0.02 } else { 0.025 }, loss, ..Path::of(0) }
        });
        let descent = world.descend(client(), levels(), &[server(ROOT)]);
        let selection = selection(&descent);
        assert_eq!((selection.turn, selection.verified), (leaf_turn(11), true), "seed {seed}");
        let most = Duration::from_millis(4);
        assert!(loss > 0.0 || selection.elapsed <= most, "{:?}", selection.elapsed);
    }
}

#[test]
fn a_silent_leaf_is_passed_over() {
    let mut world = cascade(3, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.hosts.remove(&leaf(11));
    world.hosts.remove(&leaf_turn(11));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(12));
    let silent = trace(&descent).candidates.into_iter().filter(|c| c.addr == leaf(11));
    assert_eq!(silent.map(|c| c.state).collect::<Vec<_>>(), [CandidateState::Silent]);
}

#[test]
fn a_dead_turn_server_is_passed_over_but_better_than_none() {
    let mut world = cascade(4, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.hosts.remove(&leaf_turn(11));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let selected = selection(&descent);
    assert_eq!((selected.turn, selected.verified), (leaf_turn(12), true));
    let why = |turn| selected.runners_up.iter().find(|r| r.turn == turn).map(|r| r.why);
    assert_eq!([why(leaf_turn(11)), why(leaf_turn(21))], [Some(Why::Silent), Some(Why::Slower)]);
    world.hosts.retain(|_, host| !matches!(host, Host::Turn));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    let selected = selection(&descent);
    assert_eq!((selected.turn, selected.verified), (leaf_turn(11), false));
}

#[test]
fn a_dead_turn_server_is_passed_over_for_one_far_away() {
    // Only leaf 11 is near, and its TURN server is dead: the next best are five times as far.
    let mut world = cascade(4, Path::of(0));
    let before = std::mem::replace(&mut world.path, Box::new(|_, _| Path::of(0)));
    world.path = Box::new(move |from, to| {
        let near = |addr: SocketAddr| addr.ip() == leaf(11).ip() || addr == client();
        if near(from) && near(to) { Path::of(5) } else { before(from, to) }
    });
    world.run_for(Duration::from_secs(3));
    world.hosts.remove(&leaf_turn(11));
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(12));
}

#[test]
fn a_turn_server_that_answers_is_chosen_though_its_leaf_is_silent() {
    let mut world = cascade(5, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.hosts.remove(&leaf(11));
    let selected = selection(&world.descend(client(), levels(), &[server(ROOT)]));
    assert_eq!((selected.turn, selected.verified), (leaf_turn(11), true));
    // The leaf was asked again in vain; without the last round nothing shows that anybody is there.
    let off = Options { verify: Verify::Off, ..levels() };
    assert_eq!(selection(&world.descend(client(), off, &[server(ROOT)])).turn, leaf_turn(12));
}

#[test]
fn a_silent_region_sends_the_descent_into_the_next() {
    let mut world = cascade(5, Path::of(0));
    world.run_for(Duration::from_secs(1));
    for n in leaves(1) {
        world.hosts.remove(&leaf(n));
        world.hosts.remove(&leaf_turn(n));
    }
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(21));
}

#[test]
fn a_region_outside_the_window_is_gone_into_when_the_first_is_a_dead_end() {
    // Region 2 is 20 times as far: outside the window of region 1.
    let mut world = cascade(6, Path::of(0));
    let near = std::mem::replace(&mut world.path, Box::new(|_, _| Path::of(0)));
    world.path = Box::new(move |from, to| {
        let far = [from, to].contains(&region(2));
        if far { Path::of(200) } else { near(from, to) }
    });
    world.run_for(Duration::from_secs(3));
    for n in leaves(1) {
        world.hosts.remove(&leaf(n));
        world.hosts.remove(&leaf_turn(n));
    }
    let descent = world.descend(client(), levels(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(21));
}

/// A leaf that was asked so often already.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Silent until it was asked a dozen times.
fn slow_to_wake(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    if ASKED.fetch_add(1, Ordering::Relaxed) < 11 {
        return Vec::new();
    }
    let reply = ProbeReply { turn: Some(turn(ROOT)), nonce: probe.nonce, ..ProbeReply::default() };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn a_silent_root_is_asked_every_second() {
    let mut world = World::new(24, |_, _| Path::of(10));
    world.hosts.insert(server(ROOT), Host::Peer(slow_to_wake));
    let options = Options { verify: Verify::Off, ..Options::default() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, turn(ROOT));
    let asked: Vec<_> = world.log.iter().filter(|sent| sent.from == client()).collect();
    let pauses = asked.windows(2).map(|pair| pair[1].at - pair[0].at);
    let pauses: Vec<_> = pauses.map(|pause| pause.as_millis()).collect();
    assert_eq!(pauses, [10, 90, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000]);
}
