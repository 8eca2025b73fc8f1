//! How many probes may go on at once.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Each sends a hundred datagrams or two.
const AT_ONCE: usize = 4;

/// Lets probes begin.
pub(super) struct ProbeRoom(Semaphore);

impl Default for ProbeRoom {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl ProbeRoom {
    /// Lets one begin, until this is dropped; `None`: as many go on as may.
    pub(super) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once() {
        let room = ProbeRoom::default();
        let mut inside: Vec<_> = (0..AT_ONCE).filter_map(|_| room.enter()).collect();
        assert!(inside.len() == AT_ONCE && room.enter().is_none());
        inside.pop();
        assert!(room.enter().is_some());
    }
}
