//! What the kernel counts.

use std::fs;
use std::time::{Duration, Instant};

use crate::stand::Stand;
use turn_balance_lab::bench::Result;

/// What stands before each packet on Ethernet.
const ETHERNET: u64 = 14;

/// Clock ticks a second, as `/proc` counts processor time: the same on all of Linux (proc(5)).
const TICKS: u64 = 100;

pub(crate) struct Meter {
    at: Instant,
    /// Of the server, in KiB.
    pub(crate) rss: u64,
    pub(crate) cpu: Duration,
    /// Bytes of IP packets that came to the flooder: the answers to forged sources.
    pub(crate) bytes_out: u64,
    /// Datagrams that the server's sockets had no room for.
    pub(crate) dropped: u64,
}

/// The difference of two, but for the memory: how much there is.
pub(crate) struct Spent {
    pub(crate) time: Duration,
    pub(crate) rss: u64,
    pub(crate) cpu: Duration,
    pub(crate) bytes_out: u64,
    pub(crate) dropped: u64,
}

impl Meter {
    pub(crate) fn read(stand: &Stand, pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, rest) = stat.rsplit_once(')').ok_or("no stat")?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let read = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
        let devices = stand.flooder.run(|| read("dev"))?;
        let line = devices.lines().find_map(|line| line.trim().strip_prefix("eth0:"));
        let counts: Vec<u64> = line
            .ok_or("no eth0")?
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let (v4, v6) = stand.server.run(|| (read("snmp"), read("snmp6")));
        Ok(Self {
            at: Instant::now(),
            rss: rss.trim().trim_end_matches(" kB").parse()?,
            cpu: Duration::from_millis(ticks * 1000 / TICKS),
            bytes_out: counts[0] - ETHERNET * counts[1],
            dropped: udp_errors(&v4?)? + udp6_errors(&v6?)?,
        })
    }

    pub(crate) fn since(&self, before: &Self) -> Spent {
        Spent {
            time: self.at - before.at,
            rss: self.rss,
            cpu: self.cpu - before.cpu,
            bytes_out: self.bytes_out - before.bytes_out,
            dropped: self.dropped - before.dropped,
        }
    }
}

/// A line of names, and one of numbers in the same order.
fn udp_errors(snmp: &str) -> Result<u64> {
    let lines: Vec<Vec<_>> = snmp
        .lines()
        .filter(|line| line.starts_with("Udp:"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let at = lines[0].iter().position(|name| *name == "RcvbufErrors").ok_or("no RcvbufErrors")?;
    Ok(lines[1][at].parse()?)
}

/// A line each.
fn udp6_errors(snmp6: &str) -> Result<u64> {
    let line = snmp6.lines().find_map(|line| line.strip_prefix("Udp6RcvbufErrors"));
    Ok(line.ok_or("no Udp6RcvbufErrors")?.trim().parse()?)
}
