//! What the command line says.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Simulates descents and says how good, how soon and at what cost they are
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Round-trip times, CSV or CSV.gz; none: points on a sphere
    #[arg(long, value_name = "FILE")]
    pub(crate) matrix: Option<PathBuf>,
    /// The file holds snapshots, one a line: hosts, milliseconds a unit
    #[arg(long, value_name = "HOSTS,MS", value_parser = snapshots)]
    pub(crate) snapshots: Option<(usize, f64)>,
    /// Without a matrix, 500 and more stand in clusters of their tree, however many
    #[arg(long, default_value_t = 64)]
    pub(crate) leaves: usize,
    /// Servers a level above the leaves: flat, 8x8, 4x4x4, ...
    #[arg(long, default_value = "flat")]
    pub(crate) shape: Shape,
    /// Whether servers answer with flat lists
    #[arg(long, default_value = "on")]
    pub(crate) flatten: Switch,
    /// Roots beside one another
    #[arg(long, default_value_t = 1)]
    pub(crate) roots: usize,
    #[arg(long, default_value_t = 20)]
    pub(crate) trees: usize,
    /// Descents in each tree
    #[arg(long, default_value_t = 500)]
    pub(crate) sessions: usize,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The share of packets lost, each way
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) loss: f64,
    /// The share of the time that the client's link is down
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) burst: f64,
    /// The share of packets that arrive twice
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) duplicate: f64,
    /// The share of packets that are up to 50 ms late, and so overtaken
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) reorder: f64,
    /// The share of leaves that are silent, with the TURN servers beside them
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) dead: f64,
    /// The share of leaves that take 200 ms to answer, as the TURN servers beside them do
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) slow: f64,
    /// The share of servers that list strangers, and of leaves that name one
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) lying: f64,
    #[arg(long, default_value = "home")]
    pub(crate) access: Access,
    #[arg(long, default_value = "best")]
    pub(crate) strategy: Strategy,
    /// All strategies on the same sessions, the race down two levels, and the ratios
    #[arg(long, conflicts_with = "strategy")]
    pub(crate) compare: bool,
    /// A day of clients that stay, `sessions` of each tree: the snapshots follow one another
    #[arg(long, conflicts_with_all = ["compare", "strategy", "burst"])]
    pub(crate) day: bool,
    /// Whether the TURN servers themselves are asked last
    #[arg(long, default_value = "on")]
    pub(crate) verify: Switch,
    /// Seconds that a descent may take
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strategy {
    Best,
    First,
    /// Every leaf is asked three times and the least time taken
    Floor,
    /// Nobody is asked: any leaf
    Random,
    /// Nobody is asked: the leaf of the right region, for one client in five of another
    Region,
    /// Nobody is asked: the nearest leaf by the great circle, which no matrix knows
    Circle,
}

/// How a client reaches the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Access {
    Home,
    Wifi,
    Dc,
    Clean,
}

/// How many servers stand side by side on each level above the leaves.
#[derive(Debug, Clone)]
pub(crate) struct Shape(pub(crate) Vec<usize>);

impl Shape {
    /// Two levels over so many leaves, of about as many servers as each has leaves.
    pub(crate) fn two_levels(leaves: usize) -> Self {
        Self(vec![(leaves as f64).sqrt().round() as usize])
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "flat" {
            return Ok(Self(Vec::new()));
        }
        let numbers: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        let numbers = numbers.ok().filter(|numbers| !numbers.contains(&0));
        let mut numbers = numbers.ok_or("`flat`, or numbers such as 8x8")?;
        numbers.pop(); // the last is how many leaves each has, which follows
        Ok(Self(numbers))
    }
}

fn snapshots(text: &str) -> Result<(usize, f64), String> {
    let (hosts, unit) = text.split_once(',').ok_or("two numbers with a comma between")?;
    let hosts = hosts.parse().map_err(|e| format!("{e}"))?;
    let unit = unit.parse().map_err(|e| format!("{e}"))?;
    Ok((hosts, unit))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a number from 0 to 1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|e| format!("{e}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|e| format!("{e}"))
}
