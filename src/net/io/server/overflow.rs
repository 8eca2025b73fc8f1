//! What the sockets had no room for, and the log.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::shared::SharedState;

/// The least time between two lines of the log: whoever floods a server must not flood its log.
const SPACING: Duration = Duration::from_secs(1);

/// Tells the log, for ever.
pub(super) async fn tell(shared: Arc<SharedState>) {
    let mut logged = 0;
    loop {
        tokio::select! {
            () = shared.overflow.notified() => {}
            () = shared.log_limit.full() => {}
        }
        let lost = shared.counters.lost();
        if lost > logged {
            warn!(datagrams = lost - logged, "the receive buffer was full, datagrams were dropped");
            logged = lost;
        }
        tokio::time::sleep(SPACING).await;
        // Only now: one line tells of all that were left out in this second.
        let left_out = shared.log_limit.take_left_out();
        if left_out > 0 {
            debug!(left_out, "more came than the log may show");
        }
    }
}
