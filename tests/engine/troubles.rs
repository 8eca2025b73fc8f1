//! What a server tells to be wrong: once, rarely while it lasts, and when it is over.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::server::ServerEvent;
use turn_balance::internals::engine::server::auth::{JoinPolicy, Trust};
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::refusal::{TagFault, TagRefusal, TaggedMessage};
use turn_balance::internals::engine::server::trouble::{Trouble, TroubleStage, Unfit};
use turn_balance::internals::engine::server::turn::TurnSpec;
use turn_balance::internals::wire::auth::{Key, Keys, Purpose};
use turn_balance::internals::wire::{Ping, Request, RequestBody};
use turn_balance_sim::{Host, Path, Site, World};

const SECOND: Duration = Duration::from_secs(1);

fn superior() -> SocketAddr {
    "198.51.100.1:3001".parse().unwrap()
}

fn node(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 3001))
}

fn key(id: u8, secret: u8) -> Key {
    Key::new(id.into(), &[secret; 32])
}

fn trust(keys: &[Key], require: bool) -> Trust {
    Trust { keys: Keys::new(keys.iter().cloned()), require, ..Trust::default() }
}

/// A world of a superior with these nodes, and leaf 11.
fn pair(nodes: &[SocketAddr], trust: [Trust; 2]) -> World<'static> {
    let mut world = World::new(1, |_, _| Path::of(5));
    let [above, below] = trust;
    let site = Site { name: "superior", nodes: nodes.into(), trust: above, ..Site::default() };
    world.start(superior(), &site);
    world.hosts.insert(turn(11), Host::Turn);
    world.start(node(11), &leaf(11, below));
    world
}

fn turn(n: u8) -> SocketAddr {
    SocketAddr::new(node(n).ip(), 3478)
}

fn leaf(n: u8, trust: Trust) -> Site {
    let turn = Some(turn(n));
    Site { name: "leaf", superiors: vec![superior()], turn, trust, ..Site::default() }
}

/// What a server takes to be wrong.
fn wrong(world: &World, addr: SocketAddr) -> Vec<Trouble> {
    world.hosts[&addr].server().wrong()
}

/// When one was told, and how.
fn told(world: &World, addr: SocketAddr, since: std::time::Instant) -> Vec<(u64, TroubleStage)> {
    let told = &world.hosts[&addr].server().told;
    told.iter().map(|(at, event)| ((*at - since).as_secs(), event.stage)).collect()
}

fn refused(peer: SocketAddr, message: TaggedMessage, fault: TagFault) -> Trouble {
    Trouble::Refused { peer, refusal: TagRefusal { message, fault } }
}

#[test]
fn where_nothing_is_wrong_nothing_is_told() {
    let keyed = || trust(&[key(1, 1)], true);
    for trusts in [[Trust::default(), Trust::default()], [keyed(), keyed()]] {
        let mut world = pair(&[node(11)], trusts);
        world.run_for(120 * SECOND);
        assert_eq!(world.count(superior()), (1, 1));
        for addr in [superior(), node(11)] {
            assert!(world.hosts[&addr].server().told.is_empty(), "{addr}");
        }
    }
}

#[test]
fn a_server_that_no_superior_checks_says_so_rarely_and_when_one_does() {
    let mut world = pair(&[], [Trust::default(), Trust::default()]);
    let start = world.now;
    world.run_for(1300 * SECOND);
    assert_eq!(wrong(&world, node(11)), [Trouble::Unchecked { ever: false }]);
    let now = world.now;
    let spec = NodeSpec { addr: node(11), public: node(11), name: None };
    let above = world.hosts.get_mut(&superior()).unwrap().server_mut();
    above.engine.set_nodes(now, [spec]);
    world.run_for(5 * SECOND);
    assert_eq!(wrong(&world, node(11)), []);
    let told = told(&world, node(11), start);
    let [
        (10..=12, TroubleStage::Begins),
        (610..=613, TroubleStage::Lasts),
        (1210..=1213, TroubleStage::Lasts),
        last,
    ] = told[..]
    else {
        panic!("{told:?}")
    };
    assert!(last.0 < 1305 && last.1 == TroubleStage::Over, "{told:?}");
}

#[test]
fn a_server_whose_superior_dies_says_so_after_a_while() {
    for keyed in [false, true] {
        let trust = || if keyed { trust(&[key(1, 1)], true) } else { Trust::default() };
        let mut world = pair(&[node(11)], [trust(), trust()]);
        world.run_for(60 * SECOND);
        assert_eq!(wrong(&world, node(11)), []);
        world.stop(superior());
        world.run_for(10 * SECOND);
        assert_eq!(wrong(&world, node(11)), []);
        world.run_for(6 * SECOND);
        assert_eq!(wrong(&world, node(11)), [Trouble::Unchecked { ever: true }]);
    }
}

#[test]
fn who_has_nothing_to_offer_misses_no_check() {
    let mut world = pair(&[], [Trust::default(), Trust::default()]);
    world.hosts.remove(&turn(11));
    world.run_for(60 * SECOND);
    assert_eq!(wrong(&world, node(11)), []);
}

#[test]
fn a_listed_node_whose_tag_is_wrong_is_told_of_with_the_key() {
    let (good, other, unknown) = (key(1, 1), key(1, 9), key(7, 7));
    let cases = [
        (trust(&[other], true), TagFault::Wrong(1), true),
        (trust(&[unknown], true), TagFault::Unknown(7), true),
        (Trust::default(), TagFault::Absent, false),
    ];
    for (below, fault, keyed) in cases {
        let mut world = pair(&[node(11)], [trust(std::slice::from_ref(&good), true), below]);
        world.run_for(15 * SECOND);
        let mut expected = vec![refused(node(11), TaggedMessage::Heartbeat, fault)];
        // Its answers are signed only where the check was rightly, which a wrong key never is.
        expected.push(refused(node(11), TaggedMessage::Answer, TagFault::Absent));
        let mut found = wrong(&world, superior());
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let reasons: Vec<_> = {
            let engine = &world.hosts[&superior()].server().engine;
            engine.absent(world.now).map(|absent| absent.reason.as_str()).collect()
        };
        assert_eq!(reasons, [fault.as_str()]);
        // And below, where the superior's checks carry a tag that no key there makes.
        let below = wrong(&world, node(11));
        let fault = if keyed { below.first().map(Trouble::as_str) } else { None };
        assert_eq!(below.len(), usize::from(keyed), "{below:?}");
        assert!(fault.is_none_or(|word| ["wrong-tag", "unknown-key"].contains(&word)));
        // Each once, however often it comes.
        world.run_for(500 * SECOND);
        assert_eq!(world.hosts[&superior()].server().told.len(), 2);
    }
}

#[test]
fn of_many_no_second_tells_more_than_somebody_can_read() {
    let nodes: Vec<_> = (11..=50).map(node).collect();
    let mut world = pair(&nodes, [trust(&[key(1, 1)], true), trust(&[key(1, 2)], true)]);
    for n in 12..=50 {
        world.start(node(n), &leaf(n, trust(&[key(1, 2)], true)));
    }
    let start = world.now;
    world.run_for(20 * SECOND);
    let told = &world.hosts[&superior()].server().told;
    let begun = told.iter().filter(|(_, event)| event.stage == TroubleStage::Begins);
    assert!(begun.count() >= 32, "{told:?}");
    for (at, _) in told {
        let within = told.iter().filter(|(other, _)| *other >= *at && *other < *at + SECOND);
        assert!(within.count() <= 8, "from {:?} on", *at - start);
    }
}

#[test]
fn it_is_over_when_the_key_is_right_again() {
    let mut world = pair(&[node(11)], [trust(&[key(1, 1)], true), trust(&[key(1, 9)], true)]);
    let start = world.now;
    world.run_for(20 * SECOND);
    let now = world.now;
    let below = world.hosts.get_mut(&node(11)).unwrap().server_mut();
    below.engine.set_trust(now, trust(&[key(1, 1)], true), None);
    world.run_for(60 * SECOND);
    assert_eq!(wrong(&world, superior()), []);
    assert_eq!(world.count(superior()), (1, 1));
    let stages: Vec<_> = told(&world, superior(), start).iter().map(|(_, s)| *s).collect();
    assert_eq!(
        stages,
        [TroubleStage::Begins, TroubleStage::Begins, TroubleStage::Over, TroubleStage::Over]
    );
}

#[test]
fn what_strangers_sign_is_no_news() {
    let mut world = pair(&[node(11)], [trust(&[key(1, 1)], true), trust(&[key(1, 1)], true)]);
    world.run_for(5 * SECOND);
    for n in 0..100 {
        let body = RequestBody::Ping(Ping { seq: n, ..Ping::default() });
        let mut payload = Request { id: 0, body }.encode(38);
        key(1, 9).sign(Purpose::Ping, &mut payload, 0);
        world.send(node(99), superior(), payload.clone());
        world.send(node(99), node(11), payload);
        world.run_for(SECOND / 10);
    }
    for addr in [superior(), node(11)] {
        assert!(world.hosts[&addr].server().told.is_empty(), "{addr}");
    }
}

/// A superior with key 1 that lets join whom this allows, and leaf 11, which advertises that.
fn joining(prefix: &str, max_nodes: usize, advertise: Option<SocketAddr>) -> World<'static> {
    let prefixes = [prefix.parse().unwrap()].into();
    let join = Some(JoinPolicy { max_nodes, prefixes });
    let above = Trust { join, ..trust(&[key(1, 1)], true) };
    let mut world = World::new(1, |_, _| Path::of(5));
    world.start(superior(), &Site { name: "superior", trust: above, ..Site::default() });
    for n in [11, 12] {
        world.hosts.insert(turn(n), Host::Turn);
    }
    let site = Site { advertise, ..leaf(11, trust(&[key(1, 1)], true)) };
    world.start(node(11), &site);
    world
}

#[test]
fn who_has_the_key_and_may_not_join_is_told_of() {
    let mut world = joining("192.0.2.0/24", 10, None);
    world.run_for(15 * SECOND);
    let why = Unfit::Prefix;
    assert_eq!(wrong(&world, superior()), [Trouble::Unwelcome { from: node(11), why }]);
    let not_taken =
        |why| Trouble::NotTaken { superior: superior(), addr: node(11), why: Some(why) };
    assert_eq!(wrong(&world, node(11)), [not_taken(why), Trouble::Unchecked { ever: false }]);

    // Nobody may, and whoever has no key of ours is a stranger.
    for (keys, expected) in [(key(1, 1), true), (key(1, 2), false), (key(2, 2), false)] {
        let mut world = pair(&[], [trust(&[key(1, 1)], true), trust(&[keys], true)]);
        world.run_for(15 * SECOND);
        let why = Unfit::Closed;
        let told = wrong(&world, superior()).contains(&Trouble::Unwelcome { from: node(11), why });
        assert_eq!((told, world.count(superior())), (expected, (0, 0)));
        assert_eq!(wrong(&world, node(11)).contains(&not_taken(why)), expected);
    }

    let mut world = joining("203.0.113.0/24", 1, None);
    world.run_for(5 * SECOND);
    world.start(node(12), &leaf(12, trust(&[key(1, 1)], true)));
    world.run_for(10 * SECOND);
    let why = Unfit::Room;
    assert!(wrong(&world, superior()).contains(&Trouble::Unwelcome { from: node(12), why }));
    let not_taken = Trouble::NotTaken { superior: superior(), addr: node(12), why: Some(why) };
    assert!(wrong(&world, node(12)).contains(&not_taken));
    // There is room again, and it is over.
    world.hosts.remove(&node(11));
    world.run_for(340 * SECOND);
    assert_eq!((wrong(&world, superior()), wrong(&world, node(12))), (vec![], vec![]));
}

#[test]
fn who_is_not_where_it_advertises_is_told_of() {
    let from = node(11);
    for (place, why) in [(node(77), Unfit::Silent), (superior(), Unfit::Prefix)] {
        let mut world = joining("203.0.113.0/24", 10, Some(place));
        world.run_for(15 * SECOND);
        assert_eq!(wrong(&world, superior()), [Trouble::Misadvertised { from, place, why }]);
        assert_eq!(world.count(superior()), (1, 1), "it is found where it is");
        let not_taken = Trouble::NotTaken { superior: superior(), addr: place, why: Some(why) };
        assert_eq!(wrong(&world, node(11)), [not_taken]);
    }
}

#[test]
fn two_nodes_with_one_name_are_told_of_until_they_have_two() {
    let mut world = pair(&[node(11), node(12)], [Trust::default(), Trust::default()]);
    let start = world.now;
    world.hosts.insert(turn(12), Host::Turn);
    world.start(node(12), &leaf(12, Trust::default()));
    world.run_for(15 * SECOND);
    let name = "leaf".parse().unwrap();
    let nodes = [node(11), node(12)];
    assert_eq!(wrong(&world, superior()), [Trouble::SameName { name, nodes }]);
    world.stop(node(12));
    world.start(node(12), &Site { name: "other", ..leaf(12, Trust::default()) });
    world.run_for(30 * SECOND);
    assert_eq!(wrong(&world, superior()), []);
    assert_eq!(told(&world, superior(), start).len(), 2);
}

#[test]
fn what_a_list_leaves_out_is_told_of() {
    // A leaf on the internet that names a TURN server in a private network.
    let mut world = pair(&[node(11)], [Trust::default(), Trust::default()]);
    let named = "192.168.1.5:3478".parse().unwrap();
    world.hosts.insert(named, Host::Turn);
    let mut near = leaf(11, Trust::default());
    near.turn = Some(named);
    world.start(node(11), &near);
    world.run_for(15 * SECOND);
    let (node, why) = (node(11), Unfit::Near);
    assert_eq!(wrong(&world, superior()), [Trouble::LeftOut { node, named, why }]);

    // A TURN server that has the address of a balance server.
    let mut world = pair(&[node], [Trust::default(), Trust::default()]);
    let now = world.now;
    world.hosts.insert(turn(12), Host::Turn);
    let spec = TurnSpec { public: node, ..TurnSpec::new(turn(12)) };
    let above = world.hosts.get_mut(&superior()).unwrap().server_mut();
    above.engine.set_turn_nodes(now, [spec]);
    world.run_for(20 * SECOND);
    assert_eq!(wrong(&world, superior()), [Trouble::SameAddress { addr: node }]);
}

#[test]
fn a_server_that_can_never_offer_anything_says_so_at_once_and_until_it_can() {
    let mut world = World::new(1, |_, _| Path::of(5));
    world.start(superior(), &Site { name: "superior", ..Site::default() });
    let start = world.now;
    let set = |world: &mut World, barren| {
        let now = world.now;
        let server = world.hosts.get_mut(&superior()).unwrap().server_mut();
        server.engine.set_barren(now, barren);
    };
    set(&mut world, true);
    world.run_for(700 * SECOND);
    assert_eq!(wrong(&world, superior()), [Trouble::Barren]);
    set(&mut world, false);
    let told = told(&world, superior(), start);
    let stages: Vec<_> = told.iter().map(|(_, stage)| *stage).collect();
    assert_eq!(stages, [TroubleStage::Begins, TroubleStage::Lasts]);
    let server = world.hosts.get_mut(&superior()).unwrap().server_mut();
    let Some(ServerEvent::Trouble(event)) = server.engine.poll_event() else { panic!() };
    assert_eq!((event.stage, event.lasts), (TroubleStage::Over, 700 * SECOND));
}

#[test]
fn a_load_that_cannot_be_read_is_wrong_until_it_can() {
    let mut world = pair(&[node(11)], [Trust::default(), Trust::default()]);
    let start = world.now;
    let set = |world: &mut World, unknown| {
        let now = world.now;
        let server = world.hosts.get_mut(&node(11)).unwrap().server_mut();
        server.engine.set_load_unknown(now, unknown);
    };
    set(&mut world, true);
    world.run_for(700 * SECOND);
    assert_eq!(wrong(&world, node(11)), [Trouble::LoadUnknown]);
    set(&mut world, false);
    world.run_for(700 * SECOND);
    assert_eq!(world.hosts[&node(11)].server().engine.troubles().count(), 0);
    let told = told(&world, node(11), start);
    let [(600..=610, TroubleStage::Lasts)] = told[..] else { panic!("{told:?}") };
}

#[test]
fn a_turn_server_that_never_answers_is_told_again_after_ten_minutes() {
    let mut world = pair(&[node(11)], [Trust::default(), Trust::default()]);
    world.hosts.remove(&turn(11));
    let start = world.now;
    world.run_for(1500 * SECOND);
    let told = told(&world, node(11), start);
    let [(600..=610, TroubleStage::Lasts), (1200..=1212, TroubleStage::Lasts)] = told[..] else {
        panic!("{told:?}")
    };
}
