//! What runs a command, and what ends it early.

use std::future::Future;

use tokio::runtime;

use super::output::CommandError;
use super::report::Problem;

/// Runs a command on this thread.
pub(crate) fn block_on<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::system("cannot start", &error))?;
    runtime.block_on(work)
}

/// Does the work unless Ctrl-C comes first.
pub(crate) async fn interruptible<T>(
    work: impl Future<Output = Result<T, turn_balance::Error>>,
) -> Result<T, CommandError> {
    tokio::select! {
        biased;
        done = work => done.map_err(CommandError::from),
        () = interrupt() => Err(CommandError::Interrupted),
    }
}

/// Waits for Ctrl-C.
pub(crate) async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody listens, so the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
}
