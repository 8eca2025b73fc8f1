//! When a descent is due: every five minutes, and sooner where something has happened, but never again
//! and again.

use std::time::{Duration, Instant};

use crate::net::engine::{Rng, jitter};

/// How long after the last one all is looked at again where nothing happens.
const REGULARLY: Duration = Duration::from_secs(300);

/// Between two that are made in a hurry: at first, and at most. It doubles from one to the next.
const FIRST_GAP: Duration = Duration::from_secs(1);
const LONGEST_GAP: Duration = Duration::from_secs(60);

/// What is due.
#[derive(Debug)]
pub(super) struct Hurry {
    /// `None`: one is on its way.
    regular: Option<Instant>,
    /// Something has happened.
    wanted: Option<Instant>,
    /// Before that none may begin.
    not_before: Instant,
    /// How many in a row were made in a hurry.
    hurried: u32,
}

impl Hurry {
    /// The first is due at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { regular: Some(now), wanted: None, not_before: now, hurried: 0 }
    }

    /// Something has happened: one is wanted then. Where one is on its way, that is it.
    pub(super) fn want(&mut self, at: Instant) {
        if self.regular.is_some() {
            self.want_anew(at);
        }
    }

    /// Something has happened that makes the one on its way worthless, too.
    pub(super) fn want_anew(&mut self, at: Instant) {
        self.wanted = Some(self.wanted.map_or(at, |wanted| wanted.min(at)));
    }

    /// Whether one is to begin now.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let hurried = self.wanted_at().is_some_and(|at| at <= now);
        if !hurried && self.regular.is_none_or(|at| at > now) {
            return false;
        }
        self.hurried = if hurried { self.hurried + 1 } else { 0 };
        (self.regular, self.wanted) = (None, None);
        self.not_before = now + gap(self.hurried);
        true
    }

    /// The one on its way has ended.
    pub(super) fn end(&mut self, now: Instant, rng: &mut Rng) {
        self.regular = Some(now + jitter(REGULARLY, rng));
        self.not_before = now + gap(self.hurried);
    }

    /// When to ask again whether one is to begin; `None`: not before the one on its way has ended.
    pub(super) fn due(&self) -> Option<Instant> {
        self.regular.into_iter().chain(self.wanted_at()).min()
    }

    fn wanted_at(&self) -> Option<Instant> {
        self.wanted.map(|at| at.max(self.not_before))
    }
}

/// How long none follows the last of so many in a row.
fn gap(hurried: u32) -> Duration {
    planted!(WatchHurries => Duration::ZERO);
    LONGEST_GAP.min(FIRST_GAP * 2_u32.pow(hurried.saturating_sub(1).min(6)))
}
