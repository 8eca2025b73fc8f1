//! Those of who stands by that were named, for whoever hands several TURN servers on.

use std::net::SocketAddr;
use std::time::Instant;

use super::change::WatchReason;
use super::measured_turn::MeasuredTurn;
use crate::net::engine::client::descent::Selection;

/// How many descents in a row look for those that are missing, sooner than they are due: with the pauses between
/// them for a minute. Where there are no more, none is found by looking again.
const LOOKS: u8 = 6;

/// How many are wanted, and which were named last.
#[derive(Debug)]
pub(super) struct NamedStandbys {
    wanted: usize,
    named: Vec<SocketAddr>,
    /// How many there were too few, and how many descents have looked for them.
    missing: usize,
    looks: u8,
}

impl NamedStandbys {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, named: Vec::new(), missing: wanted, looks: 0 }
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.wanted > 0
    }

    pub(super) fn has(&self, turn: SocketAddr) -> bool {
        self.named.contains(&turn)
    }

    /// Names so many as are wanted: those that were named before, then others as they stand. `proven`: only
    /// those that have answered themselves.
    pub(super) fn name(&mut self, standbys: &[MeasuredTurn], proven: bool) {
        self.named.retain(|addr| lives(standbys, *addr));
        for one in standbys.iter().filter(|one| may_be_named(one, proven)) {
            if self.named.len() < self.wanted && !self.named.contains(&one.addr()) {
                self.named.push(one.addr());
            }
        }
    }

    /// Whether one more is missing than before: it is to be looked for.
    pub(super) fn miss_another(&mut self, standbys: &[MeasuredTurn], proven: bool) -> bool {
        let there = standbys.iter().filter(|one| may_be_named(one, proven)).count();
        let before = std::mem::replace(&mut self.missing, self.wanted.saturating_sub(there));
        let another = self.missing > before;
        if another {
            self.looks = 0;
        }
        another
    }

    /// A descent has ended: whether another is to look for those that are missing all the same.
    pub(super) fn look_again(&mut self, standbys: &[MeasuredTurn], proven: bool) -> bool {
        self.miss_another(standbys, proven);
        self.looks = self.looks.saturating_add(1);
        self.missing > 0 && self.looks <= LOOKS
    }

    /// Puts those first among the runners-up.
    pub(super) fn put_first(&self, selection: &mut Selection) {
        let place = |turn| self.named.iter().position(|named| *named == turn);
        let place = |turn| place(turn).unwrap_or(usize::MAX);
        selection.runners_up.sort_by_key(|one| place(one.turn));
    }

    /// Why others are to be named, and in whose place, where that is known. `None`: none are.
    pub(super) fn change(
        &self,
        standbys: &[MeasuredTurn],
        proven: bool,
        now: Instant,
    ) -> Option<(Option<Selection>, WatchReason)> {
        let gone = self.named.iter().find(|named| !lives(standbys, **named));
        if let Some(gone) = gone {
            let known = standbys.iter().find(|one| one.addr() == *gone);
            return Some(match known {
                Some(one) => {
                    let lasted = now.saturating_duration_since(one.answered);
                    let reason = one.out_of_service().unwrap_or(WatchReason::Silent { lasted });
                    (Some(one.selection(&[])), reason)
                }
                None => (None, WatchReason::Standbys),
            });
        }
        let others = standbys.iter().filter(|one| !self.named.contains(&one.addr()));
        let more = others.filter(|one| may_be_named(one, proven)).count() > 0;
        (more && self.named.len() < self.wanted).then_some((None, WatchReason::Standbys))
    }
}

fn may_be_named(one: &MeasuredTurn, proven: bool) -> bool {
    !one.is_gone() && (one.is_verified() || !proven)
}

fn lives(standbys: &[MeasuredTurn], addr: SocketAddr) -> bool {
    standbys.iter().any(|one| one.addr() == addr && !one.is_gone())
}
