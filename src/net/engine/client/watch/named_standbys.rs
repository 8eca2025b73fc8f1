//! Those of who stands by that were named, for whoever hands several TURN servers on.

use std::net::SocketAddr;
use std::time::Instant;

use super::change::WatchReason;
use super::measured_turn::MeasuredTurn;
use crate::net::engine::client::descent::Selection;

/// How many are wanted, and which were named last.
#[derive(Debug)]
pub(super) struct NamedStandbys {
    wanted: usize,
    named: Vec<SocketAddr>,
}

impl NamedStandbys {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, named: Vec::new() }
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
