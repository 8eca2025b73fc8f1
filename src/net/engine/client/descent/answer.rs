//! What an answer changes: a time is noted, a list is taken in, the best in hand is found.

use std::net::SocketAddr;
use std::time::Instant;

use super::Strategy;
use super::entry::Role;
use super::race::{Descent, DescentEvent, Phase};
use crate::net::fault::{Fault, planted};
use crate::net::wire::{Kind, Node, ProbeReply, State};

/// The longest list that is kept: more than a descent can ask.
const LONGEST_LIST: usize = 512;

impl Descent {
    /// Notes the round-trip time that an answer shows; none where it is not a right one.
    pub(super) fn handle_measure(
        &mut self,
        now: Instant,
        from: SocketAddr,
        id: u32,
        nonce: Option<u64>,
        binding: bool,
    ) -> Option<usize> {
        let anywhere = self.ids.get(&id).filter(|_| planted(Fault::ClientSourceIgnored));
        let Some(&who) = self.index.get(&from).or(anywhere) else {
            if let Some(&asked) = self.ids.get(&id) {
                self.entries[asked].misplaced = true;
            }
            self.cost.misplaced += 1;
            return None;
        };
        let entry = &mut self.entries[who];
        let turn = entry.role == Role::Turn;
        let Some(copy) = entry.copy(id, nonce).filter(|_| turn == binding) else {
            self.cost.mismatched += 1;
            return None;
        };
        if std::mem::replace(&mut copy.answered, true) {
            self.cost.repeated += 1;
            return None;
        }
        let sent = copy.sent;
        let rtt = now.saturating_duration_since(sent);
        entry.rtt = Some(entry.rtt.map_or(rtt, |least| least.min(rtt)));
        // An older copy whose answer is still out can only show a longer time.
        if entry.newest == Some(sent) {
            self.expect_answer(who, None);
        }
        for waiting in self.budget.answered(from) {
            self.plan(waiting, now);
        }
        Some(who)
    }

    /// Takes in what a balance server said.
    pub(super) fn handle_reply(&mut self, now: Instant, who: usize, reply: ProbeReply) {
        let entry = &mut self.entries[who];
        if reply.retry {
            if entry.take_cookie(reply.cookie) {
                self.plan(who, now);
            }
            return;
        }
        entry.said = reply.state;
        entry.name = reply.name.or(entry.name.take());
        let hosts = reply.hosts.into_iter().map(|addr| Node {
            addr,
            kind: Kind::Balance,
            turn: None,
            name: None,
            hops: 0,
            rtt: None,
        });
        let before = entry.list.len();
        for node in reply.nodes.into_iter().chain(hosts) {
            if entry.list.len() >= LONGEST_LIST && !planted(Fault::ListWithoutEnd) {
                break;
            }
            if !entry.list.iter().any(|known| known.addr == node.addr) {
                entry.list.push(node);
            }
        }
        let role = match (entry.list.is_empty(), reply.turn) {
            (true, Some(turn)) => {
                let allowed = self.allows(who, turn);
                let entry = &mut self.entries[who];
                entry.turn = Some(turn).filter(|_| allowed);
                entry.refused = !allowed;
                Role::Leaf
            }
            (true, None) => {
                entry.said = match reply.state {
                    State::Offering => State::Nothing,
                    state => state,
                };
                Role::Balance
            }
            (false, _) => Role::Balance,
        };
        self.take_for(who, role);
        let entry = &mut self.entries[who];
        if entry.said != State::Offering {
            self.give_up(who);
            self.rank();
            return;
        }
        entry.total = reply.total as usize;
        if entry.list.len() > before && entry.explored && self.phase == Phase::Racing {
            self.explore(now, who, before);
        }
        let leads = self.best.is_some_and(|(_, best)| best == who);
        if leads && !self.entries[who].can_win() {
            self.rank(); // it is not what it was taken for
        }
        self.compare(who);
        match self.phase {
            Phase::Racing => self.go_down(now),
            Phase::Verifying => self.add_finalist(now, who),
            Phase::Lingering(..) | Phase::Finished(..) => {}
        }
    }

    fn take_for(&mut self, who: usize, role: Role) {
        let newest = self.entries[who].newest;
        if self.entries[who].role != role {
            self.expect_answer(who, None);
            self.entries[who].role = role;
            self.expect_answer(who, newest);
        }
    }

    /// Compares a candidate that answered with the best in hand, or with the fastest of its level.
    pub(super) fn compare(&mut self, who: usize) {
        let entry = &self.entries[who];
        let Some(rtt) = entry.rtt else { return };
        let level = &mut self.levels[usize::from(entry.level)];
        if self.options.strategy == Strategy::First && level.explored > 0 {
            return; // the level is won
        }
        if entry.can_win() {
            if self.best.is_none_or(|best| (rtt, who) < best) {
                self.best = Some((rtt, who));
                self.announce();
            }
        } else if !entry.list.is_empty() {
            level.fastest = Some(level.fastest.map_or(rtt, |least| least.min(rtt)));
        }
    }

    /// Finds the best in hand anew: one that was may have gone out of service.
    pub(super) fn rank(&mut self) {
        let before = self.best;
        let in_hand = self.entries.iter().enumerate().filter(|(_, entry)| entry.can_win());
        self.best = in_hand.filter_map(|(who, entry)| Some((entry.rtt?, who))).min();
        if self.best != before {
            self.announce();
        }
    }

    fn announce(&mut self) {
        let best = self.best.and_then(|(rtt, who)| Some((rtt, self.entries[who].turn?)));
        if let Some((rtt, turn)) = best {
            self.events.push_back(DescentEvent::Provisional { turn, rtt });
        }
    }
}
