//! Descents on measured or made-up internet latencies, thousands a second, without a socket:
//! how good is the server that is named, how soon, at what cost.
//!
//! ```console
//! cargo run --profile quick --example simulate -- --leaves 64 --shape 8x8 --loss 0.05
//! cargo run --profile quick --example simulate -- --matrix FILE.csv --loss 0.05 --compare
//! cargo run --profile quick --example simulate -- --matrix FILE.csv.gz --snapshots 99,10 --day --trees 4 --sessions 5
//! cargo run --profile quick --example simulate -- --leaves 1000000 --shape 32x32x32x32 --trees 1
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
//! costs by the matrix itself, over the sessions that were answered; the bound is RTT(root) +
//! RTT(best leaf) by the matrix and the client's own delay: nobody can be faster. The client and
//! the servers' answers are the engines of the library.
//!
//! Without a matrix, 500 hosts stand around 51 cities on a sphere. Trees of 500 leaves and more
//! are grown there from the root down: the servers of a level stand around the one above, so that
//! they cover its part of the earth, and clients around leaves.
//!
//! Faults. A dead leaf is silent, a slow one takes 200 ms more, each with the TURN server beside
//! it. A server that lies lists strangers in the place of every other node, a leaf that lies names
//! a stranger. Whoever chooses a stranger has no answer.
//!
//! A day runs clients that stay, as `tb probe --watch` does, on snapshots that follow one another evenly; whoever
//! always moves takes what each of its descents finds, and whoever never moves what the first has found. Every 5 s
//! it is looked what the one costs that each uses.
//!
//! A comparison runs three strategies on the same sessions: `best`; `first`, the plain race, down
//! two levels over the same leaves; `floor`, which asks every leaf three times. The intervals are
//! of a bootstrap that resamples trees, 95 %. Beside them it has what people do who measure nothing:
//! `random`, any leaf; `region`, the best of the region that DNS or anycast takes a client to, the right
//! one of two levels for four in five; `circle`, the nearest on the map, where there is one.

mod args;
mod compare;
mod csv;
mod day;
mod globe;
mod internet;
mod matrix;
mod medoids;
mod report;
mod servers;
mod session;
mod tree;

use std::process::ExitCode;

use clap::Parser;
use rand::{RngExt, SeedableRng};
use turn_balance::internals::engine::Rng;

use args::{Args, Shape, Strategy};
use compare::Comparison;
use internet::Internet;
use report::Report;
use servers::Health;
use session::{Session, Stage};
use tree::Tree;

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    let shared = Internet::load(args)?;
    if args.day {
        let internet = shared.as_ref().ok_or("a day needs fewer than 500 leaves")?;
        let report = day::run(args, internet);
        match args.json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => print!("{}", report.text()),
        }
        return Ok(());
    }
    let strategies = match args.compare {
        true => vec![
            Strategy::Best,
            Strategy::First,
            Strategy::Floor,
            Strategy::Random,
            Strategy::Region,
            Strategy::Circle,
        ],
        false => vec![args.strategy],
    };
    let mut reports = vec![Report::default(); strategies.len()];
    for tree in 0..args.trees {
        let seed = args.seed.wrapping_mul(1_000_003) + tree as u64;
        run_tree(args, shared.as_ref(), seed, &strategies, &mut reports);
    }
    match (&reports[..], args.json) {
        ([report], true) => println!("{}", serde_json::to_string(&report.document(args.seed))?),
        ([report], false) => print!("{}", report.text()),
        (_, json) => {
            let comparison = Comparison::new(&reports, args.seed);
            match json {
                true => println!("{}", serde_json::to_string(&comparison)?),
                false => print!("{}", comparison.text()),
            }
        }
    }
    Ok(())
}

/// The sessions of one tree, the same for each strategy.
fn run_tree(
    args: &Args,
    shared: Option<&Internet>,
    seed: u64,
    strategies: &[Strategy],
    reports: &mut [Report],
) {
    let mut rng = Rng::seed_from_u64(seed);
    let health = Health::new(args, seed);
    let (own, leaves, clients, tree);
    let internet = match shared {
        Some(internet @ Internet::Measured(matrices)) => {
            (leaves, clients) = internet.split(args.leaves, &mut rng);
            tree = Tree::build(&matrices[0], &leaves, &args.shape.0, args.roots, &mut rng);
            internet
        }
        _ => {
            leaves = Vec::new();
            (own, tree, clients) = Internet::grow(args, &mut rng);
            &own
        }
    };
    // The race runs down two levels, over the same leaves. On a globe they stand as they do.
    let mut race = Rng::seed_from_u64(!seed);
    let two_levels = match internet {
        Internet::Measured(matrices) if args.compare => {
            let Shape(widths) = Shape::two_levels(args.leaves);
            Some(Tree::build(&matrices[0], &leaves, &widths, args.roots, &mut race))
        }
        _ => None,
    };
    let mut ours = Stage::new(args, internet, &tree, health, &mut rng);
    let mut race =
        two_levels.as_ref().map(|tree| Stage::new(args, internet, tree, health, &mut race));
    let sessions: Vec<_> = (0..args.sessions)
        .map(|_| Session {
            snapshot: rng.random_range(0..internet.snapshots()),
            client: clients[rng.random_range(0..clients.len())],
            seed: rng.random(),
        })
        .collect();
    for (&strategy, report) in strategies.iter().zip(reports) {
        let two_levels = matches!(strategy, Strategy::First | Strategy::Region);
        let stage = race.as_mut().filter(|_| two_levels).unwrap_or(&mut ours);
        report.add(sessions.iter().map(|session| stage.run(strategy, session)).collect());
    }
}
