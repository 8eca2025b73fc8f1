//! What lists tell of distances, and what clients make of it.

use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::internals::engine::client::descent::{Descent, Options, Trace};
use turn_balance_sim::{Path, Site, World};

fn server(at: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, at], 3001))
}

fn site(superior: u8, nodes: Vec<SocketAddr>, turn: bool, at: u8) -> Site {
    let turn = turn.then(|| SocketAddr::from(([203, 0, 113, at], 3478)));
    Site { superiors: vec![server(superior)], nodes, turn, ..Site::default() }
}

/// Leaves along a line, 4 ms apart, and the client at the 20th. Through `regions` or without.
fn line(regions: &[u8]) -> (World<'static>, SocketAddr) {
    let client = SocketAddr::from(([203, 0, 113, 20], 40_000));
    let place = |addr: SocketAddr| match addr.ip().to_string().rsplit('.').next() {
        Some(last) => last.parse::<u64>().unwrap() % 100,
        None => 0,
    };
    // The client's access network takes 12 ms of each round trip.
    let own = move |from, to| if [from, to].contains(&client) { 6 } else { 0 };
    let path = move |from, to| Path::of(2 * place(from).abs_diff(place(to)) + own(from, to));
    let mut world = World::new(7, path);
    let leaves: Vec<u8> = (1..=40).collect();
    let region = |leaf: u8| regions.iter().copied().min_by_key(|at| (at % 100).abs_diff(leaf));
    for &leaf in &leaves {
        world.start(server(leaf), &site(region(leaf).unwrap_or(200), vec![], true, leaf));
    }
    for &at in regions {
        let below = leaves.iter().filter(|leaf| region(**leaf) == Some(at));
        world.start(server(at), &site(200, below.map(|leaf| server(*leaf)).collect(), false, at));
    }
    let listed = if regions.is_empty() { &leaves } else { regions };
    let listed = listed.iter().map(|at| server(*at)).collect();
    world.start(server(200), &site(201, listed, false, 200));
    world.run_for(Duration::from_secs(5));
    (world, client)
}

fn trace(descent: &Descent) -> Trace {
    descent.trace().expect("it is finished")
}

#[test]
fn the_leaves_that_may_be_nearest_are_asked_most_often() {
    // A region cannot tell which side of it a leaf is on; those beside it are too near to it.
    for (regions, far) in [(&[][..], 40), (&[110, 130], 30)] {
        let (mut world, client) = line(regions);
        let descent = world.descend(client, Options::default(), &[server(200)]);
        let trace = trace(&descent);
        // Each second copy goes to the TURN server on a leaf's host.
        let sent = |at| {
            let there = trace.candidates.iter().filter(|c| c.addr.ip() == server(at).ip());
            there.map(|row| row.sent).sum::<u32>()
        };
        assert!(sent(20) >= 3, "{regions:?}: {}", sent(20));
        assert_eq!(sent(far), 2, "{regions:?}");
        let turn = trace.outcome.map(|selection| selection.turn.to_string());
        assert_eq!(turn.as_deref(), Ok("203.0.113.20:3478"), "{regions:?}");
    }
}
