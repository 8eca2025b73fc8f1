//! What runs a command, and what ends it early.

use std::future::Future;
use std::sync::LazyLock;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

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

/// Does the work unless a signal asks for an end first.
pub(crate) async fn interruptible<T>(
    work: impl Future<Output = Result<T, turn_balance::Error>>,
) -> Result<T, CommandError> {
    tokio::select! {
        biased;
        done = work => done.map_err(CommandError::from),
        signal = interrupt() => Err(CommandError::Interrupted(signal)),
    }
}

/// Waits for SIGINT, as Ctrl-C sends it, SIGTERM or SIGQUIT, and returns it. One that came since the
/// first call is not forgotten, whoever waited for what.
pub(crate) async fn interrupt() -> i32 {
    static CAUGHT: LazyLock<watch::Receiver<Option<i32>>> = LazyLock::new(|| {
        let (caught, receiver) = watch::channel(None);
        for number in [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT] {
            // Where nobody can listen, the signal ends the process by itself.
            if let Ok(mut signals) = signal(SignalKind::from_raw(number)) {
                let caught = caught.clone();
                tokio::spawn(async move {
                    signals.recv().await;
                    caught.send_replace(Some(number));
                });
            }
        }
        receiver
    });
    let mut caught = CAUGHT.clone();
    match caught.wait_for(Option::is_some).await.map(|signal| *signal) {
        Ok(Some(signal)) => signal,
        _ => std::future::pending().await,
    }
}
