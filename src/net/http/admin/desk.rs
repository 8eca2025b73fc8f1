//! What all who answer share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use super::live::LiveRoom;
use super::probe_room::ProbeRoom;
use crate::net::http::problem::HttpProblem;
use crate::net::io::server::Watcher;
use crate::types::Status;

/// For how long a status is taken for the one of now: however many ask, the server is asked ten times a
/// second.
const FRESH: Duration = Duration::from_millis(100);

/// What the server was doing, and when.
type LatestStatus = (Instant, Arc<Status>);

/// A handle of it.
#[derive(Clone)]
pub(super) struct AdminDesk {
    pub(super) watcher: Watcher,
    pub(super) probes: Arc<ProbeRoom>,
    /// The same for servers that are asked for their lists.
    pub(super) questions: Arc<ProbeRoom>,
    pub(super) live: Arc<LiveRoom>,
    latest: Arc<Mutex<Option<LatestStatus>>>,
}

impl AdminDesk {
    /// One that sees this server, from a task of this runtime too.
    pub(super) fn new(watcher: Watcher) -> Self {
        let live = Arc::new(LiveRoom::open(watcher.clone()));
        Self {
            watcher,
            probes: Arc::default(),
            questions: Arc::default(),
            live,
            latest: Arc::default(),
        }
    }

    /// What the server is doing.
    pub(super) fn status(&self) -> Result<Arc<Status>, HttpProblem> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, status)) = &*latest
            && at.elapsed() < FRESH
        {
            return Ok(status.clone());
        }
        let status = Arc::new(self.watcher.status().ok_or_else(ended)?);
        *latest = Some((Instant::now(), status.clone()));
        Ok(status)
    }

    /// Has the server ask not to be chosen any more, or takes that back.
    pub(super) fn drain(&self, drain: bool) -> Result<Arc<Status>, HttpProblem> {
        if !self.watcher.drain(drain) {
            return Err(ended());
        }
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.status()
    }
}

/// There is no server any more.
pub(super) fn ended() -> HttpProblem {
    HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "the balance server has ended")
}
