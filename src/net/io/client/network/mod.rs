//! Whether this host's network changes: another address, or another way out.

mod alarm;
#[cfg_attr(not(target_os = "linux"), path = "no_netlink.rs")]
mod netlink;
mod surroundings;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use alarm::Alarm;
use surroundings::Surroundings;

/// How long after a change the next ones belong to it: an interface that comes up has its addresses and
/// routes one after the other.
const SETTLES: Duration = Duration::from_millis(500);

/// Sees changes from when it is made on.
#[derive(Debug)]
pub(super) struct NetworkWatch {
    known: Surroundings,
    alarm: Alarm,
    /// Something has happened, and all that belongs to it will have by then.
    settled: Option<Instant>,
}

impl NetworkWatch {
    /// Must be made on a tokio runtime.
    pub(super) fn new() -> Self {
        let alarm = Alarm::new();
        Self { known: Surroundings::now(), alarm, settled: None }
    }

    /// Waits for the next change. Safe to drop and call again.
    pub(super) async fn changed(&mut self) {
        loop {
            match self.settled {
                None => {
                    self.alarm.rings().await;
                    self.settled = Some(Instant::now() + SETTLES);
                }
                Some(at) => {
                    sleep_until(at).await;
                    self.settled = None;
                    // The system tells of much that changes nothing, such as an address that stays longer.
                    let now = Surroundings::now();
                    if now != self.known {
                        self.known = now;
                        return;
                    }
                }
            }
        }
    }
}
