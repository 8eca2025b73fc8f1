//! Who looks at the server, and how many look at what he sees.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use super::board::Board;
use crate::net::io::server::Watcher;
use crate::types::{Status, Topology};

/// How often the server is looked at while somebody sees it, so that a page shows in time what happens; and
/// else, so that nothing is missed which lasts as long as a node must be silent to be offline.
const SEEN: Duration = Duration::from_secs(1);
const UNSEEN: Duration = Duration::from_secs(5);

/// However many come, it is looked at ten times a second.
const LEAST: Duration = Duration::from_millis(100);

/// How many streams there may be: each holds a connection, and at most two events that nobody reads.
const MOST_STREAMS: usize = 16;

/// What is seen of a server, for streams.
pub(in crate::net::http::admin) struct LiveRoom {
    /// `None`: the server had ended before it was seen.
    boards: Option<watch::Receiver<Arc<Board>>>,
    called: Arc<Notify>,
    streams: Arc<Semaphore>,
}

impl LiveRoom {
    /// Begins to look at a server; a task does, until it has ended.
    pub(in crate::net::http::admin) fn open(watcher: Watcher) -> Self {
        let called = Arc::new(Notify::new());
        let first = look(&watcher, Board::new);
        let boards = first.map(|first| {
            let (sender, boards) = watch::channel(Arc::new(first));
            tokio::spawn(keep_looking(watcher, sender, called.clone()));
            boards
        });
        Self { boards, called, streams: Arc::new(Semaphore::new(MOST_STREAMS)) }
    }

    /// Lets a stream begin, until the permit is dropped; `None`: there are as many as may be.
    pub(super) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }

    /// What is seen, as it changes; `None`: the server has ended.
    pub(super) fn boards(&self) -> Option<watch::Receiver<Arc<Board>>> {
        let boards = self.boards.clone().filter(|boards| boards.has_changed().is_ok());
        self.called.notify_one();
        boards
    }
}

async fn keep_looking(watcher: Watcher, boards: watch::Sender<Arc<Board>>, called: Arc<Notify>) {
    loop {
        sleep(LEAST).await;
        // One receiver is the room's own.
        let pause = if boards.receiver_count() > 1 { SEEN } else { UNSEEN };
        tokio::select! {
            () = sleep(pause.saturating_sub(LEAST)) => {}
            () = called.notified() => {}
        }
        let before = boards.borrow().clone();
        let next = look(&watcher, |status, topology| before.next(status, topology));
        let Some(next) = next else { return };
        let is_new = !next.is_like(&before);
        boards.send_if_modified(|board| {
            *board = Arc::new(next);
            is_new
        });
    }
}

/// What a server shows now; `None`: it has ended.
fn look(watcher: &Watcher, show: impl FnOnce(&Status, &Topology) -> Board) -> Option<Board> {
    Some(show(&watcher.status()?, &watcher.topology()?))
}
