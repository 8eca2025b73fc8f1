//! A selection that goes on by itself, until it has ended or is cancelled.

use std::ffi::c_void;
use std::mem::{MaybeUninit, forget};
use std::process;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::balance::tb_balance;
use crate::error::{give, guard, tb_error, tb_status};
use crate::select::select_until;
use crate::selection::tb_selection;

/// Called once with what came of a selection that was started, on a thread of the library's own: with a selection, to
/// be freed with tb_selection_free, or with an error, to be freed with tb_error_free; the other is NULL.
/// `user` is what tb_select_start was given. It must return: one that throws, jumps out (longjmp) or ends its thread
/// (pthread_exit) aborts the process or breaks it.
pub type tb_callback =
    Option<extern "C" fn(user: *mut c_void, selection: *mut tb_selection, error: *mut tb_error)>;

/// A selection that was started. It is ended, and freed, by tb_cancel.
#[derive(Debug)]
pub struct tb_task {
    /// Whose thread it has: a forked child has this in its memory, and not the thread.
    process: u32,
    /// Whether somebody has decided what becomes of the callback: who cancels, or who calls it.
    decided: Arc<AtomicBool>,
    /// Ends the selection when it is dropped.
    cancel: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// The pointer of C's that goes to its callback.
struct User(*mut c_void);

// SAFETY: it is handed on and nothing else; that it may go to another thread is said where it is taken.
unsafe impl Send for User {}

impl User {
    fn call(
        self,
        callback: extern "C" fn(*mut c_void, *mut tb_selection, *mut tb_error),
        found: Result<tb_selection, tb_error>,
    ) {
        let (mut selection, mut error) =
            (MaybeUninit::new(ptr::null_mut()), MaybeUninit::new(ptr::null_mut()));
        give(found, Some(&mut selection), Some(&mut error));
        // SAFETY: both are written where they are made.
        let (selection, error) = unsafe { (selection.assume_init(), error.assume_init()) };
        callback(self.0, selection, error);
    }
}

/// Starts to find the best TURN server on a thread of its own, and returns. `callback` gets what came of it, unless
/// tb_cancel is called before. `user` goes to the callback, on that thread.
///
/// Gives TB_OK and in `task` what every caller must end with tb_cancel, also after the callback was called; it is
/// written before the callback can be called. Or what kept it from starting, as tb_select does, and then the
/// callback is never called.
#[unsafe(no_mangle)]
pub extern "C" fn tb_select_start(
    balance: Option<&tb_balance>,
    callback: tb_callback,
    user: *mut c_void,
    task: Option<&mut MaybeUninit<*mut tb_task>>,
    error: Option<&mut MaybeUninit<*mut tb_error>>,
) -> tb_status {
    let (begin, begun) = mpsc::channel();
    let started = guard(|| match (balance, callback, &task) {
        (Some(balance), Some(callback), Some(_)) => {
            start(balance.clone(), callback, User(user), begun)
        }
        _ => Err(tb_error::new(
            tb_status::TB_INVALID_ARGUMENT,
            "the tb_balance, the callback, or where the task is to go, is NULL",
        )),
    });
    let status = give(started, task, error);
    // It waits for that, or has never started.
    let _ = begin.send(());
    status
}

fn start(
    balance: tb_balance,
    callback: extern "C" fn(*mut c_void, *mut tb_selection, *mut tb_error),
    user: User,
    begun: mpsc::Receiver<()>,
) -> Result<tb_task, tb_error> {
    let decided = Arc::new(AtomicBool::new(false));
    let (cancel, cancelled) = oneshot::channel();
    let undecided = Arc::clone(&decided);
    let run = move || {
        let _ = begun.recv();
        let found = guard(|| select_until(balance, cancelled).transpose()).transpose();
        if let Some(found) = found
            && !undecided.swap(true, Ordering::AcqRel)
        {
            user.call(callback, found);
        }
    };
    let thread =
        thread::Builder::new().name("turn-balance".to_owned()).spawn(run).map_err(|error| {
            tb_error::new(tb_status::TB_SYSTEM, &format!("the system gives no thread: {error}"))
        })?;
    Ok(tb_task { process: process::id(), decided, cancel, thread })
}

/// Ends a selection that was started, and frees its task. When it has returned the callback is not called any more,
/// and none is running: it waits for one that is. Only where it is called within that callback, which may be, it
/// does not wait. Two callbacks that each cancel the other's selection wait for each other without end.
/// NULL is nothing to cancel.
///
/// In a process that was forked it leaves what its parent has started alone: that goes on there, and its callback is
/// never called here.
#[unsafe(no_mangle)]
pub extern "C" fn tb_cancel(task: Option<Box<tb_task>>) {
    let Some(task) = task else { return };
    if task.process != process::id() {
        // Whatever is dropped of it would wake, or wait for, a thread that is the parent's.
        return forget(task);
    }
    let tb_task { decided, cancel, thread, .. } = *task;
    decided.store(true, Ordering::Release);
    drop(cancel);
    if thread.thread().id() != thread::current().id() {
        // It has caught its own panics.
        let _ = thread.join();
    }
}
