use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::{Candidate, CandidateState, Name, Trace};

use super::ms::Ms;
use super::rtts::{Rtts, loss_percent};
use super::trace_count::{CandidateCount, TraceCount};
use super::unresolved::{UnresolvedCount, UnresolvedReport};

/// Descents added up, candidate by candidate.
#[derive(Debug, Default)]
pub(crate) struct TraceCounter {
    descents: u64,
    found: u64,
    unsent: u64,
    tallies: BTreeMap<(u8, SocketAddr), Tally>,
    /// Of each host the last time, and how often.
    unresolved: BTreeMap<String, (UnresolvedReport, u64)>,
}

impl TraceCounter {
    /// Adds a descent.
    pub(crate) fn add(&mut self, trace: &Trace) {
        self.count(trace.outcome.is_ok(), trace.candidates.iter().map(Observation::from));
    }

    /// Adds roots that could not be asked by a descent.
    pub(crate) fn add_unresolved(&mut self, roots: Vec<UnresolvedReport>) {
        for root in roots {
            let host = root.host.clone();
            let before = self.unresolved.get(&host).map_or(0, |(_, descents)| *descents);
            self.unresolved.insert(host, (root, before + 1));
        }
    }

    /// Adds a descent of which the system has sent nothing: to its roots all is lost.
    pub(crate) fn add_unsent(&mut self) {
        self.descents += 1;
        self.unsent += 1;
    }

    fn count(&mut self, found: bool, seen: impl IntoIterator<Item = Observation>) {
        self.descents += 1;
        self.found += u64::from(found);
        for observation in seen {
            let key = (observation.level, observation.addr);
            self.tallies.entry(key).or_default().add(observation);
        }
    }

    pub(crate) fn descents(&self) -> u64 {
        self.descents
    }

    /// Whether any descent named a TURN server.
    pub(crate) fn any_found(&self) -> bool {
        self.found > 0
    }

    /// The whole: by level, the fastest first, the silent last.
    pub(crate) fn report(&self) -> TraceCount {
        let row = |(&(level, addr), tally): (&(u8, SocketAddr), &Tally)| {
            let unsent = if level == 0 { self.unsent } else { 0 };
            tally.report(level, addr, unsent)
        };
        let mut candidates: Vec<CandidateCount> = self.tallies.iter().map(row).collect();
        let order = |count: &CandidateCount| count.best_ms.map_or(f64::INFINITY, |Ms(best)| best);
        candidates.sort_by(|a, b| {
            let by_level = a.level.cmp(&b.level);
            by_level.then(order(a).total_cmp(&order(b)))
        });
        let Self { descents, found, unsent, .. } = *self;
        let unresolved = self.unresolved.values().cloned();
        let unresolved =
            unresolved.map(|(root, descents)| UnresolvedCount { root, descents }).collect();
        TraceCount { descents, found, unsent, candidates, unresolved, error: None }
    }
}

/// What one descent says of one candidate.
#[derive(Debug, Clone)]
struct Observation {
    level: u8,
    addr: SocketAddr,
    name: Option<String>,
    asked: bool,
    rtt: Option<Duration>,
    state: CandidateState,
}

impl From<&Candidate> for Observation {
    fn from(candidate: &Candidate) -> Self {
        Self {
            level: candidate.level,
            addr: candidate.addr,
            name: candidate.name.as_ref().map(Name::to_string),
            asked: candidate.sent > 0,
            rtt: candidate.rtt,
            state: candidate.state,
        }
    }
}

/// What all of them say of one candidate.
#[derive(Debug, Default)]
struct Tally {
    name: Option<String>,
    asked: u64,
    won: u64,
    rtts: Rtts,
}

impl Tally {
    fn add(&mut self, observation: Observation) {
        let won = matches!(observation.state, CandidateState::Path | CandidateState::Selected);
        self.name = observation.name.or(self.name.take());
        self.asked += u64::from(observation.asked);
        self.won += u64::from(won);
        if let Some(rtt) = observation.rtt {
            self.rtts.push(rtt);
        }
    }

    /// The whole, with as many lost besides of which the system has sent nothing.
    fn report(&self, level: u8, addr: SocketAddr, unsent: u64) -> CandidateCount {
        let (sent, summary) = (self.asked + unsent, self.rtts.summary());
        CandidateCount {
            level,
            addr,
            name: self.name.clone(),
            sent,
            loss_percent: loss_percent(sent, self.rtts.len()),
            won: self.won,
            best_ms: summary.map(|s| Ms(s.min)),
            avg_ms: summary.map(|s| Ms(s.avg)),
            worst_ms: summary.map(|s| Ms(s.max)),
            stdev_ms: summary.map(|s| Ms(s.stdev)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(last: u8, millis: Option<u64>, state: CandidateState) -> Observation {
        Observation {
            level: 1,
            addr: SocketAddr::from(([203, 0, 113, last], 3001)),
            name: None,
            asked: true,
            rtt: millis.map(Duration::from_millis),
            state,
        }
    }

    #[test]
    fn each_descent_counts_once() {
        let mut counter = TraceCounter::default();
        counter.count(
            true,
            [seen(10, Some(10), CandidateState::Path), seen(20, None, CandidateState::Silent)],
        );
        counter.count(
            false,
            [seen(10, Some(14), CandidateState::Lost), seen(30, Some(9), CandidateState::Selected)],
        );
        let report = counter.report();
        assert_eq!((report.descents, report.found), (2, 1));
        let [fast, slow, silent] = report.candidates.as_slice() else {
            panic!("{report:?}");
        };
        assert_eq!(fast.addr.to_string(), "203.0.113.30:3001");
        assert_eq!((fast.sent, fast.won), (1, 1));
        assert_eq!((slow.sent, slow.loss_percent, slow.won), (2, Some(0.0), 1));
        assert_eq!(
            (slow.best_ms, slow.avg_ms, slow.worst_ms),
            (Some(Ms(10.0)), Some(Ms(12.0)), Some(Ms(14.0)))
        );
        assert_eq!(slow.stdev_ms, Some(Ms(8.0_f64.sqrt())));
        assert_eq!((silent.sent, silent.loss_percent), (1, Some(100.0)));
        assert_eq!((silent.best_ms, silent.stdev_ms), (None, None));
    }

    #[test]
    fn what_was_not_asked_has_lost_nothing() {
        let mut counter = TraceCounter::default();
        let mut refused = seen(10, None, CandidateState::Refused);
        refused.asked = false;
        counter.count(true, [refused]);
        let report = counter.report();
        assert_eq!(report.candidates[0].sent, 0);
        assert_eq!(report.candidates[0].loss_percent, None);
    }

    #[test]
    fn what_could_not_be_sent_is_lost_to_the_roots() {
        let mut counter = TraceCounter::default();
        let root = Observation { level: 0, ..seen(1, Some(5), CandidateState::Path) };
        counter.count(true, [root, seen(10, Some(10), CandidateState::Path)]);
        counter.add_unsent();
        let report = counter.report();
        assert_eq!((report.descents, report.found, report.unsent), (2, 1, 1));
        let [root, below] = report.candidates.as_slice() else { panic!("{report:?}") };
        assert_eq!((root.sent, root.loss_percent), (2, Some(50.0)));
        assert_eq!((below.sent, below.loss_percent), (1, Some(0.0)));
    }

    #[test]
    fn a_name_once_heard_stays() {
        let mut counter = TraceCounter::default();
        let mut named = seen(10, Some(10), CandidateState::Path);
        named.name = Some("fra".to_owned());
        counter.count(true, [named]);
        counter.count(true, [seen(10, None, CandidateState::Silent)]);
        assert_eq!(counter.report().candidates[0].name.as_deref(), Some("fra"));
    }
}
