//! Another configuration while a superior runs: who stays, who goes, and what is kept.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::auth::Trust;
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::reload::Reload;
use turn_balance::internals::engine::server::turn::TurnSpec;
use turn_balance::internals::wire::auth::{Key, Keys};

use crate::world::*;
use turn_balance_sim::World;

fn spec(addr: SocketAddr) -> NodeSpec {
    NodeSpec { addr, public: addr, name: None }
}

fn reload(world: &mut World, nodes: &[SocketAddr], trust: Trust) {
    let now = world.now;
    let nodes = nodes.iter().map(|addr| spec(*addr)).collect();
    let reload = Reload { nodes, trust, ..Reload::default() };
    server(world, superior()).engine.handle_reload(now, reload);
}

/// What could be lost: when each node is checked next, and until when it is online.
fn states(world: &mut World) -> Vec<(SocketAddr, Duration, Option<Duration>, bool)> {
    let now = world.now;
    let states = server(world, superior()).engine.members().states();
    let states = states.into_iter().map(|state| {
        let until = state.until.map(|until| until.saturating_duration_since(now));
        (state.addr, state.due.saturating_duration_since(now), until, state.joined)
    });
    states.collect()
}

#[test]
fn what_stays_keeps_what_is_known_of_it() {
    let mut world = pair(31, &[node(12), node(13)], open(10, &[]));
    for n in [12, 13] {
        world.start(node(n), &leaf_site(n, keys(&[1])));
    }
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (3, 3));
    let before = states(&mut world);
    for _ in 0..1000 {
        reload(&mut world, &[node(12), node(13)], open(10, &[]));
    }
    assert_eq!(states(&mut world), before);
    // One more, one fewer, and one that had joined is listed.
    reload(&mut world, &[node(12), node(11), node(1)], open(10, &[]));
    let after = states(&mut world);
    let of = |states: &[(SocketAddr, Duration, Option<Duration>, bool)], addr| {
        states.iter().find(|state| state.0 == addr).map(|state| (state.1, state.2))
    };
    assert_eq!(of(&after, node(12)), of(&before, node(12)));
    assert_eq!(of(&after, node(11)), of(&before, node(11)));
    assert_eq!(of(&after, node(13)), None);
    assert_eq!(of(&after, node(1)).map(|(_, until)| until), Some(None));
    assert_eq!(count(&world), (2, 3));
}

#[test]
fn heartbeats_go_on_as_if_nothing_had_been() {
    // A challenge that was given before is good, and a number that was heard stays heard.
    let mut world = pair(32, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    let pongs = |world: &World| seen(world, superior(), node(11)).len();
    let before = pongs(&world);
    for _ in 0..10 {
        reload(&mut world, &[], open(10, &[]));
        world.run_for(3 * SECOND);
    }
    assert_eq!((pongs(&world), count(&world)), (before, (1, 1)));
}

#[test]
fn room_and_nodes_change_at_once() {
    let mut world = pair(33, &[], open(2, &[]));
    world.start(node(12), &leaf_site(12, keys(&[1])));
    world.run_for(10 * SECOND);
    assert_eq!(count(&world), (2, 2));
    let listed = [node(1), node(2), node(3)];
    reload(&mut world, &listed, open(5, &[]));
    assert_eq!(count(&world), (2, 5));
    reload(&mut world, &listed, open(4, &[]));
    assert_eq!(count(&world), (1, 4));
}

#[test]
fn who_may_not_join_any_more_goes() {
    let none = Trust { join: None, ..open(10, &[]) };
    let elsewhere = open(10, &["198.51.100.0/24"]);
    let other_key = Trust { keys: keys(&[2]).keys, ..open(10, &[]) };
    let other_secret = Trust { keys: Keys::new([Key::new(1, &[9; 32])]), ..open(10, &[]) };
    let no_key = Trust::default();
    for trust in [none, elsewhere, other_key, other_secret, no_key] {
        let mut world = pair(34, &[node(12)], open(10, &[]));
        world.start(node(12), &leaf_site(12, keys(&[1])));
        world.run_for(10 * SECOND);
        assert_eq!(count(&world), (2, 2));
        reload(&mut world, &[node(12)], trust);
        assert_eq!(count(&world), (1, 1), "the listed one stays");
    }
    let near = Trust { keys: keys(&[2, 1]).keys, ..open(10, &["203.0.113.0/24"]) };
    let mut world = pair(34, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    reload(&mut world, &[], near);
    world.run_for(30 * SECOND);
    assert_eq!(count(&world), (1, 1));
}

#[test]
fn keys_are_changed_one_server_after_another_and_nobody_goes_offline() {
    let mut world = pair(35, &[], open(10, &[]));
    world.run_for(10 * SECOND);
    let leaf = |world: &mut World, ids: &[u8]| {
        let now = world.now;
        let turn = vec![TurnSpec::new(SocketAddr::new(node(11).ip(), 3478))];
        let (trust, superiors) = (keys(ids), vec![superior()]);
        let reload = Reload { trust, superiors, turn, ..Reload::default() };
        server(world, node(11)).engine.handle_reload(now, reload);
    };
    let top = |world: &mut World, ids: &[u8]| {
        reload(world, &[], Trust { keys: keys(ids).keys, ..open(10, &[]) });
    };
    let check = |world: &mut World, what: &str| {
        for _ in 0..200 {
            world.run_for(SECOND / 10);
            assert_eq!(count(world), (1, 1), "{what}");
        }
    };
    for ids in [&[1, 2][..], &[2, 1], &[2]] {
        leaf(&mut world, ids);
        check(&mut world, "the leaf");
        top(&mut world, ids);
        check(&mut world, "the superior");
    }
}

#[test]
fn a_turn_server_beside_it_stays_as_it_is() {
    let mut world = pair(36, &[node(11)], keys(&[1]));
    world.run_for(10 * SECOND);
    let now = world.now;
    let turn = TurnSpec::new(SocketAddr::new(node(11).ip(), 3478));
    let at_once = |world: &mut World, turn: Vec<TurnSpec>| {
        let engine = &mut server(world, node(11)).engine;
        engine.handle_reload(now, Reload { turn, trust: keys(&[1]), ..Reload::default() });
        let (listing, _) = engine.poll_listing(now).unwrap_or_else(|| {
            engine.poll_listing(now + SECOND).expect("another superior is news")
        });
        listing.turn
    };
    let public = turn.public;
    assert_eq!(at_once(&mut world, vec![turn.clone()]), [public]);
    let elsewhere = TurnSpec { public: SocketAddr::new(public.ip(), 5349), ..turn.clone() };
    assert_eq!(at_once(&mut world, vec![elsewhere.clone()]), [elsewhere.public]);
    let another = TurnSpec::new(SocketAddr::new(node(12).ip(), 3478));
    assert_eq!(at_once(&mut world, vec![another]), [], "it has not answered yet");
}

/// Has the leaf tell these from now on.
fn tell(world: &mut World, superiors: &[SocketAddr]) {
    let now = world.now;
    let turn = vec![TurnSpec::new(SocketAddr::new(node(11).ip(), 3478))];
    let (trust, superiors) = (keys(&[1]), superiors.to_vec());
    let reload = Reload { trust, superiors, turn, ..Reload::default() };
    server(world, node(11)).engine.handle_reload(now, reload);
}

#[test]
fn heartbeats_go_to_the_superiors_that_are_configured() {
    let mut world = pair(37, &[], open(10, &[]));
    let other = addr("198.51.100.2:3001");
    world.start(other, &superior_site(&[], open(10, &[])));
    world.run_for(10 * SECOND);
    let told = |world: &World| [superior(), other].map(|to| seen(world, node(11), to).len());
    let pongs = |world: &World| seen(world, superior(), node(11)).len();
    let (before, known) = (told(&world), pongs(&world));
    assert!(before[0] > 0 && before[1] == 0);
    // One more: that one at once, and the first goes on with the challenge that it has.
    tell(&mut world, &[superior(), other]);
    world.run_for(10 * SECOND);
    let both = told(&world);
    assert!(both[0] > before[0] && both[1] > 0, "{both:?}");
    assert_eq!((pongs(&world), world.count(other)), (known, (1, 1)));
    // The first is none any more.
    tell(&mut world, &[other]);
    world.run_for(10 * SECOND);
    let one = told(&world);
    assert!(one[0] == both[0] && one[1] > both[1], "{one:?}");
    tell(&mut world, &[]);
    world.run_for(10 * SECOND);
    assert_eq!(told(&world), one);
}

#[test]
fn who_has_checked_is_known_of_superiors_that_stay() {
    let mut world = pair(38, &[node(11)], keys(&[1]));
    world.run_for(10 * SECOND);
    let last = |world: &mut World| -> Vec<_> {
        let engine = &server(world, node(11)).engine;
        engine.superiors().map(|(addr, last)| (addr, last.is_some())).collect()
    };
    assert_eq!(last(&mut world), [(superior(), true)]);
    let silent = addr("198.51.100.9:3001");
    tell(&mut world, &[superior(), silent]);
    assert_eq!(last(&mut world), [(superior(), true), (silent, false)]);
    tell(&mut world, &[silent]);
    world.run_for(10 * SECOND);
    assert_eq!(last(&mut world), [(silent, false)]);
    // It still checks what it lists, from above or not.
    assert_eq!(count(&world), (1, 1));
}
