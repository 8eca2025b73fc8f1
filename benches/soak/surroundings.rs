//! What comes from outside: signals, and a machine that has something else to do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::history::History;

/// How often it is felt whether time goes on.
const BEAT: Duration = Duration::from_millis(50);

/// What is late by less is nothing.
const LATE: Duration = Duration::from_millis(250);

/// Becomes true when Ctrl-C is pressed, or this process is asked to end.
pub(crate) fn hear_of_signals() -> io::Result<Arc<AtomicBool>> {
    let heard = Arc::new(AtomicBool::new(false));
    let hears = heard.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
        });
        eprintln!("interrupted: all of it ends now");
        hears.store(true, Ordering::Relaxed);
    });
    Ok(heard)
}

/// Writes down when this process did not run though it should, until it is over.
pub(crate) fn feel_stalls(history: &History, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let due = Instant::now() + BEAT;
        thread::sleep(BEAT);
        if due.elapsed() > LATE {
            history.lock().stalled.add(due, Instant::now());
        }
    }
}
