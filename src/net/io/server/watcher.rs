//! Who looks at a server from beside it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::shared::SharedState;
use crate::types::{Status, Topology};

/// Sees what a server is doing, and may drain it, without keeping it.
///
/// It asks for the engine as the control loop does: the workers answer without that.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    shared: Weak<SharedState>,
}

impl Watcher {
    /// Of the server that has this.
    pub(super) fn new(shared: &Arc<SharedState>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }

    /// What it is doing; `None`: it has ended.
    pub(crate) fn status(&self) -> Option<Status> {
        self.shared.upgrade().map(|shared| status(&shared))
    }

    /// Who stands where.
    pub(crate) fn topology(&self) -> Option<Topology> {
        Some(self.shared.upgrade()?.engine().topology(Instant::now()))
    }

    /// Whether every part of it works.
    pub(crate) fn is_whole(&self) -> bool {
        self.shared.upgrade().is_some_and(|shared| shared.parts.are_whole())
    }

    /// Has it ask not to be chosen any more, or takes that back. Returns whether it is still there.
    pub(crate) fn drain(&self, drain: bool) -> bool {
        self.shared.upgrade().map(|shared| set_draining(&shared, drain)).is_some()
    }
}

/// What a server is doing.
pub(super) fn status(shared: &SharedState) -> Status {
    let now = Instant::now();
    let mut status = shared.engine().status(now);
    status.version = env!("CARGO_PKG_VERSION");
    status.uptime = now.saturating_duration_since(shared.started);
    status.counts = shared.counters.told();
    status.names = shared.name_book.statuses();
    status.troubles.extend(shared.name_book.troubles(now));
    status
}

/// Drains one, or takes that back.
pub(super) fn set_draining(shared: &SharedState, drain: bool) {
    let mut engine = shared.engine();
    if drain {
        engine.drain();
    } else {
        engine.undrain();
    }
    drop(engine);
    shared.publish();
}
