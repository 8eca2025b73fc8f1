//! What `answers` leaves out: how soon one request is answered, what an answer costs when few come,
//! heartbeats, memory and checks with 10,000 nodes, balance servers or TURN servers, what 1,000 rogue nodes
//! cost, and a whole `tb probe`.
//!
//! `cargo bench --bench rest -- --help`

use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use turn_balance::internals::wire::{Ping, Request, RequestBody};
use turn_balance_lab::bench::load::Load;
use turn_balance_lab::bench::nodes::Nodes;
use turn_balance_lab::bench::process::{Process, free_addr, request, wait_for};
use turn_balance_lab::bench::rogues::Rogues;
use turn_balance_lab::bench::{LOAD_CORE, Result, echo, median, micros_each, pin};
use turn_balance_lab::built;

/// Many nodes.
const MANY: u32 = 10_000;

/// A leaf, which needs no checks.
const LEAF: &str = "turn = { bind = '127.0.0.1:3478', health = 'none' }\n";

#[derive(Parser)]
struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Measure this alone: `latency`, `pace`, `many`, `turns`, `probe`, or `rogues`, which else is left out
    only: Option<String>,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().collect();
    let done = match &words[..] {
        [_, kind, addr, size] if kind.starts_with("echo-") => run_echo(kind, addr, size),
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

fn run_echo(kind: &str, addr: &str, size: &str) -> Result<()> {
    let (addr, size) = (addr.parse()?, size.parse()?);
    if kind == "echo-tokio" { echo::tokio(addr, size) } else { echo::mmsg(addr, size) }
}

fn run(args: &Args) -> Result<()> {
    pin(LOAD_CORE)?;
    let wanted = |name| args.only.as_deref().is_none_or(|only| only == name);
    let mut report = Vec::new();
    if wanted("latency") || wanted("pace") {
        let leaf = free_addr()?;
        let tb = Process::tb(built!(), leaf, LEAF, "warn")?;
        let size = wait_for(leaf, Duration::from_secs(20), |reply| reply.turn.is_some())?;
        let servers = [("tb", leaf, tb), echo("echo-mmsg", size)?, echo("echo-tokio", size)?];
        let load = Load::new(&request())?;
        if wanted("latency") {
            report.extend(latency(&load, &servers)?);
        }
        if wanted("pace") {
            report.extend(pace(&load, &servers)?);
        }
    }
    if wanted("many") {
        report.extend(many()?);
    }
    if wanted("turns") {
        report.extend(many_turns()?);
    }
    if args.only.as_deref() == Some("rogues") {
        report.extend(rogues()?);
    }
    if wanted("probe") {
        report.extend(probe()?);
    }
    for line in &report {
        if args.json {
            println!("{line}");
        } else {
            let text = |key| line[key].as_str().unwrap_or_default();
            println!(
                "{:<64} {:>10.3} {}",
                text("what"),
                line["value"].as_f64().unwrap_or(f64::NAN),
                text("unit")
            );
        }
    }
    Ok(())
}

fn line(what: impl ToString, value: f64, unit: &str) -> Value {
    json!({ "what": what.to_string(), "value": value, "unit": unit })
}

type Server = (&'static str, SocketAddr, Process);

fn echo(kind: &'static str, size: usize) -> Result<Server> {
    let addr = free_addr()?;
    let process = Process::echo(kind, addr, size)?;
    std::thread::sleep(Duration::from_millis(200)); // it opens its socket
    Ok((kind, addr, process))
}

/// How soon an answer is there while nothing else is asked.
fn latency(load: &Load, servers: &[Server]) -> Result<Vec<Value>> {
    let mut times = vec![Vec::new(); servers.len()];
    for _ in 0..20 {
        for ((_, addr, _), times) in servers.iter().zip(&mut times) {
            let slice = load.one_by_one(*addr, 500)?;
            times.extend(slice.iter().map(|time| micros_each(*time, 1)));
        }
    }
    let lines = servers.iter().zip(&mut times).flat_map(|((name, ..), times)| {
        times.sort_by(f64::total_cmp);
        let at = |percent| times[(times.len() - 1) * percent / 100];
        [50, 99].map(|p| line(format!("one request at a time, p{p}: {name}"), at(p), "µs"))
    });
    Ok(lines.collect())
}

/// What an answer costs at a pace where a batch is seldom more than one.
fn pace(load: &Load, servers: &[Server]) -> Result<Vec<Value>> {
    const RATE: f64 = 50_000.0;
    let mut costs = vec![Vec::new(); servers.len()];
    for _ in 0..15 {
        for ((_, addr, process), costs) in servers.iter().zip(&mut costs) {
            let before = process.cpu()?;
            let slice = load.pace(*addr, RATE, Duration::from_millis(200))?;
            costs.push(micros_each(process.cpu()? - before, slice.answers));
        }
    }
    let lines = servers.iter().zip(costs);
    let lines = lines.map(|((name, ..), costs)| {
        line(format!("CPU an answer at 50,000/s: {name}"), median(costs), "µs")
    });
    Ok(lines.collect())
}

/// What it takes to have 10,000 nodes.
fn many() -> Result<Vec<Value>> {
    const WHILE: Duration = Duration::from_secs(12);
    let nodes = Nodes::start()?;
    let addr = free_addr()?;
    let start = Instant::now();
    let tb = Process::tb(built!(), addr, &nodes.toml(MANY), "warn")?;
    wait_for(addr, Duration::from_secs(120), |reply| reply.total == MANY)?;
    let all_online = start.elapsed();
    let start_cpu = tb.cpu()?;
    std::thread::sleep(Duration::from_secs(3)); // the first checks come at once, the others spread

    let (before, start) = (tb.cpu()?, Instant::now());
    std::thread::sleep(WHILE);
    let checking = (tb.cpu()? - before).as_secs_f64() / start.elapsed().as_secs_f64();
    let (now, most) = tb.memory()?;

    // Heartbeats bring no news, so all that is left to do is to take them in.
    let body = RequestBody::Ping(Ping { version: 1, ..Ping::default() });
    let heartbeat = Request { id: 0, body }.encode(0);
    let (before, start, mut count) = (tb.cpu()?, Instant::now(), 0);
    while start.elapsed() < WHILE {
        for _ in 0..10 {
            send_from(&nodes, count % MANY, &heartbeat, addr)?;
            count += 1;
        }
        std::thread::sleep(Duration::from_millis(3)); // some 3,000 a second
    }
    let used = (tb.cpu()? - before).as_secs_f64() - checking * start.elapsed().as_secs_f64();
    Ok(vec![
        line("10,000 nodes: all online after", all_online.as_secs_f64(), "s"),
        line("10,000 nodes: CPU until then", start_cpu.as_secs_f64(), "s"),
        line("10,000 nodes: checking them every 3 s, of one core", checking * 100.0, "%"),
        line("10,000 nodes: resident memory", now as f64 / 1024.0, "MiB"),
        line("10,000 nodes: resident memory at most", most as f64 / 1024.0, "MiB"),
        line("10,000 nodes: CPU a heartbeat", used * 1e6 / f64::from(count), "µs"),
    ])
}

/// What it takes to have 10,000 nodes that are TURN servers.
fn many_turns() -> Result<Vec<Value>> {
    const WHILE: Duration = Duration::from_secs(12);
    let nodes = Nodes::start()?;
    let addr = free_addr()?;
    let start = Instant::now();
    let tb = Process::tb(built!(), addr, &nodes.turn_toml(MANY), "warn")?;
    wait_for(addr, Duration::from_secs(120), |reply| reply.total == MANY)?;
    let all_online = start.elapsed();
    std::thread::sleep(Duration::from_secs(6)); // the first checks come at once, the others spread
    let (before, start) = (tb.cpu()?, Instant::now());
    std::thread::sleep(WHILE);
    let checking = (tb.cpu()? - before).as_secs_f64() / start.elapsed().as_secs_f64();
    let (now, most) = tb.memory()?;
    Ok(vec![
        line("10,000 TURN nodes: all online after", all_online.as_secs_f64(), "s"),
        line("10,000 TURN nodes: asking them every 3 s, of one core", checking * 100.0, "%"),
        line("10,000 TURN nodes: resident memory", now as f64 / 1024.0, "MiB"),
        line("10,000 TURN nodes: resident memory at most", most as f64 / 1024.0, "MiB"),
    ])
}

/// What nodes cost that list as much as a datagram holds and change it four times a second, and what
/// clients notice of it, beside the same nodes at rest.
fn rogues() -> Result<Vec<Value>> {
    const COUNT: u32 = 1000;
    const WHILE: Duration = Duration::from_secs(30);
    let addr = free_addr()?;
    let rogues = Rogues::start(COUNT, addr)?;
    let tb = Process::tb(built!(), addr, &rogues.toml(), "error")?;
    wait_for(addr, Duration::from_secs(60), |reply| reply.total == COUNT)?;
    std::thread::sleep(Duration::from_secs(4)); // the first checks come at once, the others spread
    let load = Load::new(&request())?;
    let mut lines = Vec::new();
    for manner in ["at rest", "gone wild"] {
        if manner == "gone wild" {
            rogues.run_wild();
            std::thread::sleep(Duration::from_secs(10)); // all that they may have at once is spent
        }
        let (cpu, checks, start) = (tb.cpu()?, rogues.answers(), Instant::now());
        let mut times = Vec::new();
        while start.elapsed() < WHILE {
            times.extend(load.one_by_one(addr, 10)?.iter().map(|time| micros_each(*time, 1)));
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = start.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |percent| times[(times.len() - 1) * percent / 100];
        let what = |what| format!("{COUNT} rogues {manner}: {what}");
        let checks = (rogues.answers() - checks) as f64;
        lines.extend([
            line(what("checks a second"), checks / seconds, ""),
            line(what("of one core"), (tb.cpu()? - cpu).as_secs_f64() / seconds * 100.0, "%"),
            line(what("resident memory"), tb.memory()?.0 as f64 / 1024.0, "MiB"),
            line(what("a request, p50"), at(50), "µs"),
            line(what("a request, p99"), at(99), "µs"),
        ]);
    }
    wait_for(addr, Duration::from_secs(1), |reply| reply.total == COUNT)?; // they are online still
    lines.push(line("resident memory at most", tb.memory()?.1 as f64 / 1024.0, "MiB"));
    Ok(lines)
}

/// Sends from the address of a node.
fn send_from(nodes: &Nodes, index: u32, payload: &[u8], to: SocketAddr) -> Result<()> {
    let SocketAddr::V4(from) = nodes.addr(index) else { return Err("not IPv4".into()) };
    let SocketAddr::V4(to) = to else { return Err("not IPv4".into()) };
    Ok(echo::send_from(nodes.socket(), *from.ip(), payload, to)?)
}

/// A whole `tb probe` of a leaf, against a program that does nothing.
fn probe() -> Result<Vec<Value>> {
    const RUNS: usize = 500;
    build_as_users_do()?;
    let leaf = free_addr()?;
    let _tb = Process::tb(built!(), leaf, LEAF, "warn")?;
    wait_for(leaf, Duration::from_secs(20), |reply| reply.turn.is_some())?;
    let empty = empty_program()?;
    let run = |command: &mut Command| -> Result<f64> {
        let start = Instant::now();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        let time = micros_each(start.elapsed(), 1);
        if status.success() { Ok(time) } else { Err("a run has failed".into()) }
    };
    let (mut nothing, mut probes) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        nothing.push(run(&mut Command::new(&empty))?);
        let mut tb = Command::new(env!("CARGO_BIN_EXE_tb"));
        probes.push(run(tb.args(["probe", "--verify", "off", &leaf.to_string()]))?);
    }
    let ratio = median(probes.iter().zip(&nothing).map(|(probe, nothing)| probe / nothing));
    Ok(vec![
        line("an empty program", median(nothing), "µs"),
        line("tb probe of a leaf", median(probes), "µs"),
        line("tb probe over an empty program", ratio, ""),
    ])
}

/// Builds `tb` without what tests and benchmarks add: with all of tokio it starts more slowly.
fn build_as_users_do() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--package", "turn-balance"]).current_dir(folder);
    if build.status()?.success() { Ok(()) } else { Err("cannot build tb".into()) }
}

/// Compiles a program that does nothing.
fn empty_program() -> Result<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("empty.rs"), folder.join("empty"));
    std::fs::write(&source, "fn main() {}\n")?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let done = Command::new(rustc).arg("-O").arg("-o").args([&program, &source]).status()?;
    if done.success() { Ok(program) } else { Err("cannot compile an empty program".into()) }
}
