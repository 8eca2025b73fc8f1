//! What the roots list, looked at all the time.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use turn_balance::internals::wire::View;
use turn_balance_lab::host::ask;

use crate::history::{Condition, History, Record};
use crate::judge::Judge;
use crate::place::Place;

/// From one look to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// What has stood so for so long is in the lists of the roots: of a leaf that was killed a root of three levels
/// knows within 16 s (docs/security.md).
const SETTLED: Duration = Duration::from_secs(45);

/// So often in a row nobody answers who is well.
const SILENT: usize = 10;

/// Looks until it is over. Counts the looks.
pub(crate) fn watch(history: &History, judge: &Judge, looks: &AtomicUsize, over: &AtomicBool) {
    let eye = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut wrong = BTreeSet::new();
    let mut silent = [0; 2];
    while !over.load(Ordering::Relaxed) {
        for (root, silent) in Place::of_level(0).zip(&mut silent) {
            let list = ask(&eye, root.server(), View::Flat, Duration::from_millis(500));
            let record = history.lock();
            if record.settled(root, SETTLED) != Some(Condition::Well) {
                *silent = 0;
                continue;
            }
            let Some(list) = list else {
                *silent += 1;
                if *silent == SILENT {
                    judge.fail(format!("{} is silent", root.name()));
                }
                continue;
            };
            *silent = 0;
            looks.fetch_add(1, Ordering::Relaxed);
            for leaf in Place::leaves() {
                let listed = list.nodes.iter().any(|node| node.addr == leaf.server());
                let said = match should_be(&record, leaf) {
                    Some(true) if !listed => Some("does not list"),
                    Some(false) if listed => Some("lists"),
                    _ => None,
                };
                match said {
                    None => drop(wrong.remove(&(root, leaf))),
                    // Once until it is right again.
                    Some(said) if wrong.insert((root, leaf)) => {
                        let (root, leaf) = (root.name(), leaf.name());
                        judge.fail(format!("{root} {said} {leaf}, and should not for {SETTLED:?}"));
                    }
                    Some(_) => {}
                }
            }
        }
        thread::sleep(PAUSE);
    }
}

/// Whether a leaf is to be in a root's list; `None`: it may be.
fn should_be(record: &Record, leaf: Place) -> Option<bool> {
    let way: Vec<_> =
        leaf.way_up().into_iter().map(|place| record.settled(place, SETTLED)).collect();
    if way.contains(&Some(Condition::Gone)) {
        return Some(false);
    }
    way.iter().all(|condition| *condition == Some(Condition::Well)).then_some(true)
}
