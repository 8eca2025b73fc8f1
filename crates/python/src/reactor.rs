//! The thread that moves all descents of a process. It never waits for Python: a program that computes
//! for a second, and lets no other thread in, delays no descent.

use std::io;
use std::mem::{forget, replace};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// For how long the end of the interpreter waits for threads that have been told to leave.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks whether they have.
const MOMENT: Duration = Duration::from_millis(1);

/// A fork happens while its thread has the interpreter, which whoever locks this has too: a child never
/// finds it locked by a thread that it does not have.
static STATE: Mutex<State> = Mutex::new(State::Fresh);

enum State {
    Fresh,
    Running(Reactor),
    Stopped,
}

struct Reactor {
    /// Whose it is: a forked child has it in its memory, and not its thread.
    process: u32,
    handle: Handle,
    waiting: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// The runtime of this process, which is started where there is none.
pub(crate) fn handle() -> io::Result<Handle> {
    with(|reactor| reactor.handle.clone())
}

/// A thread that waits for a descent, for as long as this lives.
pub(crate) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    pub(crate) fn begin() -> io::Result<Self> {
        let waiting = with(|reactor| reactor.waiting.clone())?;
        waiting.fetch_add(1, Ordering::SeqCst);
        Ok(Self(waiting))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes the thread out of use: no descent begins any more.
pub(crate) fn stop() -> Stopping {
    match replace(&mut *lock(), State::Stopped) {
        State::Running(reactor) if reactor.process == process::id() => Stopping(Some(reactor)),
        other => {
            forget(other);
            Stopping(None)
        }
    }
}

/// One that is to end.
pub(crate) struct Stopping(Option<Reactor>);

impl Stopping {
    /// Ends all descents, and waits until nobody here wants to have the interpreter again: a thread that
    /// wants it when it is gone is stopped in the middle of Rust. To be called without it.
    pub(crate) fn wait(self) {
        let Some(Reactor { waiting, stop, thread, .. }) = self.0 else { return };
        drop(stop);
        let _ = thread.join();
        let mut left = PATIENCE;
        while waiting.load(Ordering::SeqCst) > 0 && left > Duration::ZERO {
            thread::sleep(MOMENT);
            left = left.saturating_sub(MOMENT);
        }
    }
}

fn with<T>(take: impl FnOnce(&Reactor) -> T) -> io::Result<T> {
    let mut state = lock();
    match &*state {
        State::Running(reactor) if reactor.process == process::id() => return Ok(take(reactor)),
        State::Stopped => return Err(io::Error::other("the interpreter is about to end")),
        State::Running(_) | State::Fresh => {}
    }
    let reactor = start()?;
    let taken = take(&reactor);
    // That of the parent is left as it is: to drop it would be to tell its descents here.
    forget(replace(&mut *state, State::Running(reactor)));
    Ok(taken)
}

fn start() -> io::Result<Reactor> {
    // Results are brought to Python on another thread, which may have to wait for it: one is enough.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let run = move || drop(runtime.block_on(stopped));
    let thread = thread::Builder::new().name("turn-balance".into()).spawn(run)?;
    Ok(Reactor { process: process::id(), handle, waiting: Arc::default(), stop, thread })
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
