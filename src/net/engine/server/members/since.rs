//! Since when a node is what it is.

use std::time::{Duration, Instant};

use crate::types::NodeCondition;

/// What it is, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    condition: NodeCondition,
    at: Instant,
}

impl Since {
    /// It has not answered yet.
    pub(super) fn new(at: Instant) -> Self {
        Self { condition: NodeCondition::Offline, at }
    }

    /// It is this now.
    pub(super) fn note(&mut self, now: Instant, condition: NodeCondition) {
        if self.condition != condition {
            (self.condition, self.at) = (condition, now);
        }
    }

    /// How long it has been so.
    pub(super) fn ago(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.at)
    }
}
