//! The examples of the documentation, for tests.

use std::time::Duration;

use turn_balance::{CandidateState, Cost, Labels, WatchReason, Why};

use super::ms::Ms;
use super::ping::PingReport;
use super::probe::{HopReport, ProbeReport, RunnerUpReport};
use super::rtts::Rtts;
use super::status::StatusReport;
use super::trace::{CandidateReport, OutcomeReport, TraceReport};
use super::trace_count::{CandidateCount, TraceCount};
use super::tree::{TreeNodeReport, TreeReport, TreeSummary};
use super::watch::WatchReport;

pub(crate) fn watch() -> WatchReport {
    let ProbeReport { turn, name, rtt_ms, verified, path, runners_up, .. } = probe();
    WatchReport {
        timestamp: 1_795_792_181.25,
        reason: Some(WatchReason::Selected),
        turn,
        listed: None,
        name,
        rtt_ms,
        verified,
        drawn: None,
        load: None,
        labels: Labels::default(),
        urls: None,
        path,
        runners_up,
        left: None,
        error: None,
    }
}

pub(crate) fn probe() -> ProbeReport {
    let mut cost = Cost::default();
    cost.candidates = 41;
    cost.silent = 1;
    cost.datagrams = 96;
    cost.repeated = 54;
    ProbeReport {
        turn: Some("203.0.113.52:3478".parse().unwrap()),
        listed: None,
        name: Some("fra-b".to_owned()),
        rtt_ms: Some(Ms(11.97)),
        verified: Some(true),
        drawn: None,
        load: None,
        labels: Labels::default(),
        transport: Some("udp"),
        urls: None,
        elapsed_ms: Some(Ms(38.2)),
        strategy: "best",
        path: vec![
            HopReport {
                level: 0,
                addr: "198.51.100.7:3001".parse().unwrap(),
                listed: None,
                name: Some("root".to_owned()),
                rtt_ms: Some(Ms(7.81)),
                says: None,
            },
            HopReport {
                level: 1,
                addr: "203.0.113.52:3001".parse().unwrap(),
                listed: None,
                name: Some("fra-b".to_owned()),
                rtt_ms: Some(Ms(12.06)),
                says: None,
            },
        ],
        runners_up: vec![RunnerUpReport {
            turn: "203.0.113.61:3478".parse().unwrap(),
            listed: None,
            name: Some("ams-a".to_owned()),
            rtt_ms: Ms(14.2),
            verified: false,
            load: None,
            labels: Labels::default(),
            urls: None,
            why: Why::Slower,
        }],
        candidates: 41,
        silent: 1,
        unasked: 0,
        ruled_out: 0,
        unlisted: 0,
        datagrams: 96,
        connections: 0,
        unresolved: Vec::new(),
        error: None,
        cost,
        never_asked: Vec::new(),
        never_listed: Vec::new(),
    }
}

pub(crate) fn trace() -> TraceReport {
    use CandidateState::*;

    let none = f64::NAN;
    let lines = [
        (0, "198.51.100.7:3001", "root", None, 7.81, 7.81, Path),
        (1, "203.0.113.10:3001", "fra", Some(0), 11.84, 19.65, Path),
        (1, "203.0.113.20:3001", "ams", Some(0), 14.2, 22.01, Explored),
        (1, "203.0.113.30:3001", "nyc", Some(0), 88.07, none, Lost),
        (1, "203.0.113.40:3001", "sgp", Some(0), none, none, Silent),
        (2, "203.0.113.52:3001", "fra-b", Some(1), 12.06, 31.71, Path),
        (2, "203.0.113.51:3001", "fra-a", Some(1), 12.31, 31.96, Lost),
        (2, "203.0.113.61:3001", "ams-a", Some(2), 14.35, 36.4, Lost),
        (3, "203.0.113.52:3478", "", Some(5), 11.97, 43.68, Selected),
    ];
    TraceReport {
        outcome: OutcomeReport {
            turn: Some("203.0.113.52:3478".parse().unwrap()),
            listed: None,
            name: Some("fra-b".to_owned()),
            rtt_ms: Some(Ms(11.97)),
            elapsed_ms: Some(Ms(43.68)),
            strategy: "best",
            transport: Some("udp"),
            view: "subordinates",
            levels: 3,
            datagrams: 30,
            connections: 0,
            unresolved: Vec::new(),
            error: None,
        },
        candidates: lines.iter().map(|line| candidate(line, &lines)).collect(),
    }
}

pub(crate) fn count() -> TraceCount {
    let row = |level, addr: &str, name: &str, won, times: Option<[f64; 4]>| CandidateCount {
        level,
        addr: addr.parse().unwrap(),
        name: Some(name.to_owned()),
        sent: 10,
        loss_percent: Some(if times.is_some() { 0.0 } else { 100.0 }),
        won,
        best_ms: times.map(|times| Ms(times[0])),
        avg_ms: times.map(|times| Ms(times[1])),
        worst_ms: times.map(|times| Ms(times[2])),
        stdev_ms: times.map(|times| Ms(times[3])),
    };
    TraceCount {
        descents: 10,
        found: 9,
        unsent: 0,
        candidates: vec![
            row(0, "198.51.100.7:3001", "root", 10, Some([7.61, 7.84, 8.42, 0.24])),
            row(1, "203.0.113.10:3001", "fra", 9, Some([11.7, 11.98, 12.84, 0.33])),
            row(1, "203.0.113.40:3001", "sgp", 0, None),
        ],
        unresolved: Vec::new(),
        error: None,
    }
}

pub(crate) fn ping() -> PingReport {
    let mut rtts = Rtts::default();
    for micros in [11_790, 11_920, 12_410] {
        rtts.push(Duration::from_micros(micros));
    }
    let addr = Some("203.0.113.10:3001".parse().unwrap());
    let time = Duration::from_millis(3_021);
    PingReport::new("fra.example".to_owned(), addr, 4, &rtts, time)
}

type Line<'a> = (u8, &'a str, &'a str, Option<usize>, f64, f64, CandidateState);

fn candidate(line: &Line<'_>, lines: &[Line<'_>]) -> CandidateReport {
    let &(level, addr, name, parent, rtt, total, state) = line;
    let ms = |time: f64| (!time.is_nan()).then_some(Ms(time));
    CandidateReport {
        level,
        addr: addr.parse().unwrap(),
        listed: None,
        name: (!name.is_empty()).then(|| name.to_owned()),
        via: parent.map(|at| lines[at].1.parse().unwrap()),
        turn: None,
        rtt_ms: ms(rtt),
        total_ms: ms(total),
        load: None,
        labels: Labels::default(),
        sent: 3,
        state,
        says: None,
        fault: None,
        answered_from: None,
        unasked: None,
        unlisted: 0,
        allow: None,
        parent,
    }
}

/// A root, and a node of which an admin interface says what no interface should.
pub(crate) fn tree() -> TreeReport {
    let root = TreeNodeReport {
        level: 0,
        addr: "198.51.100.7:3001".parse().unwrap(),
        name: Some("root".to_owned()),
        kind: "balance",
        via: None,
        turn: None,
        rtt_ms: Some(Ms(7.81)),
        state: "offering".to_owned(),
        problems: Vec::new(),
        parent: None,
    };
    let elapsed_ms = Ms(20.5);
    let summary =
        TreeSummary { found: 1, levels: 1, wrong: 0, stopped: None, datagrams: 2, elapsed_ms };
    let mut tree = TreeReport { summary, nodes: vec![root] };
    let status = r#"{"schema": "tb.status/1", "name": "root", "nodes": [{"public": "203.0.113.10:3001",
        "name": "a\"b", "state": "<off>|\"é\"", "since_s": 7200, "why": "\nis \"[gone]\""}]}"#;
    tree.add_status(&StatusReport::read(status).unwrap());
    tree
}
