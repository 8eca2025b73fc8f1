//! Where the file stands, and what it holds.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{disk, text};
use crate::net::engine::server::members::JoinedNode;
use crate::types::escaped;

/// After which it is tried again, where it could not be written.
const RETRY: Duration = Duration::from_secs(10);

/// It.
#[derive(Debug, Default)]
pub(in crate::net::io::server) struct JoinedFile {
    path: ArcSwapOption<PathBuf>,
    /// It stands elsewhere.
    pub(super) moved: Notify,
    /// Held by who writes it.
    saved: Mutex<Saved>,
}

/// What was written last.
#[derive(Debug, Default)]
struct Saved {
    /// Where, and the number of which nodes.
    what: Option<(Arc<PathBuf>, u64)>,
    /// Where and when it failed last, and has not been written since.
    failed: Option<(Arc<PathBuf>, Instant)>,
}

impl JoinedFile {
    /// It stands there from now on; `None`: there is none.
    pub(in crate::net::io::server) fn set_path(&self, path: Option<PathBuf>) {
        if self.path.load().as_deref() != path.as_ref() {
            self.path.store(path.map(Arc::new));
            self.moved.notify_one();
        }
    }

    /// Where it stands.
    pub(super) fn path(&self) -> Option<Arc<PathBuf>> {
        self.path.load_full()
    }

    /// Writes it, if it does not hold what there is: `joined` says so, unless that has this number. It may take
    /// as long as the disk does.
    pub(super) fn save(&self, joined: impl FnOnce(Option<u64>) -> Option<(u64, Vec<JoinedNode>)>) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = self.path() else { return };
        let known = saved.what.as_ref().filter(|(file, _)| *file == path);
        let Some((number, nodes)) = joined(known.map(|(_, number)| *number)) else { return };
        let file = escaped(&path.to_string_lossy());
        match disk::replace(&path, &text::write(&nodes)) {
            Ok(()) => {
                saved.what = Some((path, number));
                if saved.failed.take().is_some() {
                    info!(%file, "the file of joined nodes is written again");
                }
            }
            Err(error) => {
                saved.what = None;
                if saved.failed.replace((path, Instant::now())).is_none() {
                    warn!(
                        %file,
                        %error,
                        "cannot write the file of joined nodes: after a restart they are known only by \
                         their heartbeats"
                    );
                }
            }
        }
    }

    /// Whether it is to be tried now, if it failed there before.
    pub(super) fn is_due(&self) -> bool {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path();
        let failed = saved.failed.as_ref().filter(|(failed, _)| path.as_ref() == Some(failed));
        failed.is_none_or(|(_, at)| at.elapsed() >= RETRY)
    }
}
