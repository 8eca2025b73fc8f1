//! Whether the net catches fish: each fault is planted, and storms are run until one finds it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use turn_balance::internals::fault::{self, Fault};

use turn_balance_sim::storm;

/// Plants a fault in this thread.
pub(crate) fn plant(name: &str) {
    let named = |fault: &Fault| format!("{fault:?}") == name;
    fault::plant(Fault::ALL.iter().copied().find(named));
}

/// Plants each fault, and prints what found it. Returns whether all were found.
pub(crate) fn all_are_found(seeds: u64) -> bool {
    let next = AtomicUsize::new(0);
    let work = || {
        let next = || Fault::ALL.get(next.fetch_add(1, Ordering::Relaxed)).copied();
        std::iter::from_fn(next).map(|fault| (fault, find(fault, seeds))).collect::<Vec<_>>()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    found.sort_by_key(|(fault, _)| *fault);
    println!("{:<22} {:>6}  found by", "fault", "seed");
    for (fault, first) in &found {
        let name = format!("{fault:?}");
        match first {
            Some((seed, violation)) => println!("{name:<22} {seed:>6}  {violation}"),
            None => println!("{name:<22} {:>6}  nothing", "-"),
        }
    }
    let count = found.iter().filter(|(_, first)| first.is_some()).count();
    println!("{count} of {} found within {seeds} seeds each", Fault::ALL.len());
    count == Fault::ALL.len()
}

/// The first seed that finds a fault, and what it finds; not what it finds without the fault.
fn find(fault: Fault, seeds: u64) -> Option<(u64, String)> {
    (0..seeds).find_map(|seed| {
        fault::plant(Some(fault));
        let violations = storm::run(seed, false).violations;
        fault::plant(None);
        let violation = violations.first()?.to_string();
        storm::run(seed, false).violations.is_empty().then_some((seed, violation))
    })
}
