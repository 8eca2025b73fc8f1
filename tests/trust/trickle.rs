//! What is sent in somebody's name, by who has no key, takes nothing from whom it names.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::Rng;
use turn_balance::internals::wire::auth::{Key, Purpose};
use turn_balance::internals::wire::{
    PADDED_REQUEST, Ping, Pong, Probe, Request, RequestBody, Response, ResponseBody,
};
use turn_balance_sim::World;

use rand::{RngExt, SeedableRng};

use crate::world::*;

/// When a node that joins is online, while so many forged datagrams a second come: from, to, bytes.
fn online_after(
    rate: u32,
    forge: impl Fn(&mut Rng) -> (SocketAddr, SocketAddr, Vec<u8>),
) -> Option<Duration> {
    let mut world = pair(1, &[], required(open(10, &[])));
    let (start, mut rng, mut sent) = (world.now, Rng::seed_from_u64(2), 0);
    while world.now - start < 5 * SECOND {
        world.run_for(Duration::from_millis(1));
        let due = (f64::from(rate) * (world.now - start).as_secs_f64()) as u32;
        for _ in sent..due {
            let (from, to, payload) = forge(&mut rng);
            world.send(from, to, payload);
        }
        sent = due;
        forget(&mut world);
        if count(&world) == (1, 1) {
            return Some(world.now - start);
        }
    }
    None
}

/// Nobody looks at them here, and they are many.
fn forget(world: &mut World) {
    world.log.clear();
    world.tap = None;
    for at in [superior(), node(11)] {
        server(world, at).dropped.clear();
    }
}

fn of_nobody() -> Key {
    Key::new(1, &[0xee; 32])
}

fn random_ping(rng: &mut Rng) -> Ping {
    Ping { seq: rng.random(), challenge: rng.random(), version: rng.random(), ..Ping::default() }
}

fn random_probe(rng: &mut Rng) -> Vec<u8> {
    let probe = Probe { nonce: rng.random::<u64>() | 1, ..Probe::default() };
    Request { id: rng.random(), body: RequestBody::Probe(probe) }.encode(PADDED_REQUEST)
}

/// All kinds of them to the superior, in the name of the node.
fn in_the_nodes_name(rng: &mut Rng) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let ping = random_ping(rng);
    let payload = match rng.random_range(0..4) {
        0 => random_probe(rng),
        1 => Request { id: 0, body: RequestBody::Ping(ping) }.encode(0),
        _ => heartbeat(&of_nobody(), Purpose::Ping, ping),
    };
    (node(11), superior(), payload)
}

/// All kinds of them to the node, in the name of its superior.
fn in_the_superiors_name(rng: &mut Rng) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let from = SocketAddr::new(superior().ip(), rng.random_range(3001..=3002));
    let payload = match rng.random_range(0..4) {
        0 => random_probe(rng),
        1 => heartbeat(&of_nobody(), Purpose::Ping, random_ping(rng)),
        _ => {
            let (seq, challenge) = (rng.random_range(0..9), rng.random());
            let pong = Pong { seq, challenge, status: 1, last_seq: 0 };
            let mut payload = Response { id: 0, body: ResponseBody::Pong(pong) }.encode();
            of_nobody().sign(Purpose::Pong, &mut payload, 0);
            payload
        }
    };
    (from, node(11), payload)
}

#[test]
fn a_node_joins_whatever_is_sent_in_its_name() {
    for rate in [0, 400, 2_000, 50_000] {
        let after = online_after(rate, in_the_nodes_name);
        assert!(after.is_some_and(|after| after < 5 * SECOND), "{rate} a second: {after:?}");
    }
}

#[test]
fn a_node_joins_whatever_is_sent_in_the_name_of_its_superior() {
    for rate in [0, 400, 2_000, 50_000] {
        let after = online_after(rate, in_the_superiors_name);
        assert!(after.is_some_and(|after| after < 5 * SECOND), "{rate} a second: {after:?}");
    }
}
