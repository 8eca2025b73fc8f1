//! Which configured nodes are not online some time after the start: told once, to who can mend it.

use std::time::Instant;

use super::news::START_GRACE;
use crate::net::wire::Down;

/// How many are named: more would be a list, and one reason is mostly that of all.
const MOST_NAMED: usize = 10;

/// Those who are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absentees {
    /// The first of them, and why, as far as that is known.
    pub named: Vec<Down>,
    /// How many there are.
    pub all: usize,
}

/// When it is asked who is there.
#[derive(Debug, Default)]
pub(super) struct RollCall {
    /// `None`: there are no nodes yet, or it is over.
    at: Option<Instant>,
    begun: bool,
}

impl RollCall {
    /// There are nodes now. It is told of those of the start alone.
    pub(super) fn begin(&mut self, now: Instant) {
        if !self.begun {
            (self.at, self.begun) = (Some(now + START_GRACE), true);
        }
    }

    /// Whether it is time for it, once.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        self.at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.at
    }
}

impl Absentees {
    /// All of these; `None`: nobody is.
    pub(super) fn of(down: impl Iterator<Item = Down>) -> Option<Self> {
        let (mut named, mut all) = (Vec::new(), 0);
        for down in down {
            all += 1;
            if all <= MOST_NAMED {
                named.push(down);
            }
        }
        (all > 0).then_some(Self { named, all })
    }
}
