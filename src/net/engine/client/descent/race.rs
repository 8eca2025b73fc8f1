use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::budget::{Quota, SendBudget, Spend};
use super::entry::{Copy, Entry, Role, from_transaction};
use super::report::{Cost, Failure, Obstacle, Selection};
use super::{Options, Progress, Strategy, View};
use crate::net::engine::{Rng, Transmit};
use crate::net::fault::{Fault, planted};
use crate::net::wire::{Response, ResponseBody, State, stun};
use crate::types::Scope;

/// Between the two copies that a root gets: everything hangs on it.
const ROOT_SPACING: Duration = Duration::from_millis(10);

/// After which roots that stayed silent are asked again; doubled each time. Two copies are lost in
/// one descent of a hundred at 5 % loss: waiting longer costs all of them more, on average, than
/// one more datagram costs those who are far from every root.
const ROOT_PATIENCE: Duration = Duration::from_millis(100);

/// How many bytes of a request prove that whoever quotes it has seen it: its id and nonce, or its
/// transaction, are among them. A request that is shorter must be quoted whole.
const PROOF: usize = 20;

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
    pub(super) index: BTreeMap<SocketAddr, usize>,
    pub(super) ids: BTreeMap<u32, usize>,
    /// Copies that are due, by time.
    pub(super) sends: BTreeSet<(Instant, usize)>,
    pub(super) budget: SendBudget,
    pub(super) levels: Vec<Level>,
    /// Leaves and TURN servers with an answer outstanding, by the time of their newest copy.
    pub(super) measuring: BTreeSet<(Instant, usize)>,
    /// The best in hand.
    pub(super) best: Option<(Duration, usize)>,
    /// When silence is asked again, and how long it may last after that.
    pub(super) patience: (Instant, Duration),
    pub(super) phase: Phase,
    /// How often the finalists were asked.
    pub(super) last_rounds: u8,
    pub(super) events: VecDeque<DescentEvent>,
    pub(super) cost: Cost,
}

#[derive(Debug, Default)]
pub(super) struct Level {
    /// The least round-trip time to a balance server here that lists something.
    pub(super) fastest: Option<Duration>,
    pub(super) explored: usize,
    /// What may still be spent on balance servers here.
    pub(super) quota: Option<Quota>,
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
pub enum DescentEvent {
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
        let strategy = options.strategy;
        let mut descent = Self {
            rng,
            started: now,
            deadline: now + options.timeout * if planted(Fault::TimeoutIgnored) { 2 } else { 1 },
            entries: Vec::new(),
            index: BTreeMap::new(),
            ids: BTreeMap::new(),
            sends: BTreeSet::new(),
            budget: SendBudget::new(options.limits.clone()),
            levels: vec![Level::default()],
            measuring: BTreeSet::new(),
            best: None,
            patience: (now + ROOT_PATIENCE, ROOT_PATIENCE),
            phase: Phase::Racing,
            last_rounds: 0,
            events: VecDeque::new(),
            cost: Cost::default(),
            options,
        };
        for &root in roots {
            let reach = Scope::of(root.ip()).unwrap_or(Scope::Global);
            if let Some(who) = descent.meet(Entry::new(root, 0, None, reach, Role::Balance)) {
                descent.plan(who, now);
                if strategy == Strategy::Best {
                    descent.plan(who, now + ROOT_SPACING);
                }
            }
        }
        descent
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if self.is_finished() || now >= self.deadline {
            return self.advance(now);
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

    /// This host cannot send to an address: the candidate is out.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr) {
        if let Some(&who) = self.index.get(&to) {
            self.meet_obstacle(now, who, Obstacle::Path);
        }
    }

    /// An ICMP error came about a datagram to this address: the candidate is out, unless an answer
    /// comes all the same. Anybody can forge such an error, but who has not seen the request cannot
    /// quote it; one that does not quote it, or is about a candidate that has answered, changes
    /// nothing.
    pub fn handle_icmp(&mut self, now: Instant, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        let Some(&who) = self.index.get(&to) else { return };
        let entry = &self.entries[who];
        let (view, names) = (self.options.view, self.options.names);
        let quotes = |copy: &Copy| {
            let request = entry.request(copy.id, copy.nonce, view, names);
            quoted.len() >= PROOF.min(request.len()) && request.starts_with(quoted)
        };
        if entry.is_awaited() && entry.copies.iter().any(quotes) {
            self.meet_obstacle(now, who, obstacle);
        }
    }

    fn meet_obstacle(&mut self, now: Instant, who: usize, obstacle: Obstacle) {
        self.entries[who].obstacle = Some(obstacle);
        self.give_up(who);
        self.advance(now);
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
    pub fn poll_event(&mut self) -> Option<DescentEvent> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; none once it is finished.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let send = self.sends.first().map(|(due, _)| *due);
        let wait = match self.phase {
            Phase::Finished(..) => return None,
            Phase::Lingering(until, ..) => until,
            // What comes at the last moment still counts.
            Phase::Racing | Phase::Verifying if self.best.is_some() => {
                self.decided_at() + Duration::from_nanos(1)
            }
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
    pub(super) fn expect_answer(&mut self, who: usize, newest: Option<Instant>) {
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
    pub(super) fn give_up(&mut self, who: usize) {
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
                Spend::Send => {}
                Spend::Wait | Spend::Never => {
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
}
