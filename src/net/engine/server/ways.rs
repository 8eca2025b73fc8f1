//! Which way requests leave.
//!
//! A NAT or firewall on the path binds the port that they leave from to what it has done with the first of
//! them, and keeps that up as long as more come: also when what stands behind it is another machine by
//! now, or only came up later. From another port everything begins anew.

use std::time::{Duration, Instant};

/// How many requests in a row may stay without an answer until the next leaves another way: a round and
/// a half of checks, 7.5 s, which no mere burst of loss outlasts. What a node has offered is good for 12 s
/// after its last answer, which came up to 3 s before the first of these: it stays online.
const UNANSWERED: u32 = 8;

/// The least time from one new way to the next, for whoever is silent for good: as many as there are, they
/// move together.
const ANEW: Duration = Duration::from_secs(9);

/// A way: those that leave the same way, and no others, leave from the same port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Way(u32);

impl Way {
    /// That of all who have always answered.
    pub const FIRST: Self = Self(0);

    /// One that nobody has taken before.
    pub(super) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The ways of the checks of all nodes.
#[derive(Debug, Default)]
pub(super) struct Ways {
    newest: Way,
    opened: Option<Instant>,
}

impl Ways {
    /// Another way for whom one has led to nothing: the newest, if that is not the one.
    fn after(&mut self, now: Instant, tried: Way) -> Way {
        let may = self.opened.is_none_or(|opened| opened + ANEW <= now);
        if tried == self.newest && may {
            self.newest = self.newest.next();
            self.opened = Some(now);
        }
        self.newest
    }
}

/// How one place is asked.
#[derive(Debug, Default)]
pub(super) struct Route {
    way: Way,
    /// How many requests in a row have had no answer this way.
    unanswered: u32,
    /// Whether it is another than that of the last answer.
    moved: bool,
}

impl Route {
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// Another request is sent. Returns whether it is the first that leaves another way than the last answer
    /// came by.
    pub(super) fn ask(&mut self, now: Instant, ways: &mut Ways) -> bool {
        let mut first = false;
        if self.unanswered >= UNANSWERED && self.leave(now, ways) {
            first = !std::mem::replace(&mut self.moved, true);
        }
        self.unanswered = self.unanswered.saturating_add(1);
        first
    }

    /// The next request leaves another way, if there is one. Returns whether there is.
    pub(super) fn leave(&mut self, now: Instant, ways: &mut Ways) -> bool {
        let way = ways.after(now, self.way);
        let moves = way != self.way;
        if moves {
            (self.way, self.unanswered) = (way, 0);
        }
        moves
    }

    /// An answer came: the way is good.
    pub(super) fn answered(&mut self) {
        (self.unanswered, self.moved) = (0, false);
    }
}
