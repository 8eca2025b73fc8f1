use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};

use super::asking_sockets::AskingSockets;
use super::check_watch::CheckWatch;
use super::counters::Counters;
use super::joined_file::JoinedFile;
use super::log_limit::LogLimit;
use super::name_book::NameBook;
use super::part::Parts;
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::answer::Snapshot;
use crate::net::engine::server::auth::PeerMessage;
use crate::net::engine::server::incoming::LocalAddr;
use crate::net::engine::server::limit::Limiter;

/// What the workers and the control loop share.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) snapshot: ArcSwap<Snapshot>,
    engine: Mutex<ServerEngine>,
    /// Held by who encodes a snapshot: none is published after a newer one.
    encoding: Mutex<()>,
    /// What workers answer within; each takes it up from time to time.
    pub(super) limiter: ArcSwap<Limiter>,
    pub(super) asking: AskingSockets,
    pub(super) parts: Arc<Parts>,
    pub(super) counters: Counters,
    /// When it began.
    pub(super) started: Instant,
    pub(super) log_limit: LogLimit,
    pub(super) check_watch: CheckWatch,
    /// Where nodes that have joined are written to.
    pub(super) joined_file: JoinedFile,
    pub(super) name_book: NameBook,
    peer_messages: mpsc::Sender<Arrival>,
    /// The control loop has something new to look at.
    pub(super) news: Notify,
    /// A socket had no room.
    pub(super) overflow: Notify,
}

/// A peer message that came.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The listening socket that it came to.
    pub(super) listener: LocalAddr,
    pub(super) from: SocketAddr,
    pub(super) message: Box<PeerMessage>,
}

impl SharedState {
    pub(super) fn new(
        engine: ServerEngine,
        limiter: Limiter,
        peer_messages: mpsc::Sender<Arrival>,
    ) -> Self {
        Self {
            snapshot: ArcSwap::default(),
            engine: Mutex::new(engine),
            encoding: Mutex::new(()),
            limiter: ArcSwap::from_pointee(limiter),
            asking: AskingSockets::default(),
            parts: Arc::default(),
            counters: Counters::default(),
            started: Instant::now(),
            log_limit: LogLimit::default(),
            check_watch: CheckWatch::default(),
            joined_file: JoinedFile::default(),
            name_book: NameBook::default(),
            peer_messages,
            news: Notify::new(),
            overflow: Notify::new(),
        }
    }

    /// Passes a peer message to the control loop. Half of the room is kept for those that are signed:
    /// others can be forged. Returns whether there was any.
    pub(super) fn pass_on(&self, arrival: Arrival) -> bool {
        let (room, all) = (self.peer_messages.capacity(), self.peer_messages.max_capacity());
        let may = arrival.message.key().is_some() || room > all / 2;
        may && self.peer_messages.try_send(arrival).is_ok()
    }

    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, ServerEngine> {
        // A panic elsewhere leaves engine state that is still consistent enough to answer from.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what the engine was just told; the control loop does the rest of it.
    pub(super) fn publish(&self) {
        self.refresh(Instant::now());
        self.wake();
    }

    /// Publishes what is offered at this moment, if that is news. Whoever waits for the engine does
    /// not wait for the encoding.
    pub(super) fn refresh(&self, now: Instant) {
        let _alone = self.encoding.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = self.engine().poll_listing(now);
        if let Some((listing, mut rng)) = listing {
            self.snapshot.store(Arc::new(Snapshot::new(&listing, &mut rng)));
        }
    }
}
