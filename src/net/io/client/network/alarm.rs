use std::io;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::netlink;

/// How often it rings where the system tells nothing.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many messages are read in a row; the others have it ring again.
const MOST: usize = 1024;

/// Rings when something about the network may have changed.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Where the system tells of it, read as a socket of UDP is. `None`: it rings at intervals.
    socket: Option<UdpSocket>,
    /// When it rings next, where it does so at intervals.
    next: Instant,
}

impl Alarm {
    /// Must be made on a tokio runtime.
    pub(super) fn new() -> Self {
        let socket = netlink::open();
        if let Err(error) = &socket {
            debug!(%error, "the system does not tell of changes of the network");
        }
        Self { socket: socket.ok(), next: Instant::now() + INTERVAL }
    }

    /// Waits until it rings. Safe to drop and call again.
    pub(super) async fn rings(&mut self) {
        let Some(socket) = &self.socket else {
            sleep_until(self.next).await;
            self.next = Instant::now() + INTERVAL;
            return;
        };
        if let Err(error) = socket.readable().await {
            debug!(%error, "the system tells no more of changes of the network");
            self.socket = None;
            return;
        }
        // What they say is looked up. That some have found no room (ENOBUFS) is one, too.
        let end = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        let read = || socket.try_recv(&mut [0; 4096]);
        let _ = (0..MOST).any(|_| read().is_err_and(end));
    }
}
