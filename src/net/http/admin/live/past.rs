//! How far a node was within the last hour.

use std::collections::VecDeque;

use serde::Serialize;

/// An hour of minutes.
const POINTS: usize = 60;

/// The round-trip time at the end of each minute in milliseconds, the last one last; `None`: not known then.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Past(VecDeque<Option<f32>>);

impl Past {
    /// Adds what was so at the end of the last of so many minutes, of which nothing more is known.
    pub(super) fn note(&mut self, minutes: u64, rtt_ms: Option<f64>) {
        for _ in 1..minutes.min(POINTS as u64) {
            self.push(None);
        }
        self.push(rtt_ms.map(|ms| ms as f32));
    }

    fn push(&mut self, point: Option<f32>) {
        if self.0.len() == POINTS {
            self.0.pop_front();
        }
        self.0.push_back(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_kept() {
        let mut past = Past::default();
        past.note(1, Some(11.8));
        past.note(3, Some(12.0));
        past.note(1, None);
        assert_eq!(serde_json::to_string(&past).unwrap(), "[11.8,null,null,12.0,null]");
        (0..60).for_each(|_| past.note(1, Some(7.0)));
        assert_eq!(past.0, [Some(7.0); POINTS]);
        past.note(u64::MAX, Some(8.0));
        assert_eq!(past.0.len(), POINTS);
        assert_eq!((past.0[0], past.0[POINTS - 1]), (None, Some(8.0)));
    }
}
