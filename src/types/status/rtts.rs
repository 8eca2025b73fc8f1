use std::time::Duration;

/// How long requests took, counted: one row for all of a server's nodes.
///
/// Part of a [`Status`](crate::Status), where an example is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RttHistogram {
    /// How many took no longer than each of the bounds, but longer than the one before; the last: longer
    /// than all.
    counts: [u64; Self::BOUNDS.len() + 1],
    sum: Duration,
}

impl RttHistogram {
    /// What is told apart: from a neighbour in the rack to a satellite.
    pub const BOUNDS: [Duration; 12] = [
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_millis(1000),
        Duration::from_millis(2500),
    ];

    /// One took so long.
    pub(crate) fn note(&mut self, rtt: Duration) {
        let place = Self::BOUNDS.iter().position(|bound| rtt <= *bound);
        let place = place.unwrap_or(Self::BOUNDS.len());
        self.counts[place] = self.counts[place].saturating_add(1);
        self.sum = self.sum.saturating_add(rtt);
    }

    /// How many there were between each bound and the one before, and, with `None`, beyond the last.
    pub fn counts(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = Self::BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.counts)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_in_one_place() {
        let mut rtts = RttHistogram::default();
        for micros in [0, 500, 501, 1000, 2_500_000, 2_500_001, 60_000_000] {
            rtts.note(Duration::from_micros(micros));
        }
        let counts: Vec<_> = rtts.counts().filter(|(_, count)| *count > 0).collect();
        let at = |micros| Some(Duration::from_micros(micros));
        assert_eq!(counts, [(at(500), 2), (at(1000), 2), (at(2_500_000), 1), (None, 2)]);
        assert_eq!((rtts.count(), rtts.sum().as_micros()), (7, 65_002_002));
    }
}
