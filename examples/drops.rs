//! How often a superior takes a node that lives for one that is silent, simulated: the checks of the
//! library over a path that loses packets, each on its own, each way.
//!
//! ```console
//! cargo run --profile quick --example drops -- --nodes 1000 --days 30 --loss 0.1
//! ```
//!
//! A round trip is `--rtt` and an excess, lognormal (median 0.5 ms, sigma 1.0, at most 50 ms), as
//! between the hosts of the example `simulate`. There are no heartbeats: they keep nobody online.

use std::time::Duration;

use clap::Parser;
use turn_balance_sim::{Jitter, Path, watch};

/// Counts how often living nodes are taken to be silent
#[derive(Debug, Parser)]
struct Args {
    #[arg(long, default_value_t = 100)]
    nodes: u64,
    /// Of each node
    #[arg(long, default_value_t = 3.0)]
    days: f64,
    /// The share of packets lost, each way
    #[arg(long, default_value_t = 0.1)]
    loss: f64,
    /// The least round-trip time, ms
    #[arg(long, default_value_t = 100.0)]
    rtt: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() {
    let args = Args::parse();
    let (delay, jitter) = (args.rtt / 2.0, Jitter::Internet(None));
    let path = Path { delay, jitter, loss: args.loss, ..Path::of(0) };
    let time = Duration::from_secs_f64(args.days * 86_400.0);
    let first = args.seed * 1_000_003;
    let nodes = (first..first + args.nodes).map(|seed| watch(seed, path, time));
    let (mut drops, mut checks) = (Vec::new(), 0);
    for watched in nodes {
        drops.push(watched.drops);
        checks += watched.checks;
    }
    drops.sort_unstable();
    let a_day = |drops: u32| f64::from(drops) / args.days;
    let at = |share: f64| {
        drops[((drops.len() as f64 * share).ceil() as usize).clamp(1, drops.len()) - 1]
    };
    let sum: u32 = drops.iter().sum();
    println!("{} nodes, {} days each, {checks} checks, {sum} drops", args.nodes, args.days);
    println!("drops a node a day: mean {:.4}", a_day(sum) / args.nodes as f64);
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
        println!("  {name} over nodes {:.4} ({} drops)", a_day(at(share)), at(share));
    }
}
