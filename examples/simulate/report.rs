//! What many sessions come to.

use serde::Serialize;

use super::session::Outcome;

/// The outcomes of one strategy, by tree.
#[derive(Default, Clone)]
pub(crate) struct Report {
    pub(crate) trees: Vec<Vec<Outcome>>,
}

#[derive(Serialize)]
pub(crate) struct Document {
    pub(crate) answered_pct: f64,
    pub(crate) regret_ms: Spread,
    pub(crate) good_pct: f64,
    pub(crate) datagrams: Spread,
    pub(crate) bytes: Spread,
    pub(crate) time_ms: Spread,
    pub(crate) bound_ratio: f64,
    pub(crate) sessions: usize,
    pub(crate) seed: u64,
}

#[derive(Serialize, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Report {
    pub(crate) fn add(&mut self, tree: Vec<Outcome>) {
        self.trees.push(tree);
    }

    pub(crate) fn text(&self) -> String {
        let Document { answered_pct, regret_ms, good_pct, datagrams, bytes, time_ms, .. } =
            self.document(0);
        let Document { bound_ratio, sessions, .. } = self.document(0);
        format!(
            "sessions   {sessions}\nanswered   {answered_pct:.2} %\ngood       {good_pct:.2} %\n\
             regret     {:.3} ms mean, {:.2} p90, {:.2} p99, {:.1} max\n\
             datagrams  {:.1} mean, {:.0} p99; {:.0} bytes\n\
             time       {:.1} ms p50, {:.1} p90, {:.1} p99; {bound_ratio:.3} x the bound\n",
            regret_ms.mean,
            regret_ms.p90,
            regret_ms.p99,
            regret_ms.max,
            datagrams.mean,
            datagrams.p99,
            bytes.mean,
            time_ms.p50,
            time_ms.p90,
            time_ms.p99,
        )
    }

    pub(crate) fn document(&self, seed: u64) -> Document {
        let all: Vec<_> = self.trees.iter().flatten().collect();
        let answered = || all.iter().filter(|outcome| outcome.regret.is_some());
        let share = |count: usize| 100.0 * count as f64 / all.len().max(1) as f64;
        let times = spread(answered().map(|outcome| outcome.time));
        let bounds = spread(answered().map(|outcome| outcome.bound));
        Document {
            answered_pct: share(answered().count()),
            regret_ms: spread(answered().filter_map(|outcome| outcome.regret)),
            good_pct: share(all.iter().filter(|outcome| outcome.good).count()),
            datagrams: spread(all.iter().map(|outcome| outcome.datagrams.into())),
            bytes: spread(all.iter().map(|outcome| outcome.bytes as f64)),
            time_ms: times,
            bound_ratio: times.mean / bounds.mean,
            sessions: all.len(),
            seed,
        }
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let index = ((values.len() as f64 * share).ceil() as usize).saturating_sub(1);
        values.get(index).copied().unwrap_or(f64::NAN)
    };
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Spread { mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) }
}
