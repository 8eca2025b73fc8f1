//! What runs a command, and what ends it early.

use std::future::Future;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::CommandError;
use super::report::Problem;

/// Runs a command on this thread: no other is started.
pub(crate) fn block_on<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::system("cannot start", &error))?;
    let done = runtime.block_on(work);
    // A name lookup that hangs must not keep the process.
    runtime.shutdown_background();
    done
}

/// Ctrl-C, listened for from here to the end of the command: none gets lost between two waits.
#[derive(Debug)]
pub(crate) struct Interrupt(Option<Signal>);

impl Interrupt {
    /// Begins to listen. Must be called on a runtime.
    pub(crate) fn listen() -> Self {
        Self(signal(SignalKind::interrupt()).ok())
    }

    /// Waits for the next. Safe to drop and call again.
    pub(crate) async fn wait(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            // Nobody listens, so the signal ends the process by itself.
            None => std::future::pending().await,
        }
    }

    /// Does the work unless Ctrl-C comes first.
    pub(crate) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, turn_balance::Error>>,
    ) -> Result<T, CommandError> {
        tokio::select! {
            biased;
            done = work => done.map_err(CommandError::from),
            () = self.wait() => Err(CommandError::Interrupted),
        }
    }
}
