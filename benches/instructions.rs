//! How many user-space instructions an answer takes: a server runs under callgrind, once with few
//! and once with many answers, and the instructions of its worker are compared: those of an answer
//! to a stranger, with all limits counted, and to an exempt address. Exits with 1 where an answer
//! takes more than it may.
//!
//! `cargo bench --bench instructions`; needs valgrind.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use turn_balance_lab::bench::load::Load;
use turn_balance_lab::bench::nodes::{COUNTED, Nodes};
use turn_balance_lab::bench::process::{Process, counter, free_addr, request, wait_for};
use turn_balance_lab::bench::{LOAD_CORE, Result, pin};
use turn_balance_lab::built;

#[derive(Parser)]
struct Args {
    /// The most instructions that an answer may take
    #[arg(long, default_value_t = 600)]
    limit: u64,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Answers in the two runs; the start costs the same in both.
const RUNS: [u64; 2] = [2 << 10, 18 << 10];

fn main() -> ExitCode {
    run(&Args::parse()).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn run(args: &Args) -> Result<ExitCode> {
    pin(LOAD_CORE)?;
    let nodes = Nodes::start()?;
    let mut worst = 0;
    println!("bound to   nodes  stranger  exempt");
    for (bind, size) in [("127.0.0.1", 3), ("127.0.0.1", 64), ("0.0.0.0", 3), ("0.0.0.0", 64)] {
        let each = |limits| {
            let toml = format!("{}{limits}", nodes.toml(size));
            let [few, many] = RUNS.map(|answers| count(&toml, bind, size, answers));
            let ((few, few_answers), (many, many_answers)) = (few?, many?);
            Ok::<_, Box<dyn std::error::Error>>((many - few) / (many_answers - few_answers))
        };
        let (exempt, stranger) = (each("")?, each(COUNTED)?);
        println!("{bind:<9}  {size:>5}  {stranger:>8}  {exempt:>6}");
        worst = worst.max(stranger);
    }
    Ok(if worst <= args.limit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The instructions of the worker of a server with so many nodes, and its answers.
fn count(toml: &str, bind: &str, size: u32, answers: u64) -> Result<(u64, u64)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    let _ = std::fs::remove_dir_all(&folder); // of an earlier run
    std::fs::create_dir_all(&folder)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--separate-threads=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}/threads", folder.display()));
    valgrind.arg(env!("CARGO_BIN_EXE_tb"));
    let addr = free_addr()?;
    let bound = SocketAddr::new(bind.parse()?, addr.port());
    let server = Process::tb_under(built!(), &mut valgrind, bound, toml, "debug")?;
    let patience = Duration::from_secs(60);
    wait_for(addr, patience, |reply| reply.nodes.len() == size as usize)?;
    Load::new(&request())?.bursts(addr, answers)?;
    let log = server.end()?;
    for entry in std::fs::read_dir(&folder)? {
        let profile = std::fs::read_to_string(entry?.path())?;
        let totals = profile.lines().find_map(|line| line.strip_prefix("totals: "));
        // The thread that checks nodes receives in batches too, but waits for many sockets.
        let answers = profile.contains("recvmmsg") && !profile.contains("epoll_wait");
        if let (true, Some(totals)) = (answers, totals) {
            return Ok((totals.trim().parse()?, counter(&log, "answers")?));
        }
    }
    Err("no thread of the server has received requests alone".into())
}
