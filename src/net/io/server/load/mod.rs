//! How full the TURN server beside the server is: read again and again where the configuration says.

mod exposition;
mod source;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use self::source::{LoadFault, read};
use super::shared::SharedState;
use crate::config::{LoadSource, Turn};
use crate::types::{Load, escaped};

/// Between two readings: as often as clients come and go on a busy TURN server.
const PERIOD: Duration = Duration::from_secs(5);

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the last reading counts while others fail: three of them.
const STALE: Duration = Duration::from_secs(15);

/// What is read, and what that is of how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoadPlan {
    source: LoadSource,
    capacity: u32,
}

impl LoadPlan {
    /// What a configuration says; `None`: nothing.
    pub(super) fn new(turn: &Turn) -> Option<Self> {
        let (source, capacity) = turn.load.clone().zip(turn.capacity)?;
        Some(Self { source, capacity })
    }
}

/// Starts to read. Returns where to say what else is read.
pub(super) fn spawn(
    plan: Option<LoadPlan>,
    shared: &Arc<SharedState>,
) -> watch::Sender<Option<LoadPlan>> {
    let (plans, planned) = watch::channel(plan);
    shared.parts.spawn("load", keep_reading(shared.clone(), planned));
    plans
}

async fn keep_reading(shared: Arc<SharedState>, mut planned: watch::Receiver<Option<LoadPlan>>) {
    loop {
        let plan = planned.borrow_and_update().clone();
        tokio::select! {
            changed = planned.changed() => {
                if changed.is_err() {
                    return std::future::pending().await; // nobody can say anything else
                }
                // What another source would have said of late says nothing of this one.
                shared.engine().set_load(None);
                shared.engine().set_load_unknown(Instant::now(), false);
                shared.publish();
            }
            () = follow(plan, &shared) => {}
        }
    }
}

/// Reads one source for ever.
async fn follow(plan: Option<LoadPlan>, shared: &SharedState) {
    let Some(LoadPlan { source, capacity }) = plan else { return std::future::pending().await };
    let mut readings = Readings::new(Instant::now());
    loop {
        let began = Instant::now();
        let reading = timeout(PATIENCE, read(&source)).await.unwrap_or(Err(LoadFault::Late));
        let now = Instant::now();
        match reading {
            Ok(used) => {
                shared.engine().set_load(Load::new(used, capacity));
                if readings.succeed(now) {
                    shared.engine().set_load_unknown(now, false);
                    info!(source = %place(&source), "load is known again");
                }
            }
            Err(fault) if readings.fail(now) => {
                shared.engine().set_load(None);
                shared.engine().set_load_unknown(now, true);
                warn!(source = %place(&source), reason = %fault, "load is not known");
            }
            Err(_) => {}
        }
        shared.publish();
        tokio::time::sleep_until((began + PERIOD).into()).await;
    }
}

/// How the readings of one source went.
struct Readings {
    /// The last that succeeded, or the beginning.
    fresh: Instant,
    /// Whether it was told that none does.
    lost: bool,
}

impl Readings {
    fn new(now: Instant) -> Self {
        Self { fresh: now, lost: false }
    }

    /// One succeeded. Returns whether that is to be told.
    fn succeed(&mut self, now: Instant) -> bool {
        self.fresh = now;
        std::mem::take(&mut self.lost)
    }

    /// One failed. Returns whether nothing is known from now on, which is to be told.
    fn fail(&mut self, now: Instant) -> bool {
        let lost = now.saturating_duration_since(self.fresh) >= STALE;
        lost && !std::mem::replace(&mut self.lost, true)
    }
}

/// Where it is read.
fn place(source: &LoadSource) -> String {
    match source {
        LoadSource::Url { url, .. } => url.to_string(),
        LoadSource::File { file, .. } => escaped(&file.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_counts_for_fifteen_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut readings = Readings::new(start);
        assert!(!readings.succeed(at(1)));
        assert_eq!([5, 10, 15].map(|seconds| readings.fail(at(seconds))), [false; 3]);
        assert!(readings.fail(at(16)));
        assert!(!readings.fail(at(21)), "it is told once");
        assert!(readings.succeed(at(26)), "and that it is over");
        assert!(!readings.fail(at(31)));
        assert!(Readings::new(start).fail(at(15)), "nor does what was never read");
    }
}
