//! Which configured nodes are not online: told some time after the start, and then rarely, to who can mend
//! it.

use std::time::{Duration, Instant};

use super::news::START_GRACE;
use super::reason::Absentee;
use super::trouble::REMIND;

/// How many are named: more would be a list, and one reason is mostly that of all.
const MOST_NAMED: usize = 10;

/// How often it is looked whether those are online that were told of.
const LOOK: Duration = Duration::from_secs(10);

/// Those who are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absentees {
    /// The first of them, and why, as far as that is known.
    pub named: Vec<Absentee>,
    /// How many there are.
    pub all: usize,
    /// Since the start, or since nodes were added.
    pub since: Duration,
}

/// When it is asked who is there.
#[derive(Debug, Default)]
pub(super) struct RollCall {
    /// `None`: there are no nodes yet, or all were there.
    at: Option<Instant>,
    since: Option<Instant>,
    /// When it is told again that some are missing; `None`: it was not told.
    again: Option<Instant>,
}

/// What a roll call has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attendance {
    Missing(Absentees),
    /// All are there, after some were missing.
    Complete,
}

impl RollCall {
    /// There are nodes now. It is asked after those of the start alone.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.since.is_none() {
            (self.at, self.since) = (Some(now + START_GRACE), Some(now));
        }
    }

    /// Asks, if it is time for it.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        absent: impl Iterator<Item = Absentee>,
    ) -> Option<Attendance> {
        self.at.take_if(|at| *at <= now)?;
        let since = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let Some(absentees) = Absentees::of(absent, since) else {
            return self.again.take().map(|_| Attendance::Complete);
        };
        self.at = Some(now + LOOK);
        if self.again.is_some_and(|again| again > now) {
            return None;
        }
        self.again = Some(now + REMIND);
        Some(Attendance::Missing(absentees))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.at
    }
}

impl Absentees {
    /// All of these; `None`: nobody is.
    fn of(absent: impl Iterator<Item = Absentee>, since: Duration) -> Option<Self> {
        let (mut named, mut all) = (Vec::new(), 0);
        for absentee in absent {
            all += 1;
            if all <= MOST_NAMED {
                named.push(absentee);
            }
        }
        (all > 0).then_some(Self { named, all, since })
    }
}
