//! Whether the TURN server that is chosen has answered itself, and what if it must have.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{
    CandidateState, Failure, Options, Strategy, Verify,
};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World};

fn requiring(strategy: Strategy) -> Options {
    Options { strategy, verify: Verify::Require, ..levels() }
}

#[test]
fn one_that_has_answered_is_chosen_or_none() {
    for strategy in [Strategy::Best, Strategy::First] {
        let mut world = cascade(40, Path::of(0));
        world.run_for(Duration::from_secs(1));
        let descent = world.descend(client(), requiring(strategy), &[server(ROOT)]);
        let chosen = selection(&descent);
        assert_eq!((chosen.turn, chosen.verified), (leaf_turn(11), true), "{strategy:?}");

        world.hosts.remove(&leaf_turn(11));
        let descent = world.descend(client(), requiring(strategy), &[server(ROOT)]);
        let chosen = selection(&descent);
        assert_eq!((chosen.turn, chosen.verified), (leaf_turn(12), true), "{strategy:?}");
        let silent = chosen.runners_up.iter().find(|other| other.turn == leaf_turn(11));
        assert!(!silent.unwrap().verified, "{strategy:?}: {chosen:?}");

        world.hosts.retain(|_, host| !matches!(host, Host::Turn));
        let descent = world.descend(client(), requiring(strategy), &[server(ROOT)]);
        let failure = descent.selection().unwrap().unwrap_err();
        let Failure::Unverified { level: 2, turn, ref at, .. } = failure else {
            panic!("{strategy:?}: {failure:?}");
        };
        assert_eq!((turn, at.addr), (leaf_turn(11), leaf(11)), "{strategy:?}");
        assert_eq!(failure.kind(), "unverified");
        let trace = trace(&descent);
        let leaf = trace.candidates.iter().find(|row| row.addr == leaf(11)).unwrap();
        assert_eq!(leaf.state, CandidateState::Unverified, "{strategy:?}");
        assert_eq!(
            failure.to_string(),
            "level 2: no TURN server answered itself, nor did `203.0.113.11:3478` beside `leaf` \
             (203.0.113.11:3001)"
        );
    }
}

#[test]
fn the_plain_race_asks_the_winner_alone() {
    let mut world = cascade(41, Path::of(0));
    world.run_for(Duration::from_secs(1));
    world.log.clear();
    world.descend(client(), requiring(Strategy::First), &[server(ROOT)]);
    let turns: Vec<_> = [11, 12, 13, 21, 22, 23].map(leaf_turn).into();
    let mut asked: Vec<_> = world.log.iter().filter(|sent| sent.from == client()).collect();
    asked.retain(|sent| turns.contains(&sent.to));
    asked.dedup_by_key(|sent| sent.to);
    assert_eq!(asked.iter().map(|sent| sent.to).collect::<Vec<_>>(), [leaf_turn(11)]);
}

/// Lists the TURN server on the host of leaf 11 itself.
fn lists_a_turn_server(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let (addr, name) = (leaf_turn(11), "nyc".parse().ok());
    let node = Node { name, ..Node::new(addr, Kind::Turn) };
    let reply = ProbeReply { nodes: vec![node], nonce: probe.nonce, ..ProbeReply::default() };
    vec![(to, Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn one_that_is_listed_has_answered_itself_however_it_is_chosen() {
    let every = [Verify::Off, Verify::On, Verify::Require];
    for (strategy, verify) in
        every.into_iter().flat_map(|v| [(Strategy::Best, v), (Strategy::First, v)])
    {
        let mut world = World::new(42, |_, _| Path::of(10));
        world.hosts.insert(server(ROOT), Host::Peer(lists_a_turn_server));
        world.hosts.insert(leaf_turn(11), Host::Turn);
        let options = Options { strategy, verify, ..Options::default() };
        let descent = world.descend(client(), options, &[server(ROOT)]);
        let chosen = selection(&descent);
        assert_eq!(
            (chosen.turn, chosen.verified),
            (leaf_turn(11), true),
            "{strategy:?} {verify:?}"
        );
    }
}
