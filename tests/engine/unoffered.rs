//! What is told of nodes that are not offered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use turn_balance::TurnFault;
use turn_balance::internals::Policy;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{CandidateState, Options};
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::wire::{
    Down, Extras, Kind, Node, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
    State,
};

use turn_balance_sim::{Host, Path, World, node};

use crate::cascade::{
    ROOT, ask_bare, cascade, client, leaf, leaf_turn, levels, region, selection, server, trace,
};

fn row(
    world: &mut World<'_>,
    options: &Options,
    addr: SocketAddr,
) -> Option<(CandidateState, Option<TurnFault>, Option<SocketAddr>, u32)> {
    let descent = world.descend(client(), options.clone(), &[server(ROOT)]);
    let trace = trace(&descent);
    let row = trace.candidates.iter().find(|row| row.addr == addr)?;
    let above = row.via.map(|via| trace.candidates[via].addr);
    assert!(trace.candidates.is_sorted_by_key(|row| row.level));
    Some((row.state, row.fault, above, row.sent))
}

#[test]
fn a_trace_shows_who_is_not_offered_and_why() {
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(10));
    world.drain(leaf(11), true);
    world.stop(leaf_turn(12));
    world.stop(leaf(21));
    world.run_for(Duration::from_secs(25));
    let options = Options { down: true, ..levels() };
    let silent = Some(TurnFault::Silent);
    for (n, state, fault) in [
        (11, CandidateState::Draining, None),
        (12, CandidateState::TurnDown, silent),
        (21, CandidateState::Silent, silent),
    ] {
        let expected = Some((state, fault, Some(region(n / 10)), 0));
        assert_eq!(row(&mut world, &options, leaf(n)), expected, "{n}");
        assert_eq!(row(&mut world, &levels(), leaf(n)), None, "it is for who asks");
    }
    // A leaf that is silent is one still.
    let (_, reply) = ask_at(&mut world, region(2), 392);
    let told: Vec<_> = reply.down.iter().map(|down| (down.addr, down.kind)).collect();
    assert_eq!(told, [(leaf(21), Kind::Leaf)]);
}

#[test]
fn where_a_policy_leaves_out_the_others_those_are_counted() {
    let mut world = cascade(1, Path::of(0));
    world.run_for(Duration::from_secs(10));
    world.drain(leaf(11), true);
    world.run_for(Duration::from_secs(25));
    let policy = Policy { require: vec!["region=eu".parse().unwrap()], ..Policy::default() };
    let options = Options { down: true, policy, ..levels() };
    let descent = world.descend(client(), options, &[server(ROOT)]);
    let failure = descent.selection().unwrap().unwrap_err().to_string();
    assert!(failure.ends_with("TURN servers; 1 node more is not offered"), "{failure}");
}

/// What a server with this listing answers to a request of so many bytes that asks for all there is.
fn ask(listing: &Listing, size: usize) -> (usize, ProbeReply) {
    let mut world = World::new(1, |_, _| Path::of(1));
    let snapshot = Snapshot::new(listing, &mut Rng::seed_from_u64(1));
    world.hosts.insert(server(ROOT), Host::Fixed(Arc::new(snapshot)));
    ask_at(&mut world, server(ROOT), size)
}

fn ask_at(world: &mut World<'_>, to: SocketAddr, size: usize) -> (usize, ProbeReply) {
    world.tap = Some(Vec::new());
    let extras = Extras { down: true, ..Extras::default() };
    let body = RequestBody::Probe(Probe {
        nonce: 0x0102_0304_0506_0708,
        names: true,
        extras,
        ..Probe::default()
    });
    world.send(client(), to, Request { id: 1, body }.encode(size));
    world.run_for(Duration::from_secs(1));
    let tap = world.tap.take().unwrap();
    let (_, _, answer) = tap.into_iter().rfind(|(_, whom, _)| *whom == client()).unwrap();
    match Response::decode(&answer).unwrap().body {
        ResponseBody::Probe(reply) => (answer.len(), reply),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_told_as_far_as_there_is_room_beside_the_list() {
    let addr = |n: u8| SocketAddr::from(([203, 0, 113, n], 3001));
    let down = |n: u8| Down {
        addr: addr(100 + n),
        kind: Kind::Leaf,
        name: "fra".parse().ok(),
        state: State::TurnDown,
        fault: Some(TurnFault::WrongCredentials),
    };
    let nodes: Vec<Node> = (0..5).map(|n| node(addr(n), Some(addr(n)))).collect();
    let listing = Listing {
        nodes: nodes.clone().into(),
        version: 1,
        down: (0..40).map(down).collect(),
        ..Listing::default()
    };
    let (mut told, mut lengths) = (Vec::new(), Vec::new());
    for size in [0, 44, 100, 200, 392] {
        let (len, reply) = ask(&listing, size);
        let most = 3 * (size.max(20) + 28) - 28;
        assert!(len <= most.min(1232), "{size} bytes draw {len}");
        assert_eq!(reply.down, (0..reply.down.len() as u8).map(down).collect::<Vec<_>>());
        if !reply.down.is_empty() {
            assert_eq!(reply.nodes, nodes, "the list comes first");
        }
        told.push(reply.down.len());
        lengths.push(len);
    }
    assert!(told.is_sorted() && told[0] == 0 && told[4] == 32, "{told:?}");
}

#[test]
fn a_leaf_whose_turn_server_is_full_serves_who_finds_nobody_else() {
    let listing = Listing {
        turn: vec![leaf_turn(1)],
        turn_down: true,
        fault: Some(TurnFault::Quota),
        version: 1,
        ..Listing::default()
    };
    let (_, reply) = ask(&listing, 392);
    assert_eq!((reply.state, reply.fault), (State::Full, Some(TurnFault::Quota)));
    assert_eq!(reply.turn, Some(leaf_turn(1)));
    let mut world = World::new(1, |_, _| Path::of(1));
    let snapshot = Snapshot::new(&listing, &mut Rng::seed_from_u64(1));
    world.hosts.insert(server(ROOT), Host::Fixed(Arc::new(snapshot)));
    assert_eq!(ask_bare(&mut world, server(ROOT)), 0);
    let descent = world.descend(client(), Options::default(), &[server(ROOT)]);
    assert_eq!(selection(&descent).turn, leaf_turn(1));
}
