//! What the sockets had no room for.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::warn;

use super::Shared;

/// The least time between two lines of the log: whoever floods a server must not flood its log.
const SPACING: Duration = Duration::from_secs(1);

/// Starts the task that tells the log.
pub(super) fn spawn(shared: &Arc<Shared>) -> JoinHandle<()> {
    tokio::spawn(tell(shared.clone()))
}

async fn tell(shared: Arc<Shared>) {
    let mut told = 0;
    loop {
        shared.overflow.notified().await;
        let lost = shared.counters.lost();
        warn!(datagrams = lost - told, "the receive buffer was full, datagrams were dropped");
        told = lost;
        tokio::time::sleep(SPACING).await;
    }
}
