//! When datagrams came: not when they were read, for a process that was stopped reads late.

use std::time::{Duration, Instant, SystemTime};

/// How much more than the other one clock may have gone on while both were read. They are slewed
/// together, so whatever is more is a step: somebody has set the clock on the wall, or the machine slept.
const STEP: Duration = Duration::from_millis(1);

/// A moment by both clocks: by that on the wall, which the system stamps datagrams with, and by the one
/// that nobody can set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wall: SystemTime,
    pub(crate) here: Instant,
}

/// When a datagram came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// At this moment.
    At(Instant),
    /// When it was read, or before: nobody knows.
    By(Instant),
}

/// The datagrams of one socket, which are read in the order in which they come.
#[derive(Debug)]
pub(crate) struct Arrivals {
    last: Moment,
    /// What is read next came no sooner.
    floor: Instant,
}

impl Moment {
    pub(crate) fn now() -> Self {
        // In this order, so that a pause between them makes nothing come too soon.
        Self { wall: SystemTime::now(), here: Instant::now() }
    }

    /// Whether one of the clocks was set since an earlier moment.
    fn has_stepped(self, before: Self) -> bool {
        let here = self.here.saturating_duration_since(before.here);
        let wall = self.wall.duration_since(before.wall);
        wall.map_or(true, |wall| wall.abs_diff(here) > STEP)
    }
}

impl Came {
    /// The moment that is reckoned with.
    pub(crate) fn moment(self) -> Instant {
        match self {
            Self::At(at) | Self::By(at) => at,
        }
    }

    /// Whether it is known to have come after a moment.
    pub(crate) fn is_after(self, moment: Instant) -> bool {
        matches!(self, Self::At(at) if at > moment)
    }
}

impl Arrivals {
    /// Of a socket that was opened before.
    pub(crate) fn new(now: Moment) -> Self {
        Self { last: now, floor: now.here }
    }

    /// Nothing that came before this moment is left.
    pub(crate) fn note_empty(&mut self, now: Moment) {
        self.last = now;
        self.floor = self.floor.max(now.here);
    }

    /// When a datagram came that has just been read, and that the system has stamped so.
    pub(crate) fn came(&mut self, now: Moment, stamp: Option<SystemTime>) -> Came {
        let stepped = now.has_stepped(self.last);
        self.last = now;
        let Some(stamp) = stamp.filter(|_| !stepped) else {
            self.floor = now.here;
            return Came::By(now.here);
        };
        let age = now.wall.duration_since(stamp).unwrap_or_default();
        let at = now.here.checked_sub(age).map_or(self.floor, |at| at.max(self.floor));
        self.floor = at;
        Came::At(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A socket that was opened at this moment, and moments that many milliseconds later.
    fn start() -> (Arrivals, impl Fn(u32) -> Moment) {
        let start = Moment::now();
        let later = move |ms| Moment { wall: start.wall + MS * ms, here: start.here + MS * ms };
        (Arrivals::new(start), later)
    }

    #[test]
    fn a_pause_before_it_is_read_does_not_make_it_late() {
        let (mut arrivals, at) = start();
        for (stamp, read) in [(150, 3000), (151, 3000), (3001, 3002)] {
            let came = arrivals.came(at(read), Some(at(stamp).wall));
            assert_eq!(came, Came::At(at(stamp).here));
            assert!(came.is_after(at(stamp - 1).here) && !came.is_after(at(stamp).here));
        }
    }

    #[test]
    fn none_comes_before_what_was_read_before_or_after_it_is_read() {
        let (mut arrivals, at) = start();
        arrivals.note_empty(at(100));
        // The system may stamp one some moments before it can be read.
        assert_eq!(arrivals.came(at(200), Some(at(99).wall)), Came::At(at(100).here));
        assert_eq!(arrivals.came(at(200), Some(at(150).wall)), Came::At(at(150).here));
        assert_eq!(arrivals.came(at(200), Some(at(149).wall)), Came::At(at(150).here));
        assert_eq!(arrivals.came(at(200), Some(at(201).wall)), Came::At(at(200).here));
    }

    #[test]
    fn a_clock_that_was_set_or_a_system_that_tells_nothing_is_not_believed() {
        let (mut arrivals, at) = start();
        assert_eq!(arrivals.came(at(1), None), Came::By(at(1).here));
        let hour = Duration::from_secs(3600);
        let forth = |ms| Moment { wall: at(ms).wall + hour, ..at(ms) };
        // Both came before the clock was set.
        for (stamp, came) in [(2, Came::By(at(9).here)), (3, Came::At(at(9).here))] {
            assert_eq!(arrivals.came(forth(9), Some(at(stamp).wall)), came);
        }
        assert_eq!(arrivals.came(forth(20), Some(forth(19).wall)), Came::At(at(19).here));
        // And it is set back.
        assert_eq!(arrivals.came(at(30), Some(forth(25).wall)), Came::By(at(30).here));
        assert_eq!(arrivals.came(at(31), Some(forth(26).wall)), Came::At(at(31).here));
        assert_eq!(arrivals.came(at(40), Some(at(35).wall)), Came::At(at(35).here));
        assert!(!Came::By(at(40).here).is_after(at(1).here));
    }
}
