//! What answers cost beside a scrape of `/metrics` every second: three servers that are the same, of which one is
//! scraped, in turn for a second each, with one scrape in each second.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use turn_balance_lab::bench::Result;
use turn_balance_lab::bench::load::Load;
use turn_balance_lab::bench::nodes::Nodes;
use turn_balance_lab::bench::process::{Process, free_addr, request, wait_for};
use turn_balance_lab::{built, http};

use super::{Args, Contestant, SIZES, number};

/// Between two scrapes, and how long a server is asked in turn.
const EVERY: Duration = Duration::from_secs(1);

/// The servers whose lists are of one size.
struct Trio {
    nodes: u32,
    tb: Contestant,
    /// A second one, which shows the noise.
    again: Contestant,
    scraped: Contestant,
    admin: SocketAddr,
    bytes: usize,
}

/// Runs the rounds. Returns what is to be printed.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let nodes = Nodes::start()?;
    let mut trios =
        SIZES.iter().map(|&size| Trio::start(&nodes, size)).collect::<Result<Vec<_>>>()?;
    let load = Load::new(&request())?;
    for round in 0..=args.rounds {
        for trio in &mut trios {
            trio.round(&load, round)?;
            if round == 0 {
                trio.all().into_iter().for_each(|server| server.slices.clear()); // warm now
            }
        }
    }
    let sizes: Vec<_> = trios.into_iter().map(Trio::report).collect();
    Ok(json!({ "rounds": args.rounds, "sizes": sizes }))
}

pub(crate) fn print(report: &Value) {
    println!("medians of {} seconds, with one scrape of /metrics in each", report["rounds"]);
    println!("\nnodes  scrape bytes  answers/s  scraped  CPU of scraped over tb  tb over itself");
    for size in report["sizes"].as_array().into_iter().flatten() {
        println!(
            "{:>5}  {:>12}  {:>9.0}  {:>7.0}  {:>22.3}  {:>14.3}",
            number(&size["nodes"]),
            number(&size["scrape_bytes"]),
            number(&size["tb"]["answers_per_second"]),
            number(&size["scraped"]["answers_per_second"]),
            number(&size["scraped_over_tb"]),
            number(&size["a_a"])
        );
    }
}

impl Trio {
    fn start(leaves: &Nodes, nodes: u32) -> Result<Self> {
        let tb = |admin: &str| {
            let (addr, toml) = (free_addr()?, format!("{}{admin}", leaves.toml(nodes)));
            let process = Process::tb(built!(), addr, &toml, "info")?;
            let patience = Duration::from_secs(20);
            wait_for(addr, patience, |reply| reply.nodes.len() == nodes as usize)?;
            Result::Ok(Contestant::new(process, addr))
        };
        let admin = free_addr()?;
        let scraped = tb(&format!("admin.bind = '{admin}'\n"))?;
        Ok(Self { nodes, tb: tb("")?, again: tb("")?, scraped, admin, bytes: 0 })
    }

    fn all(&mut self) -> [&mut Contestant; 3] {
        [&mut self.tb, &mut self.again, &mut self.scraped]
    }

    /// Asks each of them for a second; none is always the first.
    fn round(&mut self, load: &Load, round: usize) -> Result<()> {
        for at in 0..3 {
            match (at + round) % 3 {
                0 => self.tb.slice(load, EVERY)?,
                1 => self.again.slice(load, EVERY)?,
                _ => self.scraped_slice(load)?,
            }
        }
        Ok(())
    }

    fn scraped_slice(&mut self, load: &Load) -> Result<()> {
        let admin = self.admin;
        let scrape = thread::spawn(move || {
            thread::sleep(EVERY / 2);
            http::get(admin, "/metrics")
        });
        self.scraped.slice(load, EVERY)?;
        let scraped = scrape.join().map_err(|_| "no answer to a scrape")?;
        if scraped.status != 200 {
            return Err(format!("a scrape is refused: {scraped:?}").into());
        }
        self.bytes = scraped.body.len();
        Ok(())
    }

    fn report(self) -> Value {
        let Self { nodes, tb, again, scraped, bytes, .. } = self;
        let (over, a_a) = (scraped.ratio(&tb), again.ratio(&tb));
        json!({ "nodes": nodes, "scrape_bytes": bytes, "scraped_over_tb": over, "a_a": a_a,
            "tb": tb.report(), "scraped": scraped.report() })
    }
}
