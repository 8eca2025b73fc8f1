//! What a signal asks a server for.

use std::future::pending;
use std::time::Instant;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::manager;
use super::reload::RunningServer;
use crate::cmd::output::CommandError;
use crate::cmd::report::Problem;
use crate::cmd::runtime::TWICE;

/// The signals that a server heeds.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    reload: Signal,
    drain: Signal,
    undrain: Signal,
}

impl Signals {
    /// Heeds them from now on.
    pub(super) fn new() -> Result<Self, CommandError> {
        let cannot_listen = |error| Problem::system("cannot listen for signals", &error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(cannot_listen)?,
            terminate: signal(SignalKind::terminate()).map_err(cannot_listen)?,
            reload: signal(SignalKind::hangup()).map_err(cannot_listen)?,
            drain: signal(SignalKind::user_defined1()).map_err(cannot_listen)?,
            undrain: signal(SignalKind::user_defined2()).map_err(cannot_listen)?,
        })
    }

    /// Waits for one that asks for the end.
    pub(super) async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Does what they ask for, until the server is to end: at once where one says so, else when it has
    /// drained for so long.
    pub(super) async fn obey(&mut self, running: &mut RunningServer<'_>) {
        let (server, mut drained) = (running.server, None);
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return manager::stopping(),
                _ = self.terminate.recv() => break manager::stopping(),
                _ = self.reload.recv() => {
                    manager::reloading();
                    running.reload().await;
                    manager::ready();
                }
                _ = self.drain.recv() => {
                    drained.get_or_insert_with(Instant::now);
                    server.drain();
                }
                _ = self.undrain.recv() => {
                    drained = None;
                    server.undrain();
                }
            }
        }
        let over = drained.unwrap_or_else(Instant::now).checked_add(running.drain);
        if over.is_some_and(|over| over <= Instant::now()) {
            return;
        }
        server.drain();
        let over = async {
            match over {
                Some(over) => tokio::time::sleep_until(over.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = self.end_beyond_the_same() => {}
        }
    }

    /// Waits for one that asks for the end once more: what comes so soon is the first one again.
    async fn end_beyond_the_same(&mut self) {
        let same = Instant::now() + TWICE;
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => if Instant::now() > same { return },
            }
        }
    }
}
