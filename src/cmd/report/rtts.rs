use std::time::Duration;

/// The round-trip times of one peer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rtts {
    millis: Vec<f64>,
}

impl Rtts {
    pub(crate) fn push(&mut self, rtt: Duration) {
        self.millis.push(rtt.as_secs_f64() * 1e3);
    }

    pub(crate) fn len(&self) -> u64 {
        self.millis.len() as u64
    }

    /// What the times come to, in milliseconds; `None`: there are none.
    pub(crate) fn summary(&self) -> Option<RttSummary> {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let n = sorted.len() as f64;
        let avg = sorted.iter().sum::<f64>() / n;
        let squares: f64 = sorted.iter().map(|time| (time - avg).powi(2)).sum();
        Some(RttSummary {
            min,
            avg,
            max,
            mdev: (squares / n).sqrt(),
            stdev: (squares / (n - 1.0).max(1.0)).sqrt(),
            p50: percentile(&sorted, 50),
            p90: percentile(&sorted, 90),
            p99: percentile(&sorted, 99),
        })
    }
}

/// What round-trip times come to, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RttSummary {
    pub(crate) min: f64,
    pub(crate) avg: f64,
    pub(crate) max: f64,
    /// The deviation as `ping` has it: of these times.
    pub(crate) mdev: f64,
    /// The deviation as `mtr` has it: of what these times are a sample of.
    pub(crate) stdev: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

/// The lost ones among `sent`, in percent; `None`: nothing was sent.
pub(crate) fn loss_percent(sent: u64, received: u64) -> Option<f64> {
    let lost = sent.saturating_sub(received);
    (sent > 0).then(|| lost as f64 * 100.0 / sent as f64)
}

/// The least time that `percent` of all do not exceed. `sorted` is not empty.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtts(millis: impl IntoIterator<Item = u64>) -> Rtts {
        let mut rtts = Rtts::default();
        for time in millis {
            rtts.push(Duration::from_millis(time));
        }
        rtts
    }

    #[test]
    fn nothing_comes_to_nothing() {
        assert_eq!(Rtts::default().summary(), None);
        assert_eq!(loss_percent(0, 0), None);
    }

    #[test]
    fn one_time_deviates_from_nothing() {
        let summary = rtts([7]).summary().unwrap();
        let RttSummary { min, avg, max, mdev, stdev, p50, p90, p99 } = summary;
        assert_eq!([min, avg, max, p50, p90, p99], [7.0; 6]);
        assert_eq!([mdev, stdev], [0.0; 2]);
    }

    #[test]
    fn the_two_deviations() {
        let summary = rtts([2, 4, 4, 4, 5, 5, 7, 9]).summary().unwrap();
        assert_eq!((summary.min, summary.avg, summary.max, summary.mdev), (2.0, 5.0, 9.0, 2.0));
        assert!((summary.stdev - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let summary = rtts((1..=100).rev()).summary().unwrap();
        assert_eq!((summary.p50, summary.p90, summary.p99), (50.0, 90.0, 99.0));
        let summary = rtts([10, 30, 20]).summary().unwrap();
        assert_eq!((summary.p50, summary.p90, summary.p99), (20.0, 30.0, 30.0));
    }

    #[test]
    fn loss() {
        assert_eq!(loss_percent(4, 3), Some(25.0));
        assert_eq!(loss_percent(3, 0), Some(100.0));
        assert_eq!(loss_percent(3, 3), Some(0.0));
    }
}
