//! A cascade of fifty processes on a loopback of its own, in which all that happens to servers happens all the time, and
//! clients that never stop asking: by the hour. Needs root, iproute2, nftables and coturn.
//!
//! ```console
//! cargo bench --bench soak -- --minutes 60
//! ```
//!
//! It fails if a client is told of a TURN server that was dead or drained all the while, or of none though there
//! was a way, if a root's list is wrong for long, a process ends by itself or logs an error, or grows.

mod files;
mod history;
mod judge;
mod lists;
mod memory;
mod place;
mod plan;
mod prober;
mod run;
mod stand;
mod surroundings;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use turn_balance_lab::built;
use turn_balance_lab::host::Lab;

use judge::clock;
use place::SERVERS;
use plan::Act;
use run::{End, run};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// For how long
    #[arg(long, default_value_t = 60.0, value_parser = minutes)]
    minutes: f64,

    /// What happens when; another one each time if left out
    #[arg(long)]
    seed: Option<u64>,

    /// Only print what would happen when
    #[arg(long)]
    plan: bool,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn minutes(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.5..=10_080.0).contains(&minutes) => Ok(minutes),
        _ => Err("from half a minute to a week".to_owned()),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = args.seed.unwrap_or(now.as_secs() % 100_000);
    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let plan = plan::plan(seed, time);
    if args.plan {
        plan.iter().for_each(|(at, act)| println!("{:>8}  {act:?}", clock(*at)));
        return ExitCode::SUCCESS;
    }
    println!("seed {seed}: {} minutes, {SERVERS} servers, {} events", args.minutes, plan.len());
    match in_a_place_of_its_own(&plan, time) {
        Ok(End::Well) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::FAILURE,
        Ok(End::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn in_a_place_of_its_own(plan: &[(Duration, Act)], time: Duration) -> Result<End> {
    let built = built!();
    let folder = built.file("soak");
    std::fs::create_dir_all(&folder)?;
    let host = Lab::new(built)?.host("soak", &[]);
    let strangers = prober::strangers().map(|ip| format!("{ip}/32")).collect::<Vec<_>>();
    host.add_addrs("lo", &strangers.iter().map(String::as_str).collect::<Vec<_>>());
    let end = host.run(|| run(built, &host, &folder, plan, time).map_err(|it| it.to_string()));
    match end {
        Ok(End::Well | End::Interrupted) => std::fs::remove_dir_all(&folder)?,
        _ => println!("what each server has logged is in {}", folder.display()),
    }
    end.map_err(Into::into)
}
