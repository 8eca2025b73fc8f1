//! How many probes a second of processor time answers: balance servers against the simplest
//! server there is (tokio's `recv_from` and `send_to`) and against the bare system calls
//! (`recvmmsg` and `sendmmsg`), which send answers of the same size.
//!
//! `cargo bench --bench answers -- --help`

mod scrape;

use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use turn_balance_lab::bench::load::{Load, Slice};
use turn_balance_lab::bench::nodes::{COUNTED, Nodes};
use turn_balance_lab::bench::process::{Process, counter, free_addr, request, wait_for};
use turn_balance_lab::bench::{LOAD_CORE, Result, echo, median, micros_each, pin};
use turn_balance_lab::built;

/// How many nodes the lists have.
const SIZES: [u32; 3] = [3, 16, 64];

/// By how much two servers that are the same may differ in a run that counts.
const NOISE: f64 = 0.03;

#[derive(Parser)]
struct Args {
    /// How often each server gets a slice of load
    #[arg(long, default_value_t = 40)]
    rounds: usize,

    /// How long a slice is, in milliseconds
    #[arg(long, default_value_t = 100)]
    slice: u64,

    /// Instead, measure a server that is scraped every second beside two that are not
    #[arg(long, conflicts_with = "slice")]
    scrape: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A server under load, and what it used.
struct Contestant {
    process: Process,
    addr: SocketAddr,
    slices: Vec<(Slice, Duration)>,
}

/// The servers that send answers of one size.
struct Group {
    nodes: u32,
    size: usize,
    /// It exempts this host from its limits, as it does by default.
    tb: Contestant,
    /// A balance server that exempts nobody.
    limited: Contestant,
    mmsg: Contestant,
    /// A second of those, which shows the noise.
    again: Contestant,
    tokio: Contestant,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().collect();
    let done = match &words[..] {
        [_, kind, addr, size] if kind.starts_with("echo-") => run_echo(kind, addr, size),
        _ => run(&Args::parse()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn run_echo(kind: &str, addr: &str, size: &str) -> Result<ExitCode> {
    let (addr, size) = (addr.parse()?, size.parse()?);
    if kind == "echo-tokio" {
        echo::tokio(addr, size)?
    } else {
        echo::mmsg(addr, size)?
    }
    Ok(ExitCode::SUCCESS)
}

fn run(args: &Args) -> Result<ExitCode> {
    pin(LOAD_CORE)?;
    if args.scrape {
        let report = scrape::run(args)?;
        if args.json {
            println!("{report:#}");
        } else {
            scrape::print(&report);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let nodes = Nodes::start()?;
    let mut groups =
        SIZES.iter().map(|&size| Group::start(&nodes, size)).collect::<Result<Vec<_>>>()?;
    let load = Load::new(&request())?;
    for round in 0..=args.rounds {
        let mut all: Vec<_> = groups.iter_mut().flat_map(Group::all).collect();
        let count = all.len();
        all.rotate_left(round % count); // none is always the first
        for contestant in all {
            contestant.slice(&load, Duration::from_millis(args.slice))?;
        }
        if round == 0 {
            groups.iter_mut().flat_map(Group::all).for_each(|c| c.slices.clear()); // warm now
        }
    }
    let fair = groups.iter_mut().flat_map(Group::all).all(|c| c.has_lost_nothing());
    let flat = groups[2].tb.ratio(&groups[0].tb); // processor time with 64 nodes over that with 3
    let bare_flat = groups[2].mmsg.ratio(&groups[0].mmsg);
    let reports = groups.into_iter().map(Group::report).collect::<Result<Vec<_>>>()?;
    let worst = reports.iter().filter_map(|r| r["a_a"].as_f64()).map(|r| (r - 1.0).abs());
    let quiet = worst.fold(0.0, f64::max) <= NOISE;
    let valid = quiet && fair;
    let flat = json!({ "tb": flat, "mmsg": bare_flat });
    let report = json!({ "rounds": args.rounds, "slice_ms": args.slice, "valid": valid,
        "cpu_of_64_nodes_over_3": flat, "sizes": reports });
    if args.json {
        println!("{report:#}");
    } else {
        print(&report);
    }
    if !quiet {
        eprintln!("invalid: two servers that are the same differ by more than 3 %, run it again");
    }
    if !fair {
        eprintln!("invalid: a server lost requests, so it had fewer outstanding than the others");
    }
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Contestant {
    fn new(process: Process, addr: SocketAddr) -> Self {
        Self { process, addr, slices: Vec::new() }
    }

    fn echo(kind: &str, size: usize) -> Result<Self> {
        let addr = free_addr()?;
        let contestant = Self::new(Process::echo(kind, addr, size)?, addr);
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.set_read_timeout(Some(Duration::from_millis(100)))?;
        for _ in 0..100 {
            client.send_to(b"?", addr)?;
            if client.recv(&mut [0; 2048]).is_ok() {
                return Ok(contestant);
            }
        }
        Err(format!("{kind} does not answer").into())
    }

    fn slice(&mut self, load: &Load, time: Duration) -> Result<()> {
        let before = self.process.cpu()?;
        let slice = load.run(self.addr, time)?;
        self.slices.push((slice, self.process.cpu()? - before));
        Ok(())
    }

    /// Whether a slice lost nothing, as the rule.
    fn has_lost_nothing(&self) -> bool {
        median(self.slices.iter().map(|(slice, _)| slice.lost as f64)) == 0.0
    }

    /// Processor time an answer, slice by slice, in microseconds.
    fn costs(&self) -> impl Iterator<Item = f64> {
        self.slices.iter().map(|(slice, cpu)| micros_each(*cpu, slice.answers))
    }

    /// How many times as much processor time an answer takes here as there.
    fn ratio(&self, other: &Self) -> f64 {
        median(self.costs().zip(other.costs()).map(|(this, other)| this / other))
    }

    fn report(&self) -> Value {
        let rates = self.slices.iter().map(|(s, _)| s.answers as f64 / s.time.as_secs_f64());
        let lost: u64 = self.slices.iter().map(|(slice, _)| slice.lost).sum();
        json!({ "answers_per_second": median(rates), "cpu_seconds_per_million": median(self.costs()),
            "lost": lost })
    }
}

impl Group {
    fn start(leaves: &Nodes, nodes: u32) -> Result<Self> {
        let size = Cell::new(0);
        let tb = |limits| {
            let addr = free_addr()?;
            let process =
                Process::tb(built!(), addr, &format!("{}{limits}", leaves.toml(nodes)), "debug")?;
            let patience = Duration::from_secs(20);
            size.set(wait_for(addr, patience, |reply| reply.nodes.len() == nodes as usize)?);
            Ok::<_, Box<dyn std::error::Error>>(Contestant::new(process, addr))
        };
        let (tb, limited) = (tb("")?, tb(COUNTED)?);
        let size = size.get();
        let echo = |kind| Contestant::echo(kind, size);
        Ok(Self {
            nodes,
            size,
            tb,
            limited,
            mmsg: echo("echo-mmsg")?,
            again: echo("echo-mmsg")?,
            tokio: echo("echo-tokio")?,
        })
    }

    fn all(&mut self) -> [&mut Contestant; 5] {
        [&mut self.tb, &mut self.limited, &mut self.mmsg, &mut self.again, &mut self.tokio]
    }

    fn report(self) -> Result<Value> {
        let Self { nodes, size, tb, limited, mmsg, again, tokio } = self;
        let (over_mmsg, over_tokio) = (mmsg.ratio(&tb), tokio.ratio(&tb));
        let (limited_over_mmsg, a_a) = (mmsg.ratio(&limited), again.ratio(&mmsg));
        let limited = limited.report();
        let servers = json!({ "tb": tb.report(), "limited": limited, "mmsg": mmsg.report(), "tokio": tokio.report() });
        let log = tb.process.end()?;
        let calls = counter(&log, "system-calls")? as f64 / counter(&log, "answers")? as f64;
        Ok(json!({ "nodes": nodes, "answer_bytes": size, "a_a": a_a, "tb_over_mmsg": over_mmsg,
            "limited_over_mmsg": limited_over_mmsg, "tb_over_tokio": over_tokio, "system_calls_per_answer": calls, "servers": servers }))
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn print(report: &Value) {
    println!(
        "medians of {} slices of {} ms, 256 requests outstanding on 64 ports\n",
        report["rounds"], report["slice_ms"]
    );
    println!("nodes  bytes  server   answers/s  CPU-s a million");
    for size in report["sizes"].as_array().into_iter().flatten() {
        for server in ["tb", "limited", "mmsg", "tokio"] {
            let this = &size["servers"][server];
            println!(
                "{:>5}  {:>5}  {server:<7}  {:>9.0}  {:>15.3}",
                number(&size["nodes"]),
                number(&size["answer_bytes"]),
                number(&this["answers_per_second"]),
                number(&this["cpu_seconds_per_million"])
            );
        }
    }
    println!("\nanswers a CPU-second of tb, in those of the others\n");
    println!("nodes  over mmsg  limited  over tokio  mmsg over itself  system calls an answer");
    for size in report["sizes"].as_array().into_iter().flatten() {
        println!(
            "{:>5}  {:>9.3}  {:>7.3}  {:>10.3}  {:>16.3}  {:>22.3}",
            number(&size["nodes"]),
            number(&size["tb_over_mmsg"]),
            number(&size["limited_over_mmsg"]),
            number(&size["tb_over_tokio"]),
            number(&size["a_a"]),
            number(&size["system_calls_per_answer"])
        );
    }
    let flat = &report["cpu_of_64_nodes_over_3"];
    println!(
        "\nCPU an answer with 64 nodes over that with 3: tb {:.3}, mmsg {:.3}",
        number(&flat["tb"]),
        number(&flat["mmsg"])
    );
}
