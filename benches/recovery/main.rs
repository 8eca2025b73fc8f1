//! How soon a cascade of real processes on hosts of their own is whole again after all that can
//! happen to it, and what clients notice of that. Needs root, iproute2, nftables and coturn.
//!
//! `cargo bench --bench recovery -- --help`

mod events;
mod prober;
mod stand;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// How often each thing happens
    #[arg(long, default_value_t = 10)]
    rounds: usize,

    /// Only what has this word in its name, such as `restart` or `root`
    #[arg(long)]
    only: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What came of one kind of event.
#[derive(Default)]
struct Row {
    event: String,
    target: &'static str,
    goal: Option<Duration>,
    times: Vec<Duration>,
    probes: usize,
    failed: usize,
    dead: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if !args.json {
        println!(
            "{:<36} {:<9} {:>4} {:>9} {:>9} {:>6}  {:>6} {:>6} {:>5}",
            "event", "target", "n", "median", "worst", "goal", "probes", "failed", "dead"
        );
    }
    events::all(args, |row| print(args.json, row))
}

fn print(json: bool, row: &mut Row) {
    row.times.sort_unstable();
    let seconds = |time: Option<&Duration>| time.map_or(f64::NAN, Duration::as_secs_f64);
    let median = seconds(row.times.get(row.times.len() / 2));
    let worst = seconds(row.times.last());
    let goal = row.goal.map(|goal| goal.as_secs_f64());
    let Row { event, target, times, probes, failed, dead, .. } = row;
    if json {
        println!(
            "{}",
            json!({
                "event": event, "target": target, "count": times.len(), "median_s": median,
                "worst_s": worst, "goal_s": goal, "probes": probes, "failed": failed, "dead": dead,
            })
        );
        return;
    }
    let missed = if goal.is_some_and(|goal| worst > goal) { "  MISSED" } else { "" };
    let goal = goal.map_or("-".to_owned(), |goal| format!("{goal} s"));
    println!(
        "{event:<36} {target:<9} {:>4} {median:>7.2} s {worst:>7.2} s {goal:>6}  \
         {probes:>6} {failed:>6} {dead:>5}{missed}",
        times.len()
    );
}
