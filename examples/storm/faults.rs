//! Whether the net catches fish: each fault is planted, and storms are run until one finds it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use turn_balance::net::fault::{self, Fault};

use crate::storm;

/// Plants a fault in this thread.
pub(crate) fn plant(name: &str) {
    let named = |fault: &Fault| format!("{fault:?}") == name;
    fault::plant(Fault::ALL.into_iter().find(named));
}

/// Plants each fault, and prints what found it. Returns whether all were found.
pub(crate) fn all_are_found(seeds: u64) -> bool {
    println!("{:<22} {:>6}  found by", "fault", "seed");
    let next = AtomicU64::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(fault) =
            Fault::ALL.get(next.fetch_add(1, Ordering::Relaxed) as usize).copied()
        {
            let first = (0..seeds).find_map(|seed| {
                fault::plant(Some(fault));
                let violation = storm::run(seed, false).violations.into_iter().next()?;
                // What is found without it is not found because of it.
                fault::plant(None);
                storm::run(seed, false).violations.is_empty().then_some((seed, violation))
            });
            fault::plant(None);
            let name = format!("{fault:?}");
            match &first {
                Some((seed, violation)) => println!("{name:<22} {seed:>6}  {violation}"),
                None => println!("{name:<22}      -  nothing"),
            }
            found.push(first.is_some());
        }
        found
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let count = found.iter().filter(|found| **found).count();
    println!("{count} of {} found within {seeds} seeds each", Fault::ALL.len());
    count == Fault::ALL.len()
}
