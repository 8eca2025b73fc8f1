//! How far what is checked is, as lists tell it, and as operators see it.

use std::time::Duration;

/// How far a node is, as steady as a list wants it: each change of that is news all the way up.
#[derive(Debug, Default)]
pub(super) struct Distance {
    shown: Option<Duration>,
    /// The least of this window, and how many it has seen.
    least: Option<Duration>,
    seen: u8,
    /// The least of the last short window, or of this one if that is less.
    recent: Option<Duration>,
    /// The least of this short window.
    least_lately: Option<Duration>,
}

impl Distance {
    /// Answers a window: a minute and a half of checks, so that one quiet moment falls into each.
    const WINDOW: u8 = 32;
    /// Answers a short window, of which two are one: three quarters of a minute of checks.
    const SHORT: u8 = 16;
    /// A change that is none: half of what the wire tells apart.
    const SLACK: Duration = Duration::from_millis(8);

    /// A round trip took so long.
    pub(super) fn measure(&mut self, rtt: Duration) {
        let least = self.least.map_or(rtt, |least| least.min(rtt));
        self.least = Some(least);
        self.seen += 1;
        let shown = *self.shown.get_or_insert(least);
        let slack = (shown / 4).max(Self::SLACK);
        let over = self.seen == Self::WINDOW;
        if least + slack < shown || over && least > shown + slack {
            self.shown = Some(least);
        }
        self.note_recent(rtt);
        if over {
            (self.least, self.seen) = (None, 0);
        }
    }

    fn note_recent(&mut self, rtt: Duration) {
        let least = self.least_lately.map_or(rtt, |least| least.min(rtt));
        let over = self.seen.is_multiple_of(Self::SHORT);
        if over || self.recent.is_none_or(|recent| least < recent) {
            self.recent = Some(least);
        }
        self.least_lately = (!over).then_some(least);
    }

    /// What is told; `None` before the first.
    pub(super) fn shown(&self) -> Option<Duration> {
        self.shown
    }

    /// How far it is now: a path that has become longer shows within a minute and a half, a shorter one at
    /// once. `None` before the first.
    pub(super) fn recent(&self) -> Option<Duration> {
        self.recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_follows_the_path_and_not_its_noise() {
        let mut distance = Distance::default();
        let mut measure = |ms: u64| {
            distance.measure(Duration::from_millis(ms));
            distance.shown.map(|shown| shown.as_millis())
        };
        assert_eq!(measure(130), Some(130));
        assert_eq!(measure(100), Some(130), "less than a quarter");
        assert_eq!(measure(90), Some(90));
        let noise: Vec<_> = (0..200).map(|turn| measure(90 + turn * 37 % 200)).collect();
        assert!(noise.iter().all(|shown| *shown == Some(90)), "{noise:?}");
        let longer: Vec<_> = (0..200).map(|turn| measure(150 + turn * 37 % 200)).collect();
        assert!(longer.last().is_some_and(|shown| (Some(150)..Some(170)).contains(shown)));
        let changes = longer.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 1, "{longer:?}");
    }

    #[test]
    fn an_operator_sees_each_change_that_lasts() {
        let mut distance = Distance::default();
        let mut recent = |ms: u64, times| {
            (0..times).for_each(|_| distance.measure(Duration::from_millis(ms)));
            distance.recent().map(|recent| recent.as_millis())
        };
        assert_eq!(recent(6, 20), Some(6));
        assert_eq!(recent(9, 12), Some(6), "that may be noise");
        assert_eq!(recent(9, 16), Some(9));
        assert_eq!(recent(8, 1), Some(8));
        assert_eq!(recent(300, 200), Some(300));
    }
}
