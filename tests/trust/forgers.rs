//! Who has no key, or only what others have sent, changes nothing.

use std::time::Duration;

use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{Ping, Pong, Response, ResponseBody, SIGNED_HEARTBEAT};

use crate::world::*;
use turn_balance_sim::{Path, Site};

#[test]
fn forged_heartbeats_change_nothing_and_get_no_answer() {
    let mut world = pair(3, &[node(11)], open(10, &[]));
    world.hosts.remove(&node(11));
    world.run_for(SECOND);
    dropped(&mut world);
    let other = Key::new(1, &[9; 32]);
    let news = |version| Ping { seq: 1 << 60, version, ..Ping::default() };
    let mut unsigned = heartbeat(&key(1), Purpose::Ping, news(1));
    let last = unsigned.len() - 1;
    unsigned[last] ^= 1;
    let forged = [
        heartbeat(&other, Purpose::Ping, news(2)),
        heartbeat(&key(2), Purpose::Ping, news(3)),
        heartbeat(&key(1), Purpose::Probe, news(4)),
        unsigned,
    ];
    for from in [node(11), node(12)] {
        let start = world.log.len();
        for payload in &forged {
            world.send(from, superior(), payload.clone());
        }
        world.run_for(Duration::from_millis(100));
        assert_eq!(dropped(&mut world), [DropReason::WrongTag; 4], "{from}");
        assert!(world.log[start..].iter().all(|sent| sent.to != node(12)), "an answer");
        assert!(seen(&world, superior(), from).iter().all(|payload| pong(payload).is_none()));
    }
    assert_eq!(count(&world), (0, 1));
}

#[test]
fn replayed_heartbeats_change_nothing() {
    let mut world = pair(4, &[node(11)], open(10, &[]));
    world.run_for(10 * SECOND);
    let recorded = seen(&world, node(11), superior());
    let last = recorded.last().unwrap().clone();
    assert_ne!(ping(&last).challenge, 0);
    world.hosts.remove(&node(11));
    world.run_for(15 * SECOND);
    assert_eq!(count(&world), (0, 1));
    dropped(&mut world);
    // From its own address: its number does not rise, so it brings no check forward.
    let before = checks(&world, node(11));
    for _ in 0..40 {
        world.send(node(11), superior(), last.clone());
        world.run_for(Duration::from_millis(250));
    }
    assert_eq!(dropped(&mut world), [DropReason::Replayed; 40]);
    assert!(checks(&world, node(11)) - before <= 10, "{}", checks(&world, node(11)) - before);
    // From another: its challenge is not for that one, which gets no node and one answer each.
    for payload in &recorded {
        world.send(node(12), superior(), payload.clone());
    }
    world.run_for(SECOND);
    assert_eq!(count(&world), (0, 1));
    assert_eq!(checks(&world, node(12)), 0);
    let answers = seen(&world, superior(), node(12));
    assert_eq!(answers.len(), recorded.len());
    assert!(answers.iter().all(|answer| answer.len() <= SIGNED_HEARTBEAT));
}

#[test]
fn a_node_that_was_forgotten_is_not_brought_back_by_what_was_recorded() {
    let mut world = pair(5, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    world.hosts.remove(&node(11));
    world.run_for(Duration::from_secs(250));
    assert_eq!(count(&world), (0, 1), "it may only be restarting");
    world.run_for(Duration::from_secs(70));
    assert_eq!(count(&world), (0, 0));
    for payload in seen(&world, node(11), superior()) {
        world.send(node(11), superior(), payload);
        world.run_for(SECOND);
    }
    assert_eq!(count(&world), (0, 0));
    let silent = checks(&world, node(11));
    world.run_for(60 * SECOND);
    assert_eq!(checks(&world, node(11)), silent, "nobody is checked any more");
}

#[test]
fn a_superior_that_restarts_believes_nothing_that_was_recorded_before() {
    let mut world = pair(16, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    world.hosts.remove(&node(11));
    world.start(superior(), &superior_site(&[], open(10, &[])));
    for payload in seen(&world, node(11), superior()) {
        world.send(node(11), superior(), payload);
    }
    world.run_for(SECOND);
    assert_eq!(count(&world), (0, 0));
}

#[test]
fn no_bit_of_a_heartbeat_can_be_changed() {
    let mut world = world(19, |_, _| Path::of(5));
    let site = superior_site(&[node(11)], required(open(10, &[])));
    world.start(superior(), &Site { patient: true, ..site });
    world.start(node(11), &leaf_site(11, keys(&[1])));
    world.run_for(10 * SECOND);
    let answer = pong(&seen(&world, superior(), node(11))[0]).unwrap();
    world.hosts.remove(&node(11));
    world.run_for(15 * SECOND);
    dropped(&mut world);
    let version = 1 << 40;
    let new = Ping { seq: 1 << 62, challenge: answer.challenge, version, ..Ping::default() };
    let new = heartbeat(&key(1), Purpose::Ping, new);
    let (pongs, before) = (seen(&world, superior(), node(11)).len(), checks(&world, node(11)));
    for bit in 0..8 * new.len() {
        let mut changed = new.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        world.send(node(11), superior(), changed);
    }
    world.run_for(Duration::from_millis(20));
    assert_eq!(dropped(&mut world).len(), 8 * new.len());
    assert_eq!(seen(&world, superior(), node(11)).len(), pongs);
    assert_eq!(checks(&world, node(11)), before);
    // As it was, it is taken.
    world.send(node(11), superior(), new);
    world.run_for(Duration::from_millis(20));
    assert_eq!(checks(&world, node(11)), before + 1);
    assert_eq!(dropped(&mut world), []);
}

#[test]
fn a_flood_of_tags_is_judged_up_to_a_bound() {
    let mut world = pair(22, &[node(11)], required(open(10, &[])));
    world.run_for(10 * SECOND);
    dropped(&mut world);
    let stray = Pong { seq: 1, challenge: 1, ..Pong::default() };
    let mut stray = Response { id: 0, body: ResponseBody::Pong(stray) }.encode();
    Key::new(1, &[9; 32]).sign(Purpose::Pong, &mut stray, 0);
    let forged = heartbeat(&Key::new(1, &[9; 32]), Purpose::Ping, Ping::default());
    for payload in [forged, stray] {
        for _ in 0..25_000 {
            world.send(addr("192.0.2.66:3001"), superior(), payload.clone());
        }
        world.run_for(3 * SECOND);
        let reasons = dropped(&mut world);
        let judged = reasons.iter().filter(|reason| **reason == DropReason::WrongTag).count();
        assert_eq!(judged, 20_000, "those of a tenth of a second");
        assert!(reasons.iter().all(|r| matches!(r, DropReason::WrongTag | DropReason::Limited)));
        assert_eq!(reasons.len(), 25_000);
    }
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn one_node_that_comes_from_everywhere_is_remembered_at_few_places() {
    let mut world = world(21, |_, _| Path::of(5));
    world.start(superior(), &superior_site(&[], open(3, &[])));
    for n in 1..=6 {
        let message = |seq, challenge| {
            let advertise = Some(node(80));
            let ping = Ping { seq, challenge, advertise, ..Ping::default() };
            heartbeat(&key(1), Purpose::Ping, ping)
        };
        world.send(node(n), superior(), message(1, 0));
        world.run_for(Duration::from_millis(20));
        let challenge = pong(&seen(&world, superior(), node(n))[0]).unwrap().challenge;
        world.send(node(n), superior(), message(2, challenge));
        world.run_for(Duration::from_millis(20));
    }
    assert_eq!(dropped(&mut world), [DropReason::TooManyNodes; 3]);
    assert_eq!(count(&world), (0, 0), "nothing has answered there");
}
