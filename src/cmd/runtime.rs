//! What runs a command, and what ends it early.

use std::future::Future;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::output::{CommandError, default_signals, die_of};
use super::report::Problem;

/// What ends a command that measures, with all that it has.
const SIGNALS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT];

/// The signal that came, once anybody listens.
static CAUGHT: OnceLock<watch::Receiver<Option<i32>>> = OnceLock::new();

/// What is done so soon has nothing to take back: until then nobody need listen, which takes a tenth
/// of a quick probe.
const QUICK: Duration = Duration::from_millis(100);

/// Signals so soon after the first are the same one: timeout(1) sends it to its child and to the group
/// of both.
pub(crate) const TWICE: Duration = Duration::from_millis(100);

/// How long that may take.
const GRACE: Duration = Duration::from_secs(2);

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
    let signal = async {
        if CAUGHT.get().is_none() {
            tokio::time::sleep(QUICK).await;
        }
        interrupt().await
    };
    tokio::select! {
        biased;
        done = work => done.map_err(CommandError::from),
        signal = signal => Err(CommandError::Interrupted(signal)),
    }
}

/// Waits for SIGINT, as Ctrl-C sends it, SIGTERM or SIGQUIT, and returns it. One that came since
/// [`heed_signals`] is not forgotten, whoever waited for what.
pub(crate) async fn interrupt() -> i32 {
    let mut caught = heed_signals();
    match caught.wait_for(Option::is_some).await.map(|signal| *signal) {
        Ok(Some(signal)) => signal,
        // Nobody listens, so the signal ends the process by itself.
        _ => std::future::pending().await,
    }
}

/// From now on a signal does not end the process by itself.
pub(crate) fn heed_signals() -> watch::Receiver<Option<i32>> {
    let start = || {
        let (caught, receiver) = watch::channel(None);
        let (listens, listening) = mpsc::channel();
        let work = move || listen(&caught, listens);
        if thread::Builder::new().name("tb signals".into()).spawn(work).is_ok() {
            let _ = listening.recv(); // at once, or nobody listens
        }
        receiver
    };
    CAUGHT.get_or_init(start).clone()
}

/// From now on a signal ends the process at once, but the first one may still come twice.
pub(crate) async fn end_at_the_next_signal() {
    tokio::time::sleep(TWICE).await;
    default_signals();
}

/// Listens on a thread of its own: the command's may wait for whoever reads stdout. It has a while to
/// end as it should; a second signal ends it at once.
fn listen(caught: &watch::Sender<Option<i32>>, listens: mpsc::Sender<()>) {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_io().build() else { return };
    let first = runtime.block_on(async {
        let signals = SIGNALS.map(|number| signal(SignalKind::from_raw(number)));
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut quit)] = signals else { return None };
        drop(listens);
        tokio::select! {
            _ = interrupt.recv() => Some(SIGNALS[0]),
            _ = terminate.recv() => Some(SIGNALS[1]),
            _ = quit.recv() => Some(SIGNALS[2]),
        }
    });
    if let Some(signal) = first {
        caught.send_replace(first);
        thread::sleep(TWICE);
        default_signals();
        thread::sleep(GRACE);
        die_of(signal);
    }
}
