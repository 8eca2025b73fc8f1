//! What servers are labelled with: told to who asks, and passed on to who is above.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::server::ServerEngine;
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnSpec};
use turn_balance::internals::wire::{
    Extras, Kind, LABELLED_REQUEST, MAX_ANSWER, Node, PADDED_REQUEST, Probe, ProbeReply, Request,
    RequestBody, Response, ResponseBody, SHORT_REQUEST, View,
};
use turn_balance::{Labels, Load};
use turn_balance_sim::{Host, Path, World};

use crate::cascade::{ROOT, cascade, client, leaf, region, server, turn};

const ASKED: Probe<'_> = Probe {
    nonce: 0x0102_0304_0506_0708,
    cookie: &[],
    view: View::Flat,
    names: false,
    extras: Extras { urls: false, down: false, labels: true },
    urls_of: None,
};

fn labels(text: &str) -> Labels {
    text.parse().unwrap()
}

/// A cascade in which the root, the first region and its first leaf have labels.
fn labelled(seed: u64) -> World<'static> {
    let mut world = cascade(seed, Path::of(0));
    world.label(server(ROOT), labels("net=a"));
    world.label(region(1), labels("region=eu,net=b"));
    world.label(leaf(11), labels("tier=gold,region=us"));
    world.run_for(Duration::from_secs(10));
    world
}

/// What a server answers to a request of so many bytes, and in how many.
fn ask(
    world: &mut World<'_>,
    to: SocketAddr,
    probe: Probe<'_>,
    size: usize,
) -> (usize, ProbeReply) {
    world.tap = Some(Vec::new());
    let from = SocketAddr::new(client().ip(), 5000);
    world.send(from, to, Request { id: 1, body: RequestBody::Probe(probe) }.encode(size));
    world.run_for(Duration::from_millis(200));
    let tap = world.tap.take().unwrap();
    let (_, _, answer) = tap.iter().find(|(_, to, _)| *to == from).expect("it answers");
    match Response::decode(answer).unwrap().body {
        ResponseBody::Probe(reply) => (answer.len(), reply),
        other => panic!("{other:?}"),
    }
}

fn told(world: &mut World<'_>, to: SocketAddr) -> ProbeReply {
    ask(world, to, ASKED, PADDED_REQUEST).1
}

/// What a node of a list is labelled with.
fn of(reply: &ProbeReply, addr: SocketAddr) -> String {
    let node = reply.nodes.iter().find(|node| node.addr == addr).expect("it is listed");
    node.labels.to_string()
}

#[test]
fn a_label_counts_for_all_below_and_nobody_there_says_otherwise() {
    let mut world = labelled(1);
    let root = told(&mut world, server(ROOT));
    assert_eq!((root.nodes.len(), root.labels.to_string()), (6, "net=a".into()));
    assert_eq!(of(&root, leaf(11)), "net=a,region=eu,tier=gold");
    assert_eq!(of(&root, leaf(12)), "net=a,region=eu");
    assert_eq!(of(&root, leaf(21)), "net=a");
    let direct = ask(&mut world, server(ROOT), Probe { view: View::Subordinates, ..ASKED }, 392).1;
    assert_eq!(of(&direct, region(1)), "net=a,region=eu");
    let below = told(&mut world, region(1));
    assert_eq!(of(&below, leaf(11)), "net=b,region=eu,tier=gold", "of the root it knows nothing");
    assert_eq!(told(&mut world, leaf(11)).labels, labels("tier=gold,region=us"), "its own alone");
}

#[test]
fn another_label_is_news_as_far_as_the_root() {
    let mut world = labelled(2);
    let before = [leaf(12), region(1), server(ROOT)].map(|at| told(&mut world, at).version);
    world.label(leaf(12), labels("tier=iron"));
    world.run_for(Duration::from_secs(1));
    let after = [leaf(12), region(1), server(ROOT)].map(|at| told(&mut world, at).version);
    assert!(
        before.iter().zip(&after).all(|(before, after)| before < after),
        "{before:?} {after:?}"
    );
    assert_eq!(of(&told(&mut world, server(ROOT)), leaf(12)), "net=a,region=eu,tier=iron");
    world.label(leaf(12), Labels::default());
    world.run_for(Duration::from_secs(1));
    assert_eq!(of(&told(&mut world, server(ROOT)), leaf(12)), "net=a,region=eu");
}

#[test]
fn only_who_asks_is_told() {
    let (mut with, mut without) = (labelled(3), cascade(3, Path::of(0)));
    without.run_for(Duration::from_secs(10));
    for at in [server(ROOT), region(1), leaf(11)] {
        let plain = Probe { extras: Extras::default(), ..ASKED };
        let (len, reply) = ask(&mut with, at, plain, PADDED_REQUEST);
        assert_eq!(len, ask(&mut without, at, plain, PADDED_REQUEST).0);
        assert!(reply.labels.is_empty() && reply.nodes.iter().all(|node| node.labels.is_empty()));
        // Where there are none, who asks gets the same as everybody.
        assert_eq!(len, ask(&mut without, at, ASKED, PADDED_REQUEST).0);
    }
}

fn node(n: u8, text: &str) -> Node {
    let addr = SocketAddr::from(([203, 0, 113, n], 3001));
    Node {
        turn: Some(SocketAddr::new(addr.ip(), 3478)),
        rtt: Some(Duration::from_millis(40)),
        load: Load::new(50.0, 100),
        labels: labels(text),
        ..Node::new(addr, Kind::Leaf)
    }
}

/// The answer of a server that has such a list.
fn list_of(listing: Listing, probe: Probe<'_>, size: usize) -> (usize, ProbeReply) {
    let mut world = World::new(1, |_, _| Path::of(1));
    let listing = Listing { version: 1, ..listing };
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    world.hosts.insert(server(ROOT), Host::Fixed(std::sync::Arc::new(snapshot)));
    ask(&mut world, server(ROOT), probe, size)
}

fn direct(nodes: impl IntoIterator<Item = Node>) -> Listing {
    Listing { nodes: nodes.into_iter().collect(), ..Listing::default() }
}

/// 64 leaves and seven sets of a dozen bytes: 34 bytes each for times, loads and whose the sets are, 98 for the sets, and 128
/// less where a leaf's kind is left out.
#[test]
fn sixty_four_leaves_with_all_that_is_told_of_them_are_one_answer() {
    let set = |n: u8| format!("region=eu-{:02}", n % 7);
    let nodes = || (1..=64).map(|n| node(n, &set(n)));
    let (len, reply) = list_of(direct(nodes()), ASKED, PADDED_REQUEST);
    assert_eq!((reply.nodes.len(), reply.total), (64, 64));
    let bare = nodes().map(|node| Node { load: None, rtt: None, ..node });
    let plain = Probe { extras: Extras::default(), ..ASKED };
    let (without, _) = list_of(direct(bare), plain, PADDED_REQUEST);
    assert_eq!(len, without + 34 + 34 + 98 + 34 - 128);
    assert!(len <= MAX_ANSWER, "{len}");
    for (node, n) in reply.nodes.iter().zip(1..) {
        assert_eq!((node.labels.to_string(), node.kind), (set(n), Kind::Leaf));
        assert!(node.rtt.is_some() && node.load.is_some());
    }
}

#[test]
fn labels_go_out_last_and_a_part_of_a_list_has_them_too() {
    let (mut bare, mut parts) = (0, 0);
    for n in 60..=100 {
        let nodes = (1..=n).map(|n: u8| Node {
            name: format!("leaf-{n}").parse().ok(),
            weight: 400,
            ..node(n, &format!("region=eu-{}", n % 5))
        });
        let probe = Probe { names: true, ..ASKED };
        let (len, reply) = list_of(direct(nodes), probe, PADDED_REQUEST);
        assert!(len <= MAX_ANSWER && reply.nodes.iter().all(|node| !node.labels.is_empty()));
        assert_eq!(reply.total, u32::from(n));
        let whole = reply.nodes.len() == usize::from(n);
        bare += usize::from(whole && reply.nodes.iter().all(|node| node.rtt.is_none()));
        parts += usize::from(!whole);
    }
    assert!(bare > 0 && parts > 0, "{bare} {parts}");
}

/// In a flat list nobody tells them but whoever lists them. Who stands in a direct one tells them itself.
#[test]
fn a_flat_list_of_more_sets_than_half_a_byte_tells_is_not_told_to_who_asks_for_them() {
    let leaves = |sets: u8| (0..40).map(move |n| node(n + 10, &format!("region=r{}", n % sets)));
    let regions = [1, 2].map(|n| Node { kind: Kind::Balance, turn: None, ..node(n, "net=a") });
    for (sets, listed) in [(15, 40), (16, 2)] {
        let flat = Some(leaves(sets).collect());
        let listing = Listing { flat, ..direct(regions.clone()) };
        let (_, reply) = list_of(listing.clone(), ASKED, PADDED_REQUEST);
        assert_eq!(reply.nodes.len(), listed, "{sets}");
        assert!(reply.nodes.iter().all(|node| !node.labels.is_empty()));
        let plain = Probe { extras: Extras::default(), ..ASKED };
        assert_eq!(list_of(listing, plain, PADDED_REQUEST).1.nodes.len(), 40);
    }
    let twice = [node(60, "region=r15")];
    let (_, reply) = list_of(direct(leaves(16).chain(twice)), ASKED, PADDED_REQUEST);
    let untold: Vec<_> = reply.nodes.iter().filter(|node| node.labels.is_empty()).collect();
    assert_eq!((reply.nodes.len(), untold.len()), (41, 2), "those of most nodes are told");
}

#[test]
fn a_turn_server_is_never_listed_without_its_labels() {
    let long = |n: u8| (0..8).map(|k| format!("k{k}=a-long-value-no-{n:03}")).collect::<Vec<_>>();
    let turn = |n: u8| Node { kind: Kind::Turn, turn: None, ..node(n, &long(n).join(",")) };
    let nodes = || (1..=6).map(turn).chain((100..110).map(|n| node(n, "region=eu")));
    let (len, reply) = list_of(direct(nodes()), ASKED, PADDED_REQUEST);
    assert!(len <= MAX_ANSWER, "{len}");
    let turns = reply.nodes.iter().filter(|node| node.kind == Kind::Turn);
    let told = turns.inspect(|node| assert!(!node.labels.is_empty())).count();
    assert_eq!(
        (told, reply.nodes.len(), reply.total),
        (3, 13, 16),
        "the rest is as if it did not fit"
    );
}

/// Eight of the longest, of a leaf that says all else as well.
#[test]
fn a_request_of_92_bytes_is_enough_for_a_leaf_s_labels_and_a_shorter_one_gets_the_rest() {
    let all = (0..8).map(|k| format!("k{k}=a-value-of-21-chars--")).collect::<Vec<_>>().join(",");
    let listing = Listing {
        turn: vec!["[2001:db8:1111:2222:3333:4444:5555:6666]:34780".parse().unwrap()],
        name: "a-name-of-thirty-two-characters-".parse().ok(),
        labels: labels(&all),
        draining: true,
        ..Listing::default()
    };
    assert_eq!(all.len(), 8 * 24 + 7);
    let (_, reply) = list_of(listing.clone(), ASKED, LABELLED_REQUEST);
    assert_eq!(reply.labels.to_string(), all);
    let (_, reply) = list_of(listing, ASKED, SHORT_REQUEST);
    assert!(reply.labels.is_empty() && reply.turn.is_some());
}

#[test]
fn a_turn_node_is_labelled_by_the_configuration() {
    let now = Instant::now();
    let mut engine = ServerEngine::new(None, Rng::seed_from_u64(1));
    engine.set_labels(labels("region=eu"));
    let spec = |text| TurnSpec {
        plan: HealthPlan::None,
        labels: labels(text),
        ..TurnSpec::new(turn("203.0.113.9"))
    };
    let listed = |engine: &mut ServerEngine| {
        let (listing, _) = engine.poll_listing(now).expect("it is news");
        listing.nodes[0].labels.to_string()
    };
    engine.set_turn_nodes(now, [spec("tier=gold,region=us")]);
    assert_eq!(listed(&mut engine), "region=eu,tier=gold");
    engine.set_turn_nodes(now, [spec("tier=iron")]);
    assert_eq!(listed(&mut engine), "region=eu,tier=iron");
    engine.set_turn_nodes(now, [spec("tier=iron")]);
    assert!(engine.poll_listing(now).is_none());
}
