//! A client that never stops asking.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use turn_balance::Balance;

use turn_balance_lab::host::Host;

/// From one descent to the next: below what one address may ask.
const INTERVAL: Duration = Duration::from_millis(200);

/// Longer than any descent of a cascade that is well.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A descent that has ended.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    /// `None`: it found nothing.
    pub(crate) turn: Option<SocketAddr>,
}

/// Descends all the time, on a thread of its own.
pub(crate) struct Prober {
    done: Arc<Mutex<Vec<Probe>>>,
    stop: Arc<AtomicBool>,
}

impl Prober {
    pub(crate) fn start(host: Arc<Host>, root: SocketAddr) -> Self {
        let prober = Self { done: Arc::default(), stop: Arc::default() };
        let (done, stop) = (prober.done.clone(), prober.stop.clone());
        thread::spawn(move || host.run(|| descend(root, &done, &stop)));
        prober
    }

    /// The descents that began in this time and ended.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Probe> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().filter(|probe| (from..to).contains(&probe.start)).copied().collect()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn descend(root: SocketAddr, done: &Arc<Mutex<Vec<Probe>>>, stop: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let balance = Balance::builder().root(root).timeout(TIMEOUT).build().await;
        let balance = balance.expect("a client");
        let mut ticks = tokio::time::interval(INTERVAL);
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let (balance, done) = (balance.clone(), done.clone());
            tokio::spawn(async move {
                let start = Instant::now();
                let turn = balance.select().await.ok().map(|found| found.turn);
                let probe = Probe { start, end: Instant::now(), turn };
                done.lock().unwrap_or_else(PoisonError::into_inner).push(probe);
            });
        }
    });
}
