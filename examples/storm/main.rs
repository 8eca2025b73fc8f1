//! Storms by the thousand: worlds of servers, clients and foes on simulated time, each from a
//! seed, and everything that must never happen asserted all the time.
//!
//! ```console
//! cargo run --profile quick --example storm -- --seeds 100000
//! cargo run --profile quick --example storm -- --seed 17        # one of them, with all that happens
//! cargo run --profile quick --features faults --example storm -- --faults
//! ```
//!
//! The last command plants faults in the product, one after the other, and shows which seed found
//! each, and by which rule. The crate `turn-balance-sim` has the storms themselves.

#[cfg(feature = "faults")]
mod faults;
mod tally;

use std::process::ExitCode;

use clap::Parser;

use tally::Tally;
use turn_balance_sim::storm;

#[derive(Debug, Parser)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Run this seed alone, and print everything that happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Plant faults, and see which are found.
    #[cfg(feature = "faults")]
    #[arg(long)]
    faults: bool,
    /// Plant this fault alone.
    #[cfg(feature = "faults")]
    #[arg(long)]
    fault: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    #[cfg(feature = "faults")]
    if args.faults {
        return exit(faults::all_are_found(args.seeds));
    }
    #[cfg(feature = "faults")]
    if let Some(name) = &args.fault {
        faults::plant(name);
    }
    if let Some(seed) = args.seed {
        let report = storm::run(seed, true);
        println!("{report:#?}");
        return exit(report.violations.is_empty());
    }
    let begin = |_| {
        // A fault is planted in a thread.
        #[cfg(feature = "faults")]
        args.fault.iter().for_each(|name| faults::plant(name));
    };
    let tally = Tally::run(args.first..args.first.saturating_add(args.seeds), true, begin);
    print!("{tally}");
    exit(tally.violations.is_empty())
}

fn exit(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
