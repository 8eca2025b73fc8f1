//! Descents on measured or made-up internet latencies, thousands a second, without a socket:
//! how good is the server that is named, how soon, at what cost.
//!
//! ```console
//! cargo run --release --example simulate -- --leaves 64 --shape 8x8 --loss 0.05
//! ```
//!
//! The model. Leaves are random hosts of the matrix, clients all others. A tree is recursive
//! k-medoids over the leaves, with each inner server at its cluster's medoid and the root at the
//! medoid of all. A round trip is the matrix's value, plus the path's excess, lognormal (median
//! 0.5 ms, sigma 1.0, at most 50 ms), plus the client's access: `home` is a delay of its own,
//! lognormal (median 10 ms, sigma 0.5), a lognormal one (median 3 ms, sigma 0.8) for each packet,
//! and 0.5 % spikes (exponential, 50 ms); `wifi` is 12 ms, lognormal (8 ms, 0.8), 2 % spikes of
//! 80 ms; `dc` and `clean` have none. Each packet is lost on its own, each way; bursts take the
//! client's link down for that share of the time, 80 ms on average. Regret is what the choice
//! costs by the matrix itself; the bound is RTT(root) + RTT(best leaf) by the matrix and the
//! client's own delay: nobody can be faster. The client and the servers' answers are the engines
//! of the library.

mod matrix;
mod model;
mod report;
mod session;
mod tree;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use turn_balance::net::engine::Rng;

use matrix::Matrix;
use model::{Access, Network};
use report::Report;
use tree::{Shape, Tree};

type Error = Box<dyn std::error::Error>;

/// Simulates descents and says how good, how soon and at what cost they are
#[derive(Debug, Parser)]
struct Args {
    /// Round-trip times, CSV or CSV.gz; none: points on a sphere
    #[arg(long, value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// The file holds snapshots, one a line: hosts, milliseconds a unit
    #[arg(long, value_name = "HOSTS,MS", value_parser = snapshots)]
    snapshots: Option<(usize, f64)>,
    #[arg(long, default_value_t = 64)]
    leaves: usize,
    /// Servers a level above the leaves: flat, 8x8, 4x4x4, ...
    #[arg(long, default_value = "flat")]
    shape: Shape,
    /// Whether servers answer with flat lists
    #[arg(long, default_value = "on")]
    flatten: Switch,
    /// Roots beside one another
    #[arg(long, default_value_t = 1)]
    roots: usize,
    #[arg(long, default_value_t = 20)]
    trees: usize,
    /// Descents in each tree
    #[arg(long, default_value_t = 500)]
    sessions: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of packets lost, each way
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// The share of the time that the client's link is down
    #[arg(long, default_value_t = 0.0)]
    burst: f64,
    #[arg(long, default_value = "home")]
    access: Access,
    #[arg(long, default_value = "best")]
    strategy: Strategy,
    /// Whether the TURN servers themselves are asked last
    #[arg(long, default_value = "on")]
    verify: Switch,
    /// Seconds that a descent may take
    #[arg(long, default_value_t = 10.0)]
    timeout: f64,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strategy {
    Best,
    First,
    /// Every leaf is asked three times and the least time taken
    Floor,
}

fn main() -> Result<(), Error> {
    let args = Args::parse();
    let mut rng = Rng::seed_from_u64(args.seed);
    let matrices = match &args.matrix {
        Some(file) => matrix::load(file, args.snapshots)?,
        None => vec![matrix::sphere(500, &mut rng)],
    };
    let hosts = matrices[0].len();
    if args.leaves + 1 > hosts {
        return Err(format!("{} leaves want more than {hosts} hosts", args.leaves).into());
    }
    let mut report = Report::default();
    for tree in 0..args.trees {
        // Each tree and each session has a seed of its own, so that strategies meet the same.
        let mut rng = Rng::seed_from_u64(args.seed.wrapping_mul(1_000_003) + tree as u64);
        let (leaves, clients) = split(hosts, args.leaves, &mut rng);
        let tree = Tree::build(&matrices[0], &leaves, &args.shape, args.roots, &mut rng);
        let servers = tree.servers(&matrices[0], args.flatten == Switch::On, &mut rng);
        for _ in 0..args.sessions {
            let matrix = &matrices[rng.random_range(0..matrices.len())];
            let client = clients[rng.random_range(0..clients.len())];
            let session = Rng::seed_from_u64(rng.random());
            let network = Network::new(matrix, client, &args, session);
            report.add(session::run(&args, network, &tree, &servers));
        }
    }
    if args.json {
        println!("{}", report.json(args.seed)?);
    } else {
        print!("{}", report.text());
    }
    Ok(())
}

/// Random hosts as leaves, the others as clients.
fn split(hosts: usize, leaves: usize, rng: &mut Rng) -> (Vec<usize>, Vec<usize>) {
    let mut all: Vec<_> = (0..hosts).collect();
    all.shuffle(rng);
    let clients = all.split_off(leaves);
    (all, clients)
}

fn snapshots(text: &str) -> Result<(usize, f64), String> {
    let (hosts, unit) = text.split_once(',').ok_or("two numbers with a comma between")?;
    let hosts = hosts.parse().map_err(|e| format!("{e}"))?;
    let unit = unit.parse().map_err(|e| format!("{e}"))?;
    Ok((hosts, unit))
}

/// The matrix of one session.
type Latencies = Matrix;
