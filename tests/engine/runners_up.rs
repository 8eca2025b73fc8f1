//! Those who are wanted behind the best.

use std::net::SocketAddr;

use turn_balance::internals::engine::client::descent::{Options, Selection};
use turn_balance_sim::{Path, Site, World};

use crate::cascade::{client, selection};

fn server(at: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, at], 3001))
}

/// What is selected among leaves to whom a datagram takes so many milliseconds, each with a TURN server; those at
/// `silent` have died just now.
fn selected(ways: &[u64], silent: &[u8], runners_up: usize) -> Selection {
    let far = move |addr: SocketAddr| match addr.ip() {
        std::net::IpAddr::V4(ip) if addr.ip() != client().ip() => {
            ways.get(usize::from(ip.octets()[3])).copied().unwrap_or(0)
        }
        _ => 0,
    };
    let mut world = World::new(7, move |from, to| Path::of(far(from).max(far(to))));
    let leaves = 0..ways.len() as u8;
    for at in leaves.clone() {
        let turn = Some(SocketAddr::from(([203, 0, 113, at], 3478)));
        world.start(server(at), &Site { superiors: vec![server(200)], turn, ..Site::default() });
    }
    world.start(server(200), &Site { nodes: leaves.map(server).collect(), ..Site::default() });
    world.run_for(std::time::Duration::from_secs(5));
    for &at in silent {
        world.hosts.remove(&server(at));
        world.hosts.remove(&SocketAddr::from(([203, 0, 113, at], 3478)));
    }
    let options = Options { runners_up, ..Options::default() };
    selection(&world.descend(client(), options, &[server(200)]))
}

#[test]
fn a_descent_waits_for_as_many_as_are_wanted() {
    let ways = [5, 20, 25];
    let found = |wanted| selected(&ways, &[], wanted).runners_up.len();
    assert_eq!([0, 1, 2, 7].map(found), [0, 1, 2, 2]);
}

#[test]
fn it_looks_no_farther_than_around_the_best() {
    // Three times as far and 30 ms; neither silence nor who is farther is waited out.
    let selection = selected(&[5, 100, 20], &[2], 2);
    assert_eq!((selection.rtt.as_millis(), selection.runners_up.len()), (10, 0));
    let waited = selection.elapsed.as_millis();
    assert!((60..80).contains(&waited), "{waited} ms");
}
