use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::members::CheckOutcome;
use crate::net::io::socket::batch::AnswerCount;
use crate::types::TrafficCounts;

/// What came of all datagrams so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    answers: AtomicU64,
    unsent: AtomicU64,
    retries: AtomicU64,
    heartbeats: AtomicU64,
    receive_errors: AtomicU64,
    /// System calls of the workers.
    calls: AtomicU64,
    /// What the sockets had no room for.
    lost: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
    /// Heartbeats that the control loop had no room for.
    peer_messages_lost: AtomicU64,
    /// What came to the sockets that checks are sent from.
    checked: [AtomicU64; CHECK_OUTCOMES.len()],
    /// What came to the socket that the TURN server is asked from, and was no answer of its.
    stray_bindings: AtomicU64,
}

/// The words for what came of answers to checks.
const CHECK_OUTCOMES: [(CheckOutcome, &str); 5] = [
    (CheckOutcome::Right, "check-answers"),
    (CheckOutcome::Misplaced, "check-misplaced"),
    (CheckOutcome::Mismatched, "check-mismatched"),
    (CheckOutcome::Malformed, "check-malformed"),
    (CheckOutcome::Unsigned, "check-unsigned"),
];

impl Counters {
    pub(super) fn answered(&self, AnswerCount { written, sent }: AnswerCount) {
        self.answers.fetch_add(sent as u64, Ordering::Relaxed);
        self.unsent.fetch_add((written - sent) as u64, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn heartbeat(&self) {
        self.heartbeats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn receive_error(&self) {
        self.receive_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn called(&self, calls: u32) {
        self.calls.fetch_add(calls.into(), Ordering::Relaxed);
    }

    pub(super) fn add_lost(&self, lost: u32) {
        self.lost.fetch_add(lost.into(), Ordering::Relaxed);
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self, reason: DropReason) {
        self.dropped[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn peer_message_lost(&self) {
        self.peer_messages_lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn checked(&self, outcome: CheckOutcome) {
        let place = CHECK_OUTCOMES.iter().position(|(known, _)| *known == outcome);
        if let Some(counter) = place.and_then(|place| self.checked.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn stray_binding(&self) {
        self.stray_bindings.fetch_add(1, Ordering::Relaxed);
    }

    /// All of them as they are now.
    pub(super) fn told(&self) -> TrafficCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped =
            DropReason::ALL.map(|reason| (reason.as_str(), load(&self.dropped[reason as usize])));
        let checked = CHECK_OUTCOMES.iter().zip(&self.checked);
        TrafficCounts {
            answers: load(&self.answers),
            unsent: load(&self.unsent),
            retries: load(&self.retries),
            heartbeats: load(&self.heartbeats),
            heartbeats_lost: load(&self.peer_messages_lost),
            receive_errors: load(&self.receive_errors),
            kernel_drops: load(&self.lost),
            stray_bindings: load(&self.stray_bindings),
            dropped: dropped.into(),
            // The log has one row of words for all.
            checks: checked.map(|((_, word), counter)| (bare(word), load(counter))).collect(),
        }
    }
}

/// The word for an outcome among others of checks.
fn bare(word: &'static str) -> &'static str {
    word.strip_prefix("check-").unwrap_or(word)
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answers, unsent) = (load(&self.answers), load(&self.unsent));
        let (heartbeats, errors) = (load(&self.heartbeats), load(&self.receive_errors));
        write!(f, "answers {answers}, unsent {unsent}, heartbeats {heartbeats}")?;
        write!(f, ", receive-errors {errors}")?;
        write!(f, ", system-calls {}, no-room {}", load(&self.calls), load(&self.lost))?;
        // The rest only where there was any.
        let dropped =
            DropReason::ALL.map(|reason| (reason.as_str(), &self.dropped[reason as usize]));
        let checked =
            CHECK_OUTCOMES.iter().zip(&self.checked).map(|((_, word), counter)| (*word, counter));
        let others = [
            ("retries", &self.retries),
            ("heartbeats-lost", &self.peer_messages_lost),
            ("stray-bindings", &self.stray_bindings),
        ];
        for (word, counter) in others.into_iter().chain(checked).chain(dropped) {
            match load(counter) {
                0 => {}
                count => write!(f, ", {word} {count}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_by_its_own_word() {
        let counters = Counters::default();
        for (times, reason) in (1..).zip(DropReason::ALL) {
            (0..times).for_each(|_| counters.dropped(reason));
        }
        for (times, (outcome, _)) in (101..).zip(CHECK_OUTCOMES) {
            (0..times).for_each(|_| counters.checked(outcome));
        }
        let text = counters.to_string();
        let words: Vec<_> = text.split(", ").collect();
        for (times, reason) in (1..).zip(DropReason::ALL) {
            assert!(
                words.contains(&&*format!("{} {times}", reason.as_str())),
                "{reason:?}: {text}"
            );
        }
        for (times, (_, word)) in (101..).zip(CHECK_OUTCOMES) {
            assert!(words.contains(&&*format!("{word} {times}")), "{word}: {text}");
        }
    }
}
