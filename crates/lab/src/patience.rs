//! How tests wait for what is bound to come.

use std::thread;
use std::time::{Duration, Instant};

/// For what is bound to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks: rarely enough for who counts how often an address asks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    until_some(what, || is_so().then_some(()));
}

/// Waits until there is something.
pub fn until_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(PAUSE);
    }
}
