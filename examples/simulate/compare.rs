//! Three strategies on the same sessions, how sure their ratios are, and three that measure nothing.

use rand::{RngExt, SeedableRng};
use serde::Serialize;
use turn_balance::internals::engine::Rng;

use super::report::{Document, Report};

#[derive(Serialize)]
pub(crate) struct Comparison {
    best: Document,
    first: Document,
    floor: Document,
    random: Document,
    region: Document,
    /// Where hosts have places.
    circle: Option<Document>,
    /// Ours over theirs.
    ratios: Vec<Ratio>,
}

#[derive(Serialize)]
struct Ratio {
    name: &'static str,
    value: f64,
    /// The bootstrap interval, 95 %.
    low: f64,
    high: f64,
}

/// How often trees are drawn anew.
const RESAMPLES: usize = 1000;

/// How often each tree was drawn.
type Draw = [u32];

impl Comparison {
    /// From the reports of `best`, `first`, `floor`, `random`, `region` and `circle`.
    pub(crate) fn new(reports: &[Report], seed: u64) -> Self {
        let [best, first, floor] = [0, 1, 2].map(|at| Sums::new(&reports[at]));
        let trees = reports[0].trees.len();
        let mut rng = Rng::seed_from_u64(seed);
        let draws: Vec<_> = (0..RESAMPLES).map(|_| draw(trees, &mut rng)).collect();
        let ratio = |name, of: &dyn Fn(&Draw) -> f64| {
            let mut values: Vec<_> = draws.iter().map(|draw| of(draw)).collect();
            values.sort_unstable_by(f64::total_cmp);
            let at = |share: f64| values[(share * (RESAMPLES - 1) as f64).round() as usize];
            Ratio { name, value: of(&vec![1; trees]), low: at(0.025), high: at(0.975) }
        };
        let ratios = vec![
            ratio("mean_regret_of_floor", &|draw| best.regret(draw) / floor.regret(draw)),
            ratio("p99_regret_of_floor", &|draw| best.p99(draw) / floor.p99(draw)),
            ratio("mean_regret_of_first", &|draw| best.regret(draw) / first.regret(draw)),
            ratio("p99_regret_of_first", &|draw| best.p99(draw) / first.p99(draw)),
            ratio("datagrams_of_floor", &|draw| best.datagrams(draw) / floor.datagrams(draw)),
            ratio("datagrams_of_first", &|draw| best.datagrams(draw) / first.datagrams(draw)),
            ratio("time_of_floor", &|draw| best.time(draw) / floor.time(draw)),
            ratio("time_of_first", &|draw| best.time(draw) / first.time(draw)),
            ratio("bound_ratio", &|draw| best.bound_ratio(draw)),
        ];
        let [best, first, floor, random, region, circle] =
            [0, 1, 2, 3, 4, 5].map(|at| reports[at].document(seed));
        let circle = Some(circle).filter(|circle| circle.answered_pct > 0.0);
        Self { best, first, floor, random, region, circle, ratios }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:7}{:>10}{:>8}{:>22}{:>11}{:>8}{:>20}{:>9}\n",
            "",
            "answered",
            "good",
            "regret mean/p99",
            "datagrams",
            "bytes",
            "time p50/p99",
            "bound",
        );
        let all = [("best", &self.best), ("first", &self.first), ("floor", &self.floor)];
        for (name, document) in all {
            let regret = document.regret_ms;
            let time = document.time_ms;
            text += &format!(
                "{name:7}{:>8.2} %{:>6.1} %{:>22}{:>11.1}{:>8.0}{:>20}{:>7.3} x\n",
                document.answered_pct,
                document.good_pct,
                format!("{:.3} / {:.2} ms", regret.mean, regret.p99),
                document.datagrams.mean,
                document.bytes.mean,
                format!("{:.0} / {:.0} ms", time.p50, time.p99),
                document.bound_ratio,
            );
        }
        let unmeasured = [("random", &self.random), ("region", &self.region)];
        let circle = self.circle.as_ref().map(|circle| ("circle", circle));
        for (name, document) in unmeasured.into_iter().chain(circle) {
            let (good, regret) = (document.good_pct, document.regret_ms);
            let regret = format!("{:.3} / {:.2} ms", regret.mean, regret.p99);
            text += &format!("{name:7}{:>8.2} %{good:>6.1} %{regret:>22}\n", document.answered_pct);
        }
        text += &format!("{} sessions, seed {}\n\n", self.best.sessions, self.best.seed);
        for Ratio { name, value, low, high } in &self.ratios {
            let name = name.replace('_', " ");
            text += &format!("{name:22}{value:>8.3}   {low:.3} to {high:.3}\n");
        }
        text
    }
}

/// Trees drawn with replacement.
fn draw(trees: usize, rng: &mut Rng) -> Vec<u32> {
    let mut draw = vec![0; trees];
    for _ in 0..trees {
        draw[rng.random_range(0..trees)] += 1;
    }
    draw
}

/// A strategy's sums over the sessions of each tree.
struct Sums {
    sessions: Vec<f64>,
    answered: Vec<f64>,
    regret: Vec<f64>,
    datagrams: Vec<f64>,
    time: Vec<f64>,
    bound: Vec<f64>,
    /// All regrets, worst first, each with its tree.
    worst: Vec<(f64, usize)>,
}

impl Sums {
    fn new(report: &Report) -> Self {
        let sum = |of: &dyn Fn(&super::session::Outcome) -> f64| -> Vec<f64> {
            report.trees.iter().map(|tree| tree.iter().map(of).sum()).collect()
        };
        let answered = |of: f64, regret: Option<f64>| if regret.is_some() { of } else { 0.0 };
        let trees = report.trees.iter().enumerate();
        let regrets = trees.flat_map(|(tree, all)| {
            all.iter().filter_map(move |outcome| Some((outcome.regret?, tree)))
        });
        let mut worst: Vec<_> = regrets.collect();
        worst.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Self {
            sessions: sum(&|_| 1.0),
            answered: sum(&|outcome| answered(1.0, outcome.regret)),
            regret: sum(&|outcome| outcome.regret.unwrap_or(0.0)),
            datagrams: sum(&|outcome| outcome.datagrams.into()),
            time: sum(&|outcome| answered(outcome.time, outcome.regret)),
            bound: sum(&|outcome| answered(outcome.bound, outcome.regret)),
            worst,
        }
    }

    fn regret(&self, draw: &Draw) -> f64 {
        total(&self.regret, draw) / total(&self.answered, draw)
    }

    fn datagrams(&self, draw: &Draw) -> f64 {
        total(&self.datagrams, draw) / total(&self.sessions, draw)
    }

    fn time(&self, draw: &Draw) -> f64 {
        total(&self.time, draw) / total(&self.answered, draw)
    }

    fn bound_ratio(&self, draw: &Draw) -> f64 {
        total(&self.time, draw) / total(&self.bound, draw)
    }

    /// The 99th percentile of regret.
    fn p99(&self, draw: &Draw) -> f64 {
        let answered = total(&self.answered, draw);
        let mut above = answered - (0.99 * answered).ceil();
        for &(regret, tree) in &self.worst {
            if above < f64::from(draw[tree]) {
                return regret;
            }
            above -= f64::from(draw[tree]);
        }
        f64::NAN
    }
}

fn total(sums: &[f64], draw: &Draw) -> f64 {
    sums.iter().zip(draw).map(|(sum, times)| sum * f64::from(*times)).sum()
}
