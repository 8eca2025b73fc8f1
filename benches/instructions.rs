//! How many user-space instructions an answer takes: a server runs under callgrind, once with few
//! and once with many answers, and the instructions of its worker are compared. The request limits
//! are counted apart, for they exempt this host: answers to a stranger, without the sockets, next
//! to the same ones to an exempt address. Exits with 1 where an answer takes more than it may.
//!
//! `cargo bench --bench instructions`; needs valgrind.

mod common;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use common::load::Load;
use common::nodes::Nodes;
use common::process::{Process, counter, free_addr, request, wait_for};
use common::{LOAD_CORE, Result, pin};
use rand::SeedableRng as _;
use turn_balance::net::engine::Rng;
use turn_balance::net::engine::balancer::{Balancer, Listing, Offer, Verdict};
use turn_balance::net::engine::limit::{Limiter, Policy};
use turn_balance::net::wire::{Kind, Node};

#[derive(Parser)]
struct Args {
    /// The most instructions that an answer may take
    #[arg(long, default_value_t = 600)]
    limit: u64,

    /// Only gives so many answers from memory, to this address
    #[arg(long, hide = true, num_args = 3, value_names = ["FROM", "NODES", "ANSWERS"])]
    engine: Option<Vec<String>>,

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
    if let Some([from, nodes, answers]) = args.engine.as_deref() {
        answer(from.parse()?, nodes.parse()?, answers.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    pin(LOAD_CORE)?;
    let nodes = Nodes::start()?;
    let mut worst = 0;
    for (bind, size) in [("127.0.0.1", 3), ("127.0.0.1", 64), ("0.0.0.0", 3), ("0.0.0.0", 64)] {
        let [few, many] = RUNS.map(|answers| count(&nodes, bind, size, answers));
        let ((few, few_answers), (many, many_answers)) = (few?, many?);
        let each = many.saturating_sub(few) / (many_answers - few_answers);
        println!("{bind:<9}  {size:>2} nodes: {each} instructions an answer");
        worst = worst.max(each);
    }
    for (from, size) in [(EXEMPT, 3), (EXEMPT, 64), (STRANGER, 3), (STRANGER, 64)] {
        let [few, many] = RUNS.map(|answers| count_engine(from, size, answers));
        let each = (many? - few?) / (RUNS[1] - RUNS[0]);
        println!("no sockets, to {from:<16}  {size:>2} nodes: {each} instructions an answer");
    }
    Ok(if worst <= args.limit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const EXEMPT: &str = "127.0.0.1:5000";
const STRANGER: &str = "203.0.113.7:5000";

/// Answers from memory, no faster than the limits allow.
fn answer(from: SocketAddr, nodes: u8, answers: u64) -> Result<()> {
    let node = |n: u8| Node {
        addr: SocketAddr::from(([127, 1, 0, n], 3001)),
        kind: Kind::Leaf,
        turn: Some(SocketAddr::from(([127, 1, 0, n], 3478))),
        name: None,
        hops: 0,
        rtt: Some(Duration::from_millis(1)),
    };
    let nodes: Vec<_> = (1..=nodes).map(node).collect();
    let listing = Listing { flat: nodes.clone(), nodes, version: 1, ..Listing::default() };
    let mut rng = Rng::seed_from_u64(1);
    let offer = Offer::new(&listing, &mut rng);
    let mut now = Instant::now();
    let limiter = Arc::new(Limiter::new(Policy::default(), now, &mut rng));
    let mut balancer = Balancer::new(limiter, rng);
    let (to, request) = (SocketAddr::from(([192, 0, 2, 1], 3000)), request());
    let mut out = Vec::with_capacity(2048);
    for turn in 0..answers {
        out.clear();
        // Batches of 32, like a worker's, of which each has one moment.
        if turn % 32 == 0 {
            now += 32 * Duration::from_millis(50);
        }
        match balancer.handle_datagram(&offer, now, to, from, &request, &mut out) {
            Verdict::Answer => {}
            verdict => return Err(format!("{verdict:?}").into()),
        }
    }
    Ok(())
}

/// The instructions of a process that does this.
fn count_engine(from: &str, size: u32, answers: u64) -> Result<u64> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind-engine");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", file.display()));
    valgrind.arg(std::env::current_exe()?);
    valgrind.args(["--engine", from, &size.to_string(), &answers.to_string()]);
    if !valgrind.status()?.success() {
        return Err("the answers from memory have failed".into());
    }
    let profile = std::fs::read_to_string(file)?;
    let totals = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(totals.ok_or("no totals in the profile")?.trim().parse()?)
}

/// The instructions of the worker of a server with so many nodes, and its answers.
fn count(nodes: &Nodes, bind: &str, size: u32, answers: u64) -> Result<(u64, u64)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    let _ = std::fs::remove_dir_all(&folder); // of an earlier run
    std::fs::create_dir_all(&folder)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--separate-threads=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}/threads", folder.display()));
    valgrind.arg(env!("CARGO_BIN_EXE_tb"));
    let addr = free_addr()?;
    let bound = SocketAddr::new(bind.parse()?, addr.port());
    let server = Process::tb_under(&mut valgrind, bound, &nodes.toml(size), "debug")?;
    let patience = Duration::from_secs(60);
    wait_for(addr, patience, |reply| reply.nodes.len() == size as usize)?;
    Load::new(&request())?.bursts(addr, answers)?;
    let log = server.end()?;
    for entry in std::fs::read_dir(&folder)? {
        let profile = std::fs::read_to_string(entry?.path())?;
        let totals = profile.lines().find_map(|line| line.strip_prefix("totals: "));
        if let (true, Some(totals)) = (profile.contains("recvmmsg"), totals) {
            return Ok((totals.trim().parse()?, counter(&log, "answers")?));
        }
    }
    Err("no thread of the server has received anything".into())
}
