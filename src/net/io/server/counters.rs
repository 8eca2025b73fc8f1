use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::engine::balancer::Reason;
use crate::net::io::socket::Sent;

/// What came of all datagrams so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    answers: AtomicU64,
    unsent: AtomicU64,
    retries: AtomicU64,
    heartbeats: AtomicU64,
    receive_errors: AtomicU64,
    /// System calls of the workers.
    calls: AtomicU64,
    /// What the sockets had no room for.
    lost: AtomicU64,
    dropped: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    pub(super) fn answered(&self, Sent { answers, sent }: Sent) {
        self.answers.fetch_add(sent as u64, Ordering::Relaxed);
        self.unsent.fetch_add((answers - sent) as u64, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn heartbeat(&self) {
        self.heartbeats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn receive_error(&self) {
        self.receive_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn called(&self, calls: u32) {
        self.calls.fetch_add(calls.into(), Ordering::Relaxed);
    }

    pub(super) fn add_lost(&self, lost: u32) {
        self.lost.fetch_add(lost.into(), Ordering::Relaxed);
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self, reason: Reason) {
        self.dropped[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answers, unsent) = (load(&self.answers), load(&self.unsent));
        let (heartbeats, errors) = (load(&self.heartbeats), load(&self.receive_errors));
        write!(f, "answers {answers}, unsent {unsent}, heartbeats {heartbeats}")?;
        write!(f, ", receive-errors {errors}")?;
        write!(f, ", system-calls {}, no-room {}", load(&self.calls), load(&self.lost))?;
        match load(&self.retries) {
            0 => {}
            retries => write!(f, ", retries {retries}")?,
        }
        for reason in Reason::ALL {
            match load(&self.dropped[reason as usize]) {
                0 => {}
                count => write!(f, ", {} {count}", reason.as_str())?,
            }
        }
        Ok(())
    }
}
