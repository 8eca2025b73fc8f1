//! The thread that moves all descents of a process. It never waits for Python: a program that computes
//! for a second, and lets no other thread in, delays no descent.

use std::io;
use std::mem::{forget, replace};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

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
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// The runtime of this process, which is started where there is none.
pub(crate) fn handle() -> io::Result<Handle> {
    let mut state = lock();
    match &*state {
        State::Running(reactor) if reactor.process == process::id() => {
            return Ok(reactor.handle.clone());
        }
        State::Stopped => return Err(io::Error::other("the interpreter is about to end")),
        State::Running(_) | State::Fresh => {}
    }
    let reactor = start()?;
    let handle = reactor.handle.clone();
    // That of the parent is left as it is: to drop it would be to tell its descents here.
    forget(replace(&mut *state, State::Running(reactor)));
    Ok(handle)
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
    /// Ends all descents, and waits until no thread of the library can have the interpreter: one that gives it
    /// back while it ends is a fatal error of Python. To be called without it.
    pub(crate) fn wait(self) {
        if let Some(Reactor { stop, thread, .. }) = self.0 {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn start() -> io::Result<Reactor> {
    // Results are brought to Python on another thread, which may have to wait for it: one is enough.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let run = move || drop(runtime.block_on(stopped));
    let thread = thread::Builder::new().name("turn-balance".into()).spawn(run)?;
    Ok(Reactor { process: process::id(), handle, stop, thread })
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
