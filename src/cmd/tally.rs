use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use turn_balance::{Candidate, CandidateState, Name};

use super::output::json::{Count, CountReport, Ms};
use super::stats::{Series, loss_percent};

/// Descents added up, candidate by candidate.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    descents: u64,
    found: u64,
    rows: BTreeMap<(u8, SocketAddr), Row>,
}

/// What one descent says of one candidate.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    pub(crate) level: u8,
    pub(crate) addr: SocketAddr,
    pub(crate) name: Option<String>,
    pub(crate) asked: bool,
    pub(crate) rtt: Option<Duration>,
    pub(crate) state: CandidateState,
}

impl From<&Candidate> for Sighting {
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

impl Tally {
    /// Adds a descent.
    pub(crate) fn add(&mut self, found: bool, seen: impl IntoIterator<Item = Sighting>) {
        self.descents += 1;
        self.found += u64::from(found);
        for sighting in seen {
            let key = (sighting.level, sighting.addr);
            self.rows.entry(key).or_default().add(sighting);
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
    pub(crate) fn report(&self) -> CountReport {
        let mut candidates: Vec<Count> = self.rows.iter().map(count).collect();
        let order = |count: &Count| count.best_ms.map_or(f64::INFINITY, |Ms(best)| best);
        candidates.sort_by(|a, b| {
            let by_level = a.level.cmp(&b.level);
            by_level.then(order(a).total_cmp(&order(b)))
        });
        CountReport { descents: self.descents, found: self.found, candidates, error: None }
    }
}

#[derive(Debug, Default)]
struct Row {
    name: Option<String>,
    asked: u64,
    won: u64,
    times: Series,
}

impl Row {
    fn add(&mut self, sighting: Sighting) {
        let won = matches!(sighting.state, CandidateState::Path | CandidateState::Selected);
        self.name = sighting.name.or(self.name.take());
        self.asked += u64::from(sighting.asked);
        self.won += u64::from(won);
        if let Some(rtt) = sighting.rtt {
            self.times.push(rtt);
        }
    }
}

fn count((&(level, addr), row): (&(u8, SocketAddr), &Row)) -> Count {
    let summary = row.times.summary();
    Count {
        level,
        addr,
        name: row.name.clone(),
        sent: row.asked,
        loss_percent: loss_percent(row.asked, row.times.len()),
        won: row.won,
        best_ms: summary.map(|s| Ms(s.min)),
        avg_ms: summary.map(|s| Ms(s.avg)),
        worst_ms: summary.map(|s| Ms(s.max)),
        stdev_ms: summary.map(|s| Ms(s.stdev)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(last: u8, millis: Option<u64>, state: CandidateState) -> Sighting {
        Sighting {
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
        let mut tally = Tally::default();
        tally.add(
            true,
            [
                sighting(10, Some(10), CandidateState::Path),
                sighting(20, None, CandidateState::Silent),
            ],
        );
        tally.add(
            false,
            [
                sighting(10, Some(14), CandidateState::Lost),
                sighting(30, Some(9), CandidateState::Selected),
            ],
        );
        let report = tally.report();
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
        let mut tally = Tally::default();
        let mut refused = sighting(10, None, CandidateState::Refused);
        refused.asked = false;
        tally.add(true, [refused]);
        let report = tally.report();
        assert_eq!(report.candidates[0].sent, 0);
        assert_eq!(report.candidates[0].loss_percent, None);
    }

    #[test]
    fn a_name_once_heard_stays() {
        let mut tally = Tally::default();
        let mut named = sighting(10, Some(10), CandidateState::Path);
        named.name = Some("fra".to_owned());
        tally.add(true, [named]);
        tally.add(true, [sighting(10, None, CandidateState::Silent)]);
        assert_eq!(tally.report().candidates[0].name.as_deref(), Some("fra"));
    }
}
