//! What became known of nodes, for who lists them and who tells of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When to say that no node has answered since the start.
pub const START_GRACE: Duration = Duration::from_secs(10);

/// How long a distance or a load that has changed by as much as lists tell waits for others: after a start
/// those of thousands of nodes settle, and each list that is encoded costs as much as hundreds of
/// checks. Lesser changes are in the next list, which is encoded before a node that is not heard
/// of any more is off it.
const SETTLE: Duration = Duration::from_secs(3);

/// What an answer has changed of a node.
#[derive(Debug)]
pub(super) struct Change<E> {
    /// Whether lists show it differently.
    pub(super) listed: bool,
    /// Whether it is nearer or farther, or fuller or emptier, by as much as lists tell.
    pub(super) settles: bool,
    pub(super) event: Option<E>,
}

/// What became known since somebody looked.
#[derive(Debug)]
pub(super) struct News<E> {
    events: VecDeque<E>,
    /// When to complain of silence; `None` once any node has answered.
    grace: Option<Instant>,
    /// When distances and loads that have changed since the last revision are news.
    settle: Option<Instant>,
    revision: u64,
}

impl<E> Default for News<E> {
    fn default() -> Self {
        Self { events: VecDeque::new(), grace: None, settle: None, revision: 0 }
    }
}

impl<E> News<E> {
    /// Something must answer within the time of grace.
    pub(super) fn await_answers(&mut self, now: Instant) {
        self.grace.get_or_insert(now + START_GRACE);
    }

    /// Something has answered, or nothing is there to answer.
    pub(super) fn answered(&mut self) {
        self.grace = None;
    }

    /// Lists are another from now on.
    pub(super) fn revise(&mut self) {
        self.revision += 1;
    }

    pub(super) fn tell(&mut self, event: E) {
        self.events.push_back(event);
    }

    pub(super) fn note(&mut self, now: Instant, change: Change<E>) {
        if change.listed {
            self.revise();
        } else if change.settles {
            self.settle.get_or_insert(now + SETTLE);
        }
        self.events.extend(change.event);
    }

    /// Lets time pass. `none`: what is told where nothing has answered.
    pub(super) fn handle_timeout(&mut self, now: Instant, none: E) {
        if self.grace.take_if(|grace| *grace <= now).is_some() {
            self.tell(none);
        }
        if self.settle.take_if(|settle| *settle <= now).is_some() {
            self.revise();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [self.grace, self.settle].into_iter().flatten().min()
    }

    pub(super) fn poll_event(&mut self) -> Option<E> {
        self.events.pop_front()
    }

    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}
