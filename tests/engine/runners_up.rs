//! Those who are wanted behind the best.

use std::net::SocketAddr;

use turn_balance::internals::engine::client::descent::{Options, Selection};
use turn_balance_sim::{Path, Site, World};

use crate::cascade::{client, selection};

fn server(at: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, at], 3001))
}

/// Leaves to whom a datagram takes so many milliseconds, each with a TURN server that is `behind` farther; those
/// at `silent` have died just now.
#[derive(Default)]
struct Spots {
    ways: &'static [u64],
    behind: u64,
    /// Whether TURN servers are on hosts of their own.
    apart: bool,
    silent: &'static [u8],
}

impl Spots {
    fn turn(&self, at: u8) -> SocketAddr {
        SocketAddr::from(([203, 0, 113, if self.apart { at + 100 } else { at }], 3478))
    }

    fn way(&self, to: SocketAddr) -> u64 {
        let way = |(at, way): (u8, &u64)| match to {
            _ if to == server(at) => Some(*way),
            _ if to == self.turn(at) => Some(way + self.behind),
            _ => None,
        };
        (0..).zip(self.ways).find_map(way).unwrap_or(0)
    }

    /// What is selected where so many runners-up are wanted.
    fn selected(&self, runners_up: usize) -> Selection {
        // The root is where the client is.
        let mut world = World::new(7, |from, to| Path::of(self.way(from).max(self.way(to))));
        let leaves = 0..self.ways.len() as u8;
        for at in leaves.clone() {
            let (superiors, turn) = (vec![server(200)], Some(self.turn(at)));
            world.start(server(at), &Site { superiors, turn, ..Site::default() });
        }
        world.start(server(200), &Site { nodes: leaves.map(server).collect(), ..Site::default() });
        world.run_for(std::time::Duration::from_secs(5));
        for &at in self.silent {
            world.hosts.remove(&server(at));
            world.hosts.remove(&self.turn(at));
        }
        let options = Options { runners_up, ..Options::default() };
        selection(&world.descend(client(), options, &[server(200)]))
    }
}

#[test]
fn a_descent_waits_for_as_many_as_are_wanted() {
    let spots = Spots { ways: &[5, 20, 25], ..Spots::default() };
    let found = |wanted| spots.selected(wanted).runners_up.len();
    assert_eq!([0, 1, 2, 7].map(found), [0, 1, 2, 2]);
}

#[test]
fn those_whose_leaves_alone_have_answered_are_awaited() {
    // In the race, where a TURN server is asked beside its leaf, and in the last round.
    let beside = Spots { ways: &[5, 20], behind: 2, ..Spots::default() };
    let apart = Spots { ways: &[5, 10], behind: 5, apart: true, ..Spots::default() };
    for spots in [beside, apart] {
        let found = spots.selected(1).runners_up;
        let found: Vec<_> = found.iter().map(|other| (other.turn, other.verified)).collect();
        assert_eq!(found, [(spots.turn(1), true)]);
    }
}

#[test]
fn it_looks_no_farther_than_around_the_best() {
    // Three times as far and 30 ms; neither silence nor who is farther is waited out.
    let spots = Spots { ways: &[5, 100, 20], silent: &[2], ..Spots::default() };
    let selection = spots.selected(2);
    assert_eq!((selection.rtt.as_millis(), selection.runners_up.len()), (10, 0));
    let waited = selection.elapsed.as_millis();
    assert!((60..80).contains(&waited), "{waited} ms");
}
