//! What a server cannot go on without, and who hears that it has ended.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use crate::error::Error;

/// A part that ends only when the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What answers at an address.
    Worker(SocketAddr),
    /// What waits; it is called that in errors.
    Task(&'static str),
}

impl From<Part> for Error {
    fn from(part: Part) -> Self {
        match part {
            Part::Worker(addr) => Self::Worker { addr },
            Part::Task(task) => Self::Task { task },
        }
    }
}

/// All parts of a server: whether they are to stop, and which has done so before.
#[derive(Debug, Default)]
pub(super) struct Parts {
    stopping: AtomicBool,
    stop: Notify,
    /// The first one that ended where it must not.
    failed: watch::Sender<Option<Part>>,
}

impl Parts {
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.stop.notify_one();
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until they are to stop.
    pub(super) async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// Whether none has ended where it must not.
    pub(super) fn are_whole(&self) -> bool {
        self.failed.borrow().is_none()
    }

    /// Waits until one ends where it must not.
    pub(super) async fn failed(&self) -> Part {
        let mut failed = self.failed.subscribe();
        loop {
            if let Some(part) = *failed.borrow_and_update() {
                return part;
            }
            // Its sender is here, and does not go.
            let _ = failed.changed().await;
        }
    }

    /// What tells of a part's end when it is dropped.
    pub(super) fn watch(self: &Arc<Self>, part: Part) -> Watched {
        Watched { part, parts: self.clone() }
    }

    /// Starts a task.
    pub(super) fn spawn(
        self: &Arc<Self>,
        task: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let watched = self.watch(Part::Task(task));
        tokio::spawn(async move {
            let _watched = watched;
            work.await;
        });
    }
}

/// Tells that a part has ended, however it has: returned, panicked, or aborted before it began.
pub(super) struct Watched {
    part: Part,
    parts: Arc<Parts>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Self { part, parts } = self;
        if !parts.stopping() {
            parts
                .failed
                .send_if_modified(|failed| failed.is_none() && failed.replace(*part).is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_task_that_panics_returns_or_is_aborted_is_told_by_its_name() {
        let parts = Arc::new(Parts::default());
        runtime().block_on(async {
            parts.spawn("one that panics", async { panic!("as it is told to") });
            assert_eq!(parts.failed().await, Part::Task("one that panics"));
        });
        let parts = Arc::new(Parts::default());
        runtime().block_on(async {
            parts.spawn("one that returns", async {});
            assert_eq!(parts.failed().await, Part::Task("one that returns"));
        });
        for polled in [false, true] {
            let (parts, runtime) = (Arc::new(Parts::default()), runtime());
            runtime.block_on(async {
                parts.spawn("one that waits", pending());
                if polled {
                    tokio::task::yield_now().await;
                }
            });
            drop(runtime);
            let failed = self::runtime().block_on(parts.failed());
            assert_eq!(failed, Part::Task("one that waits"));
        }
    }

    #[test]
    fn the_first_end_is_told_as_often_as_it_is_asked_for_and_no_end_of_what_was_stopped() {
        let parts = Arc::new(Parts::default());
        drop(parts.watch(Part::Task("first")));
        drop(parts.watch(Part::Task("second")));
        for _ in 0..2 {
            assert_eq!(runtime().block_on(parts.failed()), Part::Task("first"));
        }
        let stopped = Arc::new(Parts::default());
        stopped.stop();
        drop(stopped.watch(Part::Task("stopped")));
        let told = async {
            tokio::select! {
                biased;
                _ = stopped.failed() => true,
                () = async {} => false,
            }
        };
        assert!(!runtime().block_on(told));
    }
}
