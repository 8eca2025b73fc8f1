use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::budget::{Budget, Verdict};
use super::entry::{Copy, Entry, Role, from_transaction};
use super::reach::Reach;
use super::report::{Cost, Failure, Selection};
use super::{Options, Progress, Strategy, View};
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{Kind, Node, ProbeReply, Response, ResponseBody, State, stun};

/// Between two copies of a request. The race ends no earlier than the last copy could be answered,
/// so each millisecond here is one of every descent; no gap that a descent could afford outlasts a
/// burst of loss (some 80 ms), so the copies guard against single losses, and 3 ms against those
/// of one full queue.
pub(super) const SPACING: Duration = Duration::from_millis(3);

/// Between the two copies that a root gets: everything hangs on it, and it is asked again after
/// [`PATIENCE`] at the soonest.
const ROOT_SPACING: Duration = Duration::from_millis(10);

/// After which a level that stayed silent is asked again; doubled each time (RFC 8489, section
/// 6.2.1 has 500 ms; here two or three copies were lost already).
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// How many balance servers of one level are explored.
const EXPLORED: usize = 6;

/// How often a server is asked for more of a list that it cut short.
const MORE: u8 = 4;

/// The longest list that is kept: more than a descent can ask.
const LONGEST_LIST: usize = 512;

/// Copies of a request to each of `n` candidates: few candidates can be measured well, many
/// average their chances and must not flood the client's uplink.
fn copies(n: usize) -> usize {
    match n {
        0..=40 => 3,
        41..=64 => 2,
        _ => 1,
    }
}

/// The slowest that a balance server may be beside the `fastest` of its level and still be
/// explored: a leaf below it can be nearer to the client than it is.
pub(super) fn window(fastest: Duration) -> Duration {
    fastest * 2 + Duration::from_millis(30)
}

/// One descent, from the roots to a TURN server.
///
/// Call [`poll_transmit`](Self::poll_transmit) until it is empty, then wait for a datagram or for
/// [`poll_timeout`](Self::poll_timeout), hand it in, and begin again, until
/// [`is_finished`](Self::is_finished).
#[derive(Debug)]
pub struct Descent {
    pub(super) options: Options,
    rng: Rng,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    pub(super) entries: Vec<Entry>,
    index: BTreeMap<SocketAddr, usize>,
    ids: BTreeMap<u32, usize>,
    /// Copies that are due, by time.
    pub(super) sends: BTreeSet<(Instant, usize)>,
    budget: Budget,
    pub(super) levels: Vec<Level>,
    /// Leaves and TURN servers with an answer outstanding, by the time of their newest copy.
    pub(super) measuring: BTreeSet<(Instant, usize)>,
    /// The best in hand.
    pub(super) best: Option<(Duration, usize)>,
    /// When silence is asked again, and how long it may last after that.
    pub(super) patience: (Instant, Duration),
    pub(super) phase: Phase,
    events: VecDeque<Event>,
    pub(super) cost: Cost,
}

#[derive(Debug, Default)]
pub(super) struct Level {
    /// The least round-trip time to a balance server here that lists something.
    pub(super) fastest: Option<Duration>,
    explored: usize,
    /// Balance servers with an answer outstanding, by the time of their newest copy.
    pub(super) pending: BTreeSet<(Instant, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Racing,
    /// The last round: the finalists are asked themselves.
    Verifying,
    /// The choice is made; answers are only noted, until then.
    Lingering(Instant, Duration, Result<Choice, Failure>),
    Finished(Duration, Result<Choice, Failure>),
}

/// The entry that was chosen (a leaf or a TURN server) and its measured time.
pub(super) type Choice = (usize, Duration);

/// What a descent has come to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A TURN server better than any before; a better one may follow.
    Provisional {
        /// Its address.
        turn: SocketAddr,
        /// The round-trip time to it, or to the leaf that names it.
        rtt: Duration,
    },
}

impl Descent {
    /// A descent from these roots, which begins at `now`.
    pub fn new(mut options: Options, roots: &[SocketAddr], now: Instant, rng: Rng) -> Self {
        if options.strategy == Strategy::First {
            options.view = View::Subordinates; // a race through every level
        }
        let mut descent = Self {
            options,
            rng,
            started: now,
            deadline: now + options.timeout,
            entries: Vec::new(),
            index: BTreeMap::new(),
            ids: BTreeMap::new(),
            sends: BTreeSet::new(),
            budget: Budget::new(options.limits),
            levels: vec![Level::default()],
            measuring: BTreeSet::new(),
            best: None,
            patience: (now + PATIENCE, PATIENCE),
            phase: Phase::Racing,
            events: VecDeque::new(),
            cost: Cost::default(),
        };
        for &root in roots {
            let reach = Reach::of(root.ip()).unwrap_or(Reach::Global);
            if let Some(who) = descent.meet(Entry::new(root, 0, None, reach, Role::Balance)) {
                descent.plan(who, now);
                if options.strategy == Strategy::Best {
                    descent.plan(who, now + ROOT_SPACING);
                }
            }
        }
        descent
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if matches!(self.phase, Phase::Finished(..)) {
            return;
        }
        if stun::is_stun(datagram) {
            match stun::binding_response(datagram).map(from_transaction) {
                Some((id, nonce)) => {
                    if let Some(who) = self.handle_measure(now, from, id, Some(nonce), true) {
                        self.compare(who);
                    }
                }
                None => self.cost.malformed += 1,
            }
        } else {
            match Response::decode(datagram) {
                Ok(Response { id, body: ResponseBody::Probe(reply) }) => {
                    if let Some(who) = self.handle_measure(now, from, id, reply.proof(), false) {
                        self.handle_reply(now, who, reply);
                    }
                }
                _ => self.cost.malformed += 1,
            }
        }
        self.advance(now);
    }

    /// Nothing can be sent to this address: the candidate is out.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr) {
        if let Some(&who) = self.index.get(&to) {
            self.give_up(who);
            self.advance(now);
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.patience.0 && self.best.is_none() && self.phase == Phase::Racing {
            self.ask_again(now);
        }
        self.advance(now);
    }

    /// The next datagram to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        loop {
            let &(due, who) = self.sends.first().filter(|(due, _)| *due <= now)?;
            self.sends.remove(&(due, who));
            if let Some(transmit) = self.send(now, who) {
                return Some(transmit);
            }
        }
    }

    /// What has become known since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; none once it is finished.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let send = self.sends.first().map(|(due, _)| *due);
        let wait = match self.phase {
            Phase::Finished(..) => return None,
            Phase::Lingering(until, ..) => until,
            Phase::Racing | Phase::Verifying if self.best.is_some() => self.decided_at(),
            Phase::Racing | Phase::Verifying => self.patience.0,
        };
        Some(send.map_or(wait, |send| send.min(wait)).min(self.deadline))
    }

    /// Whether it has ended, and the result stands.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished(..))
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            candidates: self.entries.len(),
            answered: self.entries.iter().filter(|entry| entry.rtt.is_some()).count(),
            provisional: self.best.and_then(|(_, who)| self.entries[who].turn),
        }
    }

    /// The result: none before the descent is finished.
    pub fn selection(&self) -> Option<Result<Selection, Failure>> {
        match &self.phase {
            Phase::Finished(elapsed, outcome) => Some(self.conclude(*elapsed, outcome.clone())),
            _ => None,
        }
    }

    pub(super) fn outcome(&self) -> Option<(Duration, &Result<Choice, Failure>)> {
        match &self.phase {
            Phase::Finished(elapsed, outcome) => Some((*elapsed, outcome)),
            _ => None,
        }
    }

    // ---- what is sent ----

    /// Adds a candidate; none where it was met before: nothing is visited twice.
    pub(super) fn meet(&mut self, entry: Entry) -> Option<usize> {
        let who = self.entries.len();
        if self.index.contains_key(&entry.addr) {
            return None;
        }
        let level = usize::from(entry.level);
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        self.index.insert(entry.addr, who);
        self.entries.push(entry);
        Some(who)
    }

    pub(super) fn plan(&mut self, who: usize, at: Instant) {
        self.sends.insert((at, who));
        self.expect_answer(who, self.entries[who].newest.max(Some(at)));
    }

    /// Notes the newest copy that an answer is awaited to, so that the end is found by a look at
    /// the front of a set.
    fn expect_answer(&mut self, who: usize, newest: Option<Instant>) {
        let entry = &mut self.entries[who];
        let set = match entry.role {
            Role::Balance => &mut self.levels[usize::from(entry.level)].pending,
            Role::Leaf | Role::Turn => &mut self.measuring,
        };
        if let Some(before) = entry.newest {
            set.remove(&(before, who));
        }
        if let Some(newest) = newest {
            set.insert((newest, who));
        }
        entry.newest = newest;
    }

    /// Sends no more to a candidate, and awaits nothing from it.
    fn give_up(&mut self, who: usize) {
        self.sends.retain(|&(_, sender)| sender != who);
        self.expect_answer(who, None);
    }

    fn send(&mut self, now: Instant, who: usize) -> Option<Transmit> {
        let over = matches!(self.phase, Phase::Lingering(..) | Phase::Finished(..));
        let entry = &self.entries[who];
        if over || entry.said != State::Offering {
            return None;
        }
        let (id, nonce) = (self.rng.random(), self.rng.random_range(1..=u64::MAX));
        let payload = entry.request(id, nonce, self.options.view, self.options.names);
        if entry.via.is_some() {
            let last = self.phase == Phase::Verifying;
            match self.budget.spend(entry.addr, payload.len(), last, who) {
                Verdict::Send => {}
                Verdict::Wait | Verdict::Never => {
                    let latest = entry.copies.last().filter(|copy| !copy.answered);
                    self.expect_answer(who, latest.map(|copy| copy.sent));
                    return None;
                }
            }
        }
        let entry = &mut self.entries[who];
        entry.copies.push(Copy { id, nonce, sent: now, answered: false });
        self.ids.insert(id, who);
        self.cost.datagrams += 1;
        self.cost.bytes += payload.len() as u64;
        let to = entry.addr;
        self.expect_answer(who, self.entries[who].newest.max(Some(now)));
        Some(Transmit { to, payload })
    }

    // ---- what comes back ----

    /// Notes the round-trip time that an answer shows; none where it is not a right one.
    fn handle_measure(
        &mut self,
        now: Instant,
        from: SocketAddr,
        id: u32,
        nonce: Option<u64>,
        binding: bool,
    ) -> Option<usize> {
        let Some(&who) = self.index.get(&from) else {
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
    fn handle_reply(&mut self, now: Instant, who: usize, reply: ProbeReply) {
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
        });
        let before = entry.list.len();
        for node in reply.nodes.into_iter().chain(hosts) {
            if entry.list.len() == LONGEST_LIST {
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
        if entry.list.len() > before && self.phase == Phase::Racing {
            if reply.total as usize > entry.list.len() && entry.more < MORE {
                entry.more += 1;
                self.plan(who, now);
            }
            let entry = &self.entries[who];
            if entry.explored {
                self.explore(now, who, before);
            }
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
    fn compare(&mut self, who: usize) {
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
    fn rank(&mut self) {
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
            self.events.push_back(Event::Provisional { turn, rtt });
        }
    }

    // ---- the way down ----

    /// Goes down into the balance servers whose answers are fast enough.
    fn go_down(&mut self, now: Instant) {
        let first = self.options.strategy == Strategy::First;
        for level in 0..self.levels.len() {
            let Level { fastest: Some(fastest), explored, .. } = self.levels[level] else {
                continue;
            };
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
    fn explore(&mut self, now: Instant, who: usize, from: usize) {
        let parent = &mut self.entries[who];
        let (level, reach) = (parent.level + 1, parent.root);
        if !std::mem::replace(&mut parent.explored, true) {
            self.levels[usize::from(level) - 1].explored += 1;
            if parent.more == 0 {
                self.give_up(who); // it has said what there is to know
            }
        }
        if level > self.options.limits.depth.min(8) {
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
            entry.refused = !self.allows(who, node.addr);
            entry.turn = match role {
                Role::Turn => Some(node.addr),
                _ => node.turn.filter(|turn| self.allows(who, *turn)),
            };
            let refused = entry.refused;
            met.extend(self.meet(entry).filter(|_| !refused));
        }
        let longest = met.iter().map(|&who| self.entries[who].request_len()).max().unwrap_or(1);
        let room = self.budget.room(longest, self.sends.len());
        let copies = match self.options.strategy {
            Strategy::Best => copies(met.len()).min(room / met.len().max(1)).max(1),
            Strategy::First => 1,
        };
        met.truncate(room);
        for copy in 0..copies {
            for &who in &met {
                self.plan(who, now + SPACING * copy as u32);
            }
        }
        if !met.is_empty() {
            self.patience = (now + SPACING * copies as u32 + PATIENCE, PATIENCE);
        }
    }

    fn allows(&self, below: usize, addr: SocketAddr) -> bool {
        self.entries[below].root.allows(addr.ip(), self.options.limits.allow_private)
    }

    /// Nothing is in hand and the level stayed silent: asks it again, and backs up to the next
    /// best.
    fn ask_again(&mut self, now: Instant) {
        let patience = self.patience.1 * 2;
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
