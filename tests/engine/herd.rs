//! Ten thousand clients of one city within a second, who all hear the same old reports.

use std::net::SocketAddr;
use std::sync::Arc;

use rand::SeedableRng;
use turn_balance::Load;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::client::descent::Options;
use turn_balance::internals::engine::server::answer::{Listing, Snapshot};
use turn_balance::internals::wire::Node;
use turn_balance_sim::{Access, Host, Jitter, Outages, Path, World, lognormal, node};

use crate::cascade::{ROOT, client, selection, server};

/// How many come within the second, and a second before that.
const HERD: u64 = 10_000;
const USUAL: f64 = 100.0;

/// A leaf of the city: what it can serve, how much of that it does at the start, and how far it is, ms of a
/// round trip.
struct Leaf {
    capacity: f64,
    used: f64,
    rtt: f64,
}

/// The nearest is nearly full, and the smallest too.
const CITY: [Leaf; 5] = [
    Leaf { capacity: 4_000.0, used: 3_600.0, rtt: 8.0 },
    Leaf { capacity: 8_000.0, used: 4_000.0, rtt: 9.0 },
    Leaf { capacity: 16_000.0, used: 8_000.0, rtt: 10.0 },
    Leaf { capacity: 1_000.0, used: 850.0, rtt: 11.0 },
    Leaf { capacity: 2_000.0, used: 200.0, rtt: 12.0 },
];

fn addr(n: usize, port: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n as u8 + 1], port))
}

/// What each serves so many seconds before the herd comes, when clients have come by what was free.
fn used_before(seconds: u32) -> Vec<f64> {
    let mut used: Vec<_> = CITY.iter().map(|leaf| leaf.used).collect();
    for _ in 0..seconds {
        let free = |(leaf, used): (&Leaf, &f64)| leaf.capacity - used;
        let all: f64 = CITY.iter().zip(&used).map(free).sum();
        let free: Vec<_> = CITY.iter().zip(&used).map(free).collect();
        used.iter_mut().zip(free).for_each(|(used, free)| *used -= USUAL * free / all);
    }
    used
}

fn snapshot(listing: &Listing) -> Host {
    Host::Fixed(Arc::new(Snapshot::new(listing, &mut Rng::seed_from_u64(1))))
}

/// How many are named to which leaf, and the mean of what they are farther than the nearest, ms.
fn herd(seconds: u32, tell: bool, clients: u64) -> (Vec<f64>, f64) {
    let access = Access { each: lognormal(1.0, 0.8), spikes: 0.01, spike: 30.0 };
    let path = move |from: SocketAddr, to: SocketAddr| {
        let far = |addr: SocketAddr| match addr.ip().to_string().rsplit_once('.') {
            Some(("203.0.113", n)) => CITY[n.parse::<usize>().unwrap() - 1].rtt,
            _ => 7.0,
        };
        let delay = far(if from.ip() == client().ip() { to } else { from }) / 2.0;
        Path { delay, jitter: Jitter::Internet(Some(access)), ..Path::of(0) }
    };
    let mut world = World::new(1, path);
    let mut nodes = Vec::new();
    for (n, (leaf, used)) in CITY.iter().zip(used_before(seconds)).enumerate() {
        let load = Load::new(used, leaf.capacity as u32).filter(|_| tell);
        let weight = if tell { leaf.capacity as u32 } else { 0 };
        nodes.push(Node { load, weight, ..node(addr(n, 3001), Some(addr(n, 3478))) });
        let mut listing = Listing { turn: vec![addr(n, 3478)], version: 1, ..Listing::default() };
        listing.load.exact = load;
        listing.load.weight = weight;
        world.hosts.insert(addr(n, 3001), snapshot(&listing));
        world.hosts.insert(addr(n, 3478), Host::Turn);
    }
    let root = Listing { nodes: nodes.into(), version: 1, ..Listing::default() };
    world.hosts.insert(server(ROOT), snapshot(&root));
    let (mut named, mut farther) = (vec![0.0; CITY.len()], 0.0);
    for seed in 0..clients {
        world.begin(Rng::seed_from_u64(seed), Outages::default(), path);
        let selection = selection(&world.descend(client(), Options::default(), &[server(ROOT)]));
        let n = (0..CITY.len()).position(|n| addr(n, 3478) == selection.turn).unwrap();
        named[n] += 1.0;
        farther += (CITY[n].rtt - CITY[0].rtt) / clients as f64;
    }
    (named, farther)
}

/// Each one's part of the clients over its part of what was free when they came.
fn over_share(named: &[f64]) -> Vec<f64> {
    let free: Vec<_> = CITY.iter().map(|leaf| leaf.capacity - leaf.used).collect();
    let (clients, all): (f64, f64) = (named.iter().sum(), free.iter().sum());
    named.iter().zip(&free).map(|(named, free)| (named / clients) / (free / all)).collect()
}

#[test]
fn a_herd_spreads_over_what_is_free() {
    for seconds in [5, 10] {
        let (named, farther) = herd(seconds, true, HERD);
        let over = over_share(&named);
        println!(
            "reports {seconds} s old: {named:?}, over share {over:.2?}, {farther:.2} ms farther"
        );
        assert!(over[0] <= 1.3, "the fullest: {over:.2?}");
        assert!(over.iter().all(|over| (0.6..1.4).contains(over)), "{over:.2?}");
    }
    let (named, farther) = herd(5, false, HERD / 10);
    println!("nobody tells: {named:?}, {farther:.2} ms farther");
    assert!(over_share(&named)[0] > 5.0, "the nearest gets them: {named:?}");
}
