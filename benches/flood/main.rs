//! A server under a flood of forged datagrams, and what honest clients notice of it: on hosts of
//! their own, with a plain echo for scale. Needs root, iproute2 and nftables. Nothing leaves the
//! machine, and it ends by itself.
//!
//! `cargo bench --bench flood -- --help`

mod honest;
mod meter;
mod neighbours;
mod spoof;
mod stand;
mod trickle;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use honest::Honest;
use meter::Meter;
use serde_json::json;
use spoof::{Flood, Kind};
use stand::Stand;
use turn_balance_lab::bench::{LOAD_CORE, Result, echo, pin};

/// The size of an echo's answers: about that of a list of four leaves.
const ECHO: usize = 120;

const WARM_UP: Duration = Duration::from_secs(3);

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Case {
    /// Descents, while a server is flooded
    Flood,
    /// How soon a node joins, while messages are forged in its or its superior's name
    Trickle,
    /// Descents, while neighbours behind the same address ask with cookies
    Neighbours,
}

#[derive(Parser)]
struct Args {
    /// What to look at; all but the flood have rates of their own
    #[arg(long, value_enum, default_value = "flood")]
    case: Case,

    /// Datagrams a second; 0: no flood
    #[arg(long, value_delimiter = ',', default_value = "0,50000,100000")]
    rates: Vec<u32>,

    /// What with
    #[arg(long, value_enum, default_value = "mix")]
    kind: Kind,

    /// How long each flood lasts
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// Flood this alone: `tb` or `echo`
    #[arg(long)]
    only: Option<String>,

    /// Print the server's log after each flood
    #[arg(long)]
    log: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().collect();
    let done = match &words[..] {
        [_, kind, addr] if kind == "echo-tokio" => {
            addr.parse().map_err(Into::into).and_then(|addr| echo::tokio(addr, ECHO))
        }
        _ => run(&Args::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    match args.case {
        Case::Flood => flood(args),
        Case::Trickle => trickle::run(args.json),
        Case::Neighbours => neighbours::run(args.json),
    }
}

fn flood(args: &Args) -> Result<()> {
    if !args.json {
        println!(
            "{:<5} {:>7} {:>7} {:>9} {:>9} {:>9} {:>8} {:>7} {:>12} {:>6} {:>8} {:>9}",
            "",
            "flood/s",
            "honest",
            "success",
            "p50",
            "p99",
            "worst",
            "out/in",
            "RSS",
            "CPU",
            "dropped",
            "log/s"
        );
    }
    let stand = Stand::new()?;
    for kind in ["tb", "keyed", "open", "echo"] {
        // What is judged by a key needs one, and what is not does without.
        if matches!(kind, "keyed" | "open") != (args.kind == Kind::Tagged) && kind != "tb" {
            continue;
        }
        if args.only.as_deref().is_none_or(|only| only == kind) {
            for &rate in &args.rates {
                measure(args, &stand, kind, rate)?;
            }
        }
    }
    Ok(())
}

/// One flood.
fn measure(args: &Args, stand: &Stand, kind: &str, rate: u32) -> Result<()> {
    let (time, is_tb) = (Duration::from_secs(args.seconds), kind != "echo");
    let key = std::env::temp_dir().join(format!("tb-flood-{}.key", std::process::id()));
    trickle::write_key(&key)?;
    let keys = format!("cluster.keys = [{{ id = 1, file = '{}' }}]\n", key.display());
    let keys = match kind {
        "keyed" => keys,
        "open" => keys + "cluster.join = true\n",
        _ => String::new(),
    };
    let server = stand.serve(is_tb, &keys)?;
    let flood = Flood::new(stand, args.kind, u64::from(rate))?;
    // Every host has met its neighbours then, and budgets are as they are in the long run.
    stand.client.run(|| Honest::run(is_tb, WARM_UP));
    let stop = AtomicBool::new(false);
    let before = Meter::read(stand, server.pid())?;
    let (sent, honest) = thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            stand.flooder.run(|| {
                let _ = pin(LOAD_CORE);
                flood.run(rate, &stop)
            })
        });
        let honest = stand.client.run(|| Honest::run(is_tb, time));
        stop.store(true, Ordering::Relaxed);
        (flooding.join().expect("the flood does not panic"), honest)
    });
    let spent = Meter::read(stand, server.pid())?.since(&before);
    // At debug level there is more.
    let log = if is_tb { server.end() } else { String::new() };
    let lines = log.lines().filter(|line| !line.contains("DEBUG")).count() as f64;
    let lines = lines / spent.time.as_secs_f64();
    if args.log {
        eprintln!("{log}");
    }
    let sent = sent?;
    // What was dropped drew nothing.
    let share = 1.0 - spent.dropped as f64 / (sent.datagrams + 1) as f64;
    let ratio = spent.bytes_out as f64 / (sent.bytes as f64 * share);
    let ratio = if rate == 0 { f64::NAN } else { ratio };
    let real_rate = sent.datagrams as f64 / spent.time.as_secs_f64();
    let cpu = spent.cpu.as_secs_f64() / spent.time.as_secs_f64() * 100.0;
    let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|part| honest.latency(part));
    let success = 100.0 * honest.found as f64 / honest.asked as f64;
    if args.json {
        println!(
            "{}",
            json!({
                "server": kind, "flood": real_rate, "honest": honest.asked, "success": success,
                "p50_ms": p50, "p99_ms": p99, "worst_ms": worst, "out_over_in": ratio,
                "rss_before_kib": before.rss, "rss_after_kib": spent.rss, "cpu_percent": cpu,
                "dropped": spent.dropped, "log_lines_per_second": lines,
            })
        );
    } else {
        println!(
            "{kind:<5} {real_rate:>7.0} {:>7} {success:>7.2} % {p50:>6.1} ms {p99:>6.1} ms \
             {worst:>5.0} ms {ratio:>7.2} {:>5.1} MiB {:>+4.1} {cpu:>4.0} % {:>8} {lines:>9.1}",
            honest.asked,
            spent.rss as f64 / 1024.0,
            (spent.rss as f64 - before.rss as f64) / 1024.0,
            spent.dropped,
        );
    }
    Ok(())
}
