//! The way down: which servers are explored, who of their lists is asked, and what is done where a
//! level stays silent.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Strategy;
use super::budget::Quota;
use super::copies::{LAVISH, MOST_COPIES, SPACING, copies, outlook, ranked_copies};
use super::entry::{Entry, Role};
use super::race::{Descent, Level};
use crate::net::fault::{Fault, planted};
use crate::net::wire::{Kind, State};
use crate::types::Scope;

/// What that comes to at most: a root whose network is flooded answers one request in two, and one
/// that was down may be back at any moment.
const MOST_ROOT_PATIENCE: Duration = Duration::from_secs(1);

/// How many balance servers of one level are explored.
const EXPLORED: usize = 6;

/// How often a server is asked for more of a list that it cut short.
const MORE: u8 = 4;

/// After which a level that stayed silent is asked again; doubled each time (RFC 8489, section
/// 6.2.1 has 500 ms; here two or three copies were lost already).
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// The slowest that a balance server may be beside the `fastest` of its level and still be
/// explored: a leaf below it can be nearer to the client than it is.
pub(super) fn window(fastest: Duration) -> Duration {
    fastest * 3 / 2 + Duration::from_millis(20)
}

impl Descent {
    /// Goes down into the balance servers whose answers are fast enough.
    pub(super) fn go_down(&mut self, now: Instant) {
        let first = self.options.strategy == Strategy::First;
        for level in 0..self.levels.len() {
            let Level { fastest: Some(fastest), explored, .. } = self.levels[level] else {
                continue;
            };
            let below = self.levels.get(level + 1).and_then(|below| below.quota);
            if !first && below.is_some_and(|quota| quota.is_empty()) {
                continue; // what is left is for the levels below that
            }
            let most = if first { 1 } else { EXPLORED };
            let limit = window(fastest);
            let mut next: Vec<_> =
                self.ready(level).filter(|(rtt, _)| first || *rtt <= limit).collect();
            next.sort_unstable();
            for (_, who) in next.into_iter().take(most.saturating_sub(explored)) {
                self.explore(now, who, 0);
            }
        }
    }

    /// The balance servers of a level that answered with a list and were not explored.
    pub(super) fn ready(&self, level: usize) -> impl Iterator<Item = (Duration, usize)> {
        self.entries.iter().enumerate().filter_map(move |(who, entry)| {
            let here = usize::from(entry.level) == level && entry.role == Role::Balance;
            let ready = here && !entry.explored && !entry.list.is_empty();
            entry.rtt.filter(|_| ready && entry.said == State::Offering).map(|rtt| (rtt, who))
        })
    }

    /// Asks what a balance server lists, from the `from`th on.
    pub(super) fn explore(&mut self, now: Instant, who: usize, from: usize) {
        let parent = &mut self.entries[who];
        let (level, reach, here) = (parent.level + 1, parent.root, parent.rtt);
        if !std::mem::replace(&mut parent.explored, true) {
            self.levels[usize::from(level) - 1].explored += 1;
            if parent.more == 0 {
                self.give_up(who); // it has said what there is to know
            }
        }
        if level > self.options.limits.depth.min(8) && !planted(Fault::DepthWithoutEnd) {
            return;
        }
        let listed = self.entries[who].list[from..].to_vec();
        let mut met = Vec::with_capacity(listed.len());
        for node in listed {
            let role = match (node.kind, node.turn) {
                (Kind::Turn, _) => Role::Turn,
                (Kind::Leaf, Some(_)) => Role::Leaf,
                _ => Role::Balance,
            };
            let mut entry = Entry::new(node.addr, level, Some(who), reach, role);
            entry.name = node.name;
            entry.outlook = here.zip(node.rtt).map(|(here, there)| outlook(here, there));
            entry.refused = !self.allows(who, node.addr);
            entry.turn = match role {
                Role::Turn => Some(node.addr),
                _ => node.turn.filter(|turn| self.allows(who, *turn)),
            };
            let refused = entry.refused;
            met.extend(self.meet(entry).filter(|_| !refused));
        }
        met.sort_by_key(|&who| (self.entries[who].outlook, who));
        self.ask(now, &met);
        let entry = &mut self.entries[who];
        if entry.total > entry.list.len() && entry.more < MORE && entry.list.len() > from {
            entry.more += 1;
            self.plan(who, now);
        }
    }

    /// Sends each of some candidates of one level, the most promising first, its first copies.
    fn ask(&mut self, now: Instant, met: &[usize]) {
        let Some(&first) = met.first() else { return };
        let level = self.entries[first].level;
        let here = self.entries.iter().enumerate().filter(|(_, entry)| entry.level == level);
        let outlooks = here.filter_map(|(who, entry)| Some((entry.outlook?, who)));
        let outlooks: BTreeSet<_> = outlooks.collect();
        let wanted = |who: usize, entry: &Entry| match (self.options.strategy, entry.outlook) {
            (Strategy::First, _) => 1,
            (Strategy::Best, None) => copies(met.len()),
            (Strategy::Best, Some(outlook)) => {
                ranked_copies(outlooks.range(..(outlook, who)).count(), outlooks.len())
            }
        };
        let wanted: Vec<_> =
            met.iter().map(|&who| (who, wanted(who, &self.entries[who]))).collect();
        let mut quota = self.quota(level, met);
        let mut latest = now;
        for copy in 0..MOST_COPIES {
            let at = now + SPACING * copy as u32;
            for &(who, _) in wanted.iter().filter(|(_, wanted)| *wanted > copy) {
                let entry = &mut self.entries[who];
                entry.terse = met.len() > LAVISH;
                if quota.afford(entry.request_len(copy)) {
                    self.plan(who, at);
                    latest = at;
                }
            }
        }
        if let Some(left) = &mut self.levels[usize::from(level)].quota {
            *left = quota;
        }
        self.patience = (latest + PATIENCE, PATIENCE);
    }

    /// What may be spent on candidates of a level. Nobody knows how many levels are below balance
    /// servers, so each such level has a share of what is left. So have leaves further down: the
    /// smaller the region, the nearer its leaves are to one another, and the less there is to win
    /// (docs/selection.md has the figures).
    fn quota(&mut self, level: u8, met: &[usize]) -> Quota {
        let planned = self.sends.iter().map(|&(_, who)| &self.entries[who]);
        let left = self.budget.left(planned.map(|entry| entry.request_len(entry.copies.len())));
        let deeper = met.iter().any(|&who| self.entries[who].role == Role::Balance);
        let share = match (level, deeper) {
            (_, true) => left.part(1, 4),
            (..=1, false) => return left,
            (2, false) => left.part(5, 6),
            (_, false) => left.part(1, 2),
        };
        let quota = &mut self.levels[usize::from(level)].quota;
        let share = quota.filter(|quota| !quota.is_empty()).unwrap_or(share);
        *quota.insert(share)
    }

    pub(super) fn allows(&self, below: usize, addr: SocketAddr) -> bool {
        let (root, limits) = (self.entries[below].root, &self.options.limits);
        let floor = if limits.allow_private { root.min(Scope::Private) } else { root };
        let within = self.options.within.is_none_or(|prefix| prefix.contains(addr.ip()));
        within && floor.allows_also(addr.ip(), &limits.allow) || planted(Fault::RefusedAsked)
    }

    /// Nothing is in hand and the level stayed silent: asks it again, and backs up to the next
    /// best.
    pub(super) fn ask_again(&mut self, now: Instant) {
        let doubled = self.patience.1 * 2;
        let roots_alone = self.levels.len() == 1;
        let patience = if roots_alone { doubled.min(MOST_ROOT_PATIENCE) } else { doubled };
        self.patience = (now + patience, patience);
        if self.options.strategy == Strategy::First {
            return;
        }
        for who in 0..self.entries.len() {
            let entry = &self.entries[who];
            if entry.rtt.is_none() && !entry.refused && entry.newest.is_some() {
                self.plan(who, now);
            }
        }
        self.back_up(now);
        self.patience = (now + patience, patience);
    }

    /// Goes down into the best that was passed over, on the deepest level that has one.
    pub(super) fn back_up(&mut self, now: Instant) -> bool {
        let next = (0..self.levels.len()).rev().find_map(|level| self.ready(level).min());
        if let Some((_, who)) = next {
            self.explore(now, who, 0);
        }
        next.is_some()
    }
}
