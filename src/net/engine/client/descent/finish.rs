//! How a descent ends: when nothing outstanding can win, what the last round asks, who is chosen.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Strategy;
use super::copies::SPACING;
use super::down::{PATIENCE, window};
use super::entry::{Entry, Role};
use super::race::{Choice, Descent, Phase};

/// How many TURN servers the last round asks, and how many copies each is sent: what the budget
/// keeps for it.
const FINALISTS: usize = 4;
const FINAL_COPIES: u32 = 4;

/// How often finalists are asked before one that stays silent is passed over: bursts of loss (some
/// 80 ms) seldom outlast three round trips.
const LAST_ROUNDS: u8 = 3;

/// How many silent leaves are asked again beside them, and how many copies each is sent.
const SILENT: usize = 4;
const SILENT_COPIES: u32 = 2;

/// The slowest that a leaf may be beside the `best` and still be asked in the last round: within
/// that, the noise of a home's access decides the order as much as the distance does.
fn near(best: Duration) -> Duration {
    best * 13 / 10 + Duration::from_millis(8)
}

impl Descent {
    /// Ends the race once nothing outstanding can still win.
    pub(super) fn advance(&mut self, now: Instant) {
        if let Phase::Lingering(until, elapsed, outcome) = &self.phase {
            if now >= *until || !self.owes_any() {
                self.phase = Phase::Finished(*elapsed, outcome.clone());
            }
            return;
        }
        if self.is_finished() {
            return;
        }
        if self.best.is_none() && self.phase == Phase::Verifying {
            // The last that was in hand has gone out of service: on with the race.
            self.phase = Phase::Racing;
            self.patience = (now + PATIENCE, PATIENCE);
        }
        while self.best.is_none() && self.is_quiet() {
            let first = self.options.strategy == Strategy::First;
            if first || !self.back_up(now) {
                return self.end(now); // every candidate has answered, and none leads on
            }
        }
        if now >= self.deadline {
            return self.end(now);
        }
        let first = self.options.strategy == Strategy::First;
        if self.best.is_some() && (first || now > self.decided_at()) {
            let verify = self.options.verify && !first;
            let goes_on = match self.phase {
                Phase::Racing => verify && self.verify(now),
                _ => self.verify_more(now),
            };
            if !goes_on {
                self.end(now);
            }
        }
    }

    /// Whether no answer is outstanding at all.
    pub(super) fn is_quiet(&self) -> bool {
        let pending = self.levels.iter().any(|level| !level.pending.is_empty());
        !pending && self.measuring.is_empty() && self.sends.is_empty()
    }

    /// Whether any candidate may still answer for the first time.
    pub(super) fn owes_any(&self) -> bool {
        self.entries.iter().any(Entry::is_awaited)
    }

    /// The last moment at which something outstanding can win: a leaf or TURN server whose newest copy is older
    /// than the best time, a balance server's older than the window.
    pub(super) fn decided_at(&self) -> Instant {
        let Some((best, leader)) = self.best else { return self.deadline };
        let limit = if self.phase == Phase::Verifying { self.verify_limit(best) } else { best };
        // The leader's own copies can only make it lead by more.
        let rival = self.measuring.iter().rev().find(|(_, who)| *who != leader);
        let measuring = rival.map(|(newest, _)| *newest + limit);
        let pending = self.levels.iter().filter_map(|level| {
            let (newest, _) = level.pending.last()?;
            let fastest = level.fastest.map_or(best, |fastest| fastest.min(best));
            Some(*newest + window(fastest))
        });
        pending.chain(measuring).max().unwrap_or(self.started)
    }

    /// Starts the last round: asks the TURN servers of the best leaves themselves. Returns
    /// whether there is anything to ask.
    fn verify(&mut self, now: Instant) -> bool {
        let mut leaves: Vec<_> =
            (0..self.entries.len()).filter_map(|who| Some((self.entries[who].rtt?, who))).collect();
        leaves.sort_unstable();
        self.phase = Phase::Verifying;
        self.last_rounds = 1;
        self.sends.clear();
        self.measuring.clear();
        for level in &mut self.levels {
            level.pending.clear();
        }
        for entry in &mut self.entries {
            entry.newest = None;
        }
        for (_, leaf) in leaves {
            self.add_finalist(now, leaf);
        }
        for who in self.most_promising_silent() {
            for copy in 0..SILENT_COPIES {
                self.plan(who, now + SPACING * copy);
            }
        }
        !self.measuring.is_empty()
    }

    /// Asks again the finalists that would be better than those that have answered, but stay
    /// silent: the link may have been down. If in the end none has answered, the next best are
    /// asked, near or not: the best leaf may name a TURN server that is dead. Returns whether
    /// there is anything to ask.
    fn verify_more(&mut self, now: Instant) -> bool {
        let turns = (0..self.entries.len()).filter(|&who| self.entries[who].role == Role::Turn);
        let fastest = turns.clone().filter_map(|who| self.measured(who)).min();
        let better = |who: &usize| {
            let entry = &self.entries[*who];
            let leaf = entry.via.and_then(|via| self.entries[via].rtt);
            entry.is_awaited()
                && leaf.is_some_and(|leaf| fastest.is_none_or(|fastest| leaf < fastest))
        };
        let silent: Vec<_> = turns.filter(better).collect();
        if self.last_rounds == LAST_ROUNDS || silent.is_empty() && fastest.is_some() {
            return false;
        }
        self.last_rounds = if silent.is_empty() { LAST_ROUNDS } else { self.last_rounds + 1 };
        for who in silent {
            for copy in 0..FINAL_COPIES {
                self.plan(who, now + SPACING * copy);
            }
        }
        if self.last_rounds == LAST_ROUNDS && fastest.is_none() {
            self.ask_next_best(now);
        }
        !self.measuring.is_empty()
    }

    fn ask_next_best(&mut self, now: Instant) {
        let mut leaves: Vec<_> = (0..self.entries.len())
            .filter(|&who| self.entries[who].role == Role::Leaf && self.entries[who].can_win())
            .filter_map(|who| Some((self.entries[who].rtt?, who)))
            .collect();
        leaves.sort_unstable();
        let mut asked = 0;
        for (_, leaf) in leaves {
            asked += usize::from(asked < FINALISTS && self.ask_turn(now, leaf));
        }
    }

    /// Leaves whose every copy may have been lost, the most promising first: by their outlook, or by
    /// their place in the list, whose order is that of addresses.
    fn most_promising_silent(&self) -> Vec<usize> {
        let Some((_, best)) = self.best else { return Vec::new() };
        let silent = |who: &usize| {
            let entry = &self.entries[*who];
            entry.role == Role::Leaf && entry.is_awaited()
        };
        let mut silent: Vec<_> = (0..self.entries.len()).filter(silent).collect();
        silent.sort_by_key(|who| (self.entries[*who].outlook, who.abs_diff(best)));
        silent.truncate(SILENT);
        silent
    }

    /// Asks the TURN server of a leaf that is near the best. One whose answer comes while the
    /// round is on has just missed the end of the race, and joins; one that leads, even where there
    /// are enough.
    pub(super) fn add_finalist(&mut self, now: Instant, leaf: usize) {
        let entry = &self.entries[leaf];
        let (Some(rtt), Some((best, leader))) = (entry.rtt, self.best) else { return };
        let finalists = self.entries.iter().filter(|entry| self.is_finalist(entry)).count();
        let fits = leaf == leader || finalists < FINALISTS && rtt <= near(best);
        if fits && entry.role == Role::Leaf && entry.can_win() {
            self.ask_turn(now, leaf);
        }
    }

    /// Asks the TURN server of a leaf, unless it was asked before.
    fn ask_turn(&mut self, now: Instant, leaf: usize) -> bool {
        let entry = &self.entries[leaf];
        let Some(turn) = entry.turn else { return false };
        let mut finalist = Entry::new(turn, entry.level + 1, Some(leaf), entry.root, Role::Turn);
        finalist.turn = Some(turn);
        finalist.name = entry.name.clone();
        let Some(who) = self.meet(finalist) else { return false };
        for copy in 0..FINAL_COPIES {
            self.plan(who, now + SPACING * copy);
        }
        true
    }

    fn is_finalist(&self, entry: &Entry) -> bool {
        entry.role == Role::Turn
            && entry.via.is_some_and(|via| self.entries[via].role == Role::Leaf)
    }

    /// How old a finalist's newest copy may get: the time of the best that has answered itself, or
    /// what the slowest leaf's time allows its neighbour.
    fn verify_limit(&self, leaf: Duration) -> Duration {
        let turns = (0..self.entries.len()).filter(|&who| self.entries[who].role == Role::Turn);
        let leaves = turns.clone().filter_map(|who| self.entries[self.entries[who].via?].rtt);
        let fastest = turns.filter_map(|who| self.measured(who)).min();
        fastest.unwrap_or_else(|| window(leaves.max().unwrap_or(leaf)))
    }

    /// The least time measured to a candidate that can be chosen. A TURN server on the host of
    /// the leaf that names it is reached by the same path: both times are of that path.
    fn measured(&self, who: usize) -> Option<Duration> {
        let entry = &self.entries[who];
        let leaf = entry.via.map(|via| &self.entries[via]);
        let leaf = leaf.filter(|leaf| leaf.role == Role::Leaf && leaf.addr.ip() == entry.addr.ip());
        entry.rtt.map(|rtt| leaf.and_then(|leaf| leaf.rtt).map_or(rtt, |least| least.min(rtt)))
    }

    fn end(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.started);
        let choice = match self.options.strategy {
            Strategy::Best => self.ranked().first().copied(),
            Strategy::First => self.best.map(|(rtt, who)| (who, rtt)),
        };
        let outcome = choice.ok_or_else(|| self.failure(elapsed));
        self.sends.clear();
        let until = (now + self.options.linger).min(self.deadline);
        self.phase = if outcome.is_ok() && until > now && self.owes_any() {
            Phase::Lingering(until, elapsed, outcome)
        } else {
            Phase::Finished(elapsed, outcome)
        };
    }

    /// What can be chosen, best first: TURN servers that answered themselves, then those whose
    /// leaf did.
    pub(super) fn ranked(&self) -> Vec<Choice> {
        let asked = |turn: SocketAddr| {
            self.entries.iter().any(|e| e.role == Role::Turn && e.addr == turn && e.rtt.is_some())
        };
        let mut ranked: Vec<_> = (0..self.entries.len())
            .filter(|&who| self.entries[who].can_win())
            .filter_map(|who| Some((who, self.measured(who)?)))
            .filter(|&(who, _)| {
                let entry = &self.entries[who];
                entry.role == Role::Turn || !entry.turn.is_some_and(asked)
            })
            .collect();
        ranked.sort_by_key(|&(who, rtt)| (self.entries[who].role != Role::Turn, rtt, who));
        ranked
    }
}
