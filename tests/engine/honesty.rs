//! Whatever liars say, the TURN server that is named is one that an honest server names.

use std::net::SocketAddr;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::{Options, Strategy, Verify};
use turn_balance::internals::wire::{
    Kind, Node, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::cascade::*;
use turn_balance_sim::{Host, Path, node};

/// A region that lists strangers, who stay silent, and leaves that are not as it says; and that
/// speaks in the name of others.
fn lying_region(to: SocketAddr, request: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
    let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(request) else {
        return Vec::new();
    };
    let mut rng = Rng::seed_from_u64(probe.nonce);
    let stranger = |rng: &mut Rng| SocketAddr::from(([203, 0, 113, rng.random_range(50..250)], 1));
    let mut nodes = Vec::new();
    for n in REGIONS.into_iter().flat_map(leaves) {
        let turn = Some(stranger(&mut rng));
        nodes.push(match rng.random_range(0..4) {
            0 => node(leaf(n), turn),
            1 => node(stranger(&mut rng), turn),
            2 => Node { kind: Kind::Turn, ..node(stranger(&mut rng), None) },
            _ => node(leaf(n), Some(leaf_turn(n))),
        });
    }
    let lie = |nodes, turn| {
        let nonce = probe.nonce;
        let reply = ProbeReply { nodes, turn, nonce, ..ProbeReply::default() };
        Response { id, body: ResponseBody::Probe(reply) }.encode()
    };
    let named = lie(Vec::new(), Some(stranger(&mut rng)));
    vec![(leaf(11), named.clone()), (server(ROOT), named), (to, lie(nodes, None))]
}

#[test]
fn no_turn_server_is_named_that_no_honest_server_lists() {
    let honest: Vec<_> = REGIONS.into_iter().flat_map(leaves).map(leaf_turn).collect();
    for seed in 0..200 {
        let mut world = cascade(seed, Path { loss: 0.05, twice: 0.1, late: 0.1, ..Path::of(0) });
        world.hosts.insert(region(2), Host::Peer(lying_region));
        world.run_for(Duration::from_secs(4));
        for strategy in [Strategy::Best, Strategy::First] {
            let verify = if seed % 2 == 0 { Verify::On } else { Verify::Off };
            let options = Options { strategy, verify, ..Options::default() };
            let descent = world.descend(client(), options, &[server(ROOT)]);
            match trace(&descent).outcome {
                Ok(selection) => {
                    assert!(honest.contains(&selection.turn), "seed {seed}: {selection:?}");
                }
                Err(failure) => assert_eq!(strategy, Strategy::First, "seed {seed}: {failure}"),
            }
        }
    }
}
