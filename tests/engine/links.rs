//! Addresses that are one link's (RFC 4007): the same number on another link is somebody else.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{CandidateState, Options, Verify};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, World};

const FIRST: &str = "[fe80::1%1]:3001";
const SECOND: &str = "[fe80::1%2]:3001";
const ANY: &str = "[fe80::1]:3001";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A leaf that answers from the second link, wherever it was asked.
fn on_the_second_link(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let turn = Some(turn("203.0.113.66"));
    let reply = ProbeReply { turn, nonce: probe.nonce, version: 1, ..ProbeReply::default() };
    vec![(addr(SECOND), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

/// What becomes of a root that was asked there.
fn state(root: &str) -> CandidateState {
    let mut world = World::new(20, |_, _| Path::of(10));
    world.hosts.insert(addr(root), Host::Peer(on_the_second_link));
    let options =
        Options { timeout: Duration::from_secs(1), verify: Verify::Off, ..Options::default() };
    let descent = world.descend(client(), options, &[addr(root)]);
    trace(&descent).candidates[0].state
}

#[test]
fn an_answer_counts_only_from_the_link_that_was_asked() {
    assert_eq!(state(SECOND), CandidateState::Path);
    assert_eq!(state(FIRST), CandidateState::Misplaced);
    // Where the socket alone knows the link.
    assert_eq!(state(ANY), CandidateState::Path);
}

/// A root on the second link that lists a leaf, by its number alone, as lists do.
fn lists_a_leaf(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let (addr, turn) = (addr("[fe80::2]:3001"), Some(addr("[fe80::2]:3478")));
    let leaf = Node { turn, ..Node::new(addr, Kind::Leaf) };
    let reply = ProbeReply { nodes: vec![leaf], nonce: probe.nonce, ..ProbeReply::default() };
    vec![(self::addr(SECOND), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

fn names_its_turn_server(_to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let turn = Some(addr("[fe80::2]:3478"));
    let reply = ProbeReply { turn, nonce: probe.nonce, ..ProbeReply::default() };
    vec![(addr("[fe80::2%2]:3001"), Response { id, body: ResponseBody::Probe(reply) }.encode())]
}

#[test]
fn what_a_list_names_is_on_the_link_that_it_came_by() {
    let mut world = World::new(20, |_, _| Path::of(10));
    world.hosts.insert(addr(SECOND), Host::Peer(lists_a_leaf));
    world.hosts.insert(addr("[fe80::2%2]:3001"), Host::Peer(names_its_turn_server));
    let options =
        Options { timeout: Duration::from_secs(1), verify: Verify::Off, ..Options::default() };
    let descent = world.descend(client(), options, &[addr(SECOND)]);
    let trace = trace(&descent);
    assert_eq!(trace.candidates[1].addr, addr("[fe80::2%2]:3001"));
    assert_eq!(trace.outcome.unwrap().turn, addr("[fe80::2%2]:3478"));
}
