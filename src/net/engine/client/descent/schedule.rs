//! What is due when, and what is awaited until when. All of it is indexed by time: the next thing to
//! do is found by a look at the end of a set.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::candidate_id::CandidateId;
use super::entry::Entry;
use super::role::Role;

/// Between the two copies that a root gets: everything hangs on it.
pub(super) const ROOT_SPACING: Duration = Duration::from_millis(10);

/// After which roots that stayed silent are asked again; doubled each time. Two copies are lost in
/// one descent of a hundred at 5 % loss: waiting longer costs all of them more, on average, than
/// one more datagram costs those who are far from every root.
pub(super) const ROOT_PATIENCE: Duration = Duration::from_millis(100);

/// What that comes to at most: a root whose network is flooded answers one request in two, and one
/// that was down may be back at any moment.
pub(super) const MOST_ROOT_PATIENCE: Duration = Duration::from_secs(1);

/// After which a level that stayed silent is asked again; doubled each time (RFC 8489, section
/// 6.2.1 has 500 ms; here two or three copies were lost already).
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

type ByTime = BTreeSet<(Instant, CandidateId)>;

/// The times of one descent.
#[derive(Debug)]
pub(super) struct Schedule {
    /// How many copies are due.
    due: BTreeMap<(Instant, CandidateId), u32>,
    /// For whom an answer is outstanding, the moment of its newest copy, sent or due.
    newest: BTreeMap<CandidateId, (Instant, Lane)>,
    /// These, by level: balance servers.
    pending: Vec<ByTime>,
    /// These: leaves and TURN servers.
    measuring: ByTime,
    patience: Patience,
}

/// How long silence is borne.
#[derive(Debug, Clone, Copy)]
struct Patience {
    until: Instant,
    /// How long the silence may last after that is twice this.
    wait: Duration,
}

/// Among whom a candidate's answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Level(u8),
    Measuring,
}

impl Lane {
    fn of(entry: &Entry) -> Self {
        match entry.role {
            Role::Balance => Self::Level(entry.level),
            Role::Leaf | Role::Turn => Self::Measuring,
        }
    }
}

impl Schedule {
    /// Nothing due; silence is borne for so long.
    pub(super) fn new(now: Instant, wait: Duration) -> Self {
        Self {
            due: BTreeMap::new(),
            newest: BTreeMap::new(),
            pending: Vec::new(),
            measuring: ByTime::new(),
            patience: Patience { until: now + wait, wait },
        }
    }

    /// Plans a copy of a request to a candidate.
    pub(super) fn plan(&mut self, id: CandidateId, entry: &Entry, at: Instant) {
        *self.due.entry((at, id)).or_default() += 1;
        self.expect(id, entry, at);
    }

    /// Awaits an answer to a copy that was sent then, or to a newer one.
    pub(super) fn expect(&mut self, id: CandidateId, entry: &Entry, at: Instant) {
        let newest = self.newest.get(&id).map_or(at, |(newest, _)| at.max(*newest));
        self.await_newest(id, Lane::of(entry), Some(newest));
    }

    /// Awaits an answer to no other copy than one that was sent then; `None`: to none at all.
    pub(super) fn expect_only(&mut self, id: CandidateId, entry: &Entry, at: Option<Instant>) {
        self.await_newest(id, Lane::of(entry), at);
    }

    /// An answer to the copy that was sent then has come: an older one whose answer is still out
    /// can only show a longer time.
    pub(super) fn settle(&mut self, id: CandidateId, sent: Instant) {
        if self.newest.get(&id).is_some_and(|(newest, _)| *newest == sent) {
            self.stop_awaiting(id);
        }
    }

    /// A candidate is taken for something else than before.
    pub(super) fn move_to_its_lane(&mut self, id: CandidateId, entry: &Entry) {
        if let Some(&(newest, _)) = self.newest.get(&id) {
            self.await_newest(id, Lane::of(entry), Some(newest));
        }
    }

    /// Sends no more to a candidate, and awaits nothing from it.
    pub(super) fn give_up(&mut self, id: CandidateId) {
        self.due.retain(|&(_, due), _| due != id);
        self.stop_awaiting(id);
    }

    /// Who is due to be asked, once; it no longer is.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<CandidateId> {
        let mut first = self.due.first_entry().filter(|first| first.key().0 <= now)?;
        let (_, id) = *first.key();
        *first.get_mut() -= 1;
        if *first.get() == 0 {
            first.remove();
        }
        Some(id)
    }

    /// When the next copy is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Who is due to be asked, once for each copy.
    pub(super) fn planned(&self) -> impl Iterator<Item = CandidateId> {
        self.due.iter().flat_map(|((_, id), copies)| (0..*copies).map(|_| *id))
    }

    /// Whether an answer of a candidate is outstanding.
    pub(super) fn awaits(&self, id: CandidateId) -> bool {
        self.newest.contains_key(&id)
    }

    /// When the newest copy to a candidate went or goes, of which an answer is outstanding.
    pub(super) fn newest(&self, id: CandidateId) -> Option<Instant> {
        self.newest.get(&id).map(|(newest, _)| *newest)
    }

    /// Whether the answer of any leaf or TURN server is.
    pub(super) fn is_measuring(&self) -> bool {
        !self.measuring.is_empty()
    }

    /// Whether none is, and nothing is due.
    pub(super) fn is_quiet(&self) -> bool {
        self.newest.is_empty() && self.due.is_empty()
    }

    /// The leaves and TURN servers that an answer is awaited of, by their newest copies, the newest first.
    pub(super) fn measuring(&self) -> impl Iterator<Item = (Instant, CandidateId)> {
        self.measuring.iter().rev().copied()
    }

    /// The balance servers that an answer is awaited of, by level, and their newest copies.
    pub(super) fn pending(&self) -> impl Iterator<Item = (usize, Instant, CandidateId)> {
        let levels = self.pending.iter().enumerate();
        levels.flat_map(|(level, set)| set.iter().map(move |(at, id)| (level, *at, *id)))
    }

    /// Sends nothing more of what was planned.
    pub(super) fn cancel(&mut self) {
        self.due.clear();
    }

    /// Sends nothing more of what was planned, and awaits nothing.
    pub(super) fn clear(&mut self) {
        self.cancel();
        self.newest.clear();
        self.measuring.clear();
        self.pending.iter_mut().for_each(ByTime::clear);
    }

    /// When silence has lasted too long.
    pub(super) fn patience_ends(&self) -> Instant {
        self.patience.until
    }

    /// Bears silence for so long from then on.
    pub(super) fn be_patient(&mut self, from: Instant, wait: Duration) {
        self.patience = Patience { until: from + wait, wait };
    }

    /// The patience that follows this one: twice as long, but no longer than `most`.
    pub(super) fn next_patience(&self, most: Duration) -> Duration {
        (self.patience.wait * 2).min(most)
    }

    fn stop_awaiting(&mut self, id: CandidateId) {
        if let Some((newest, lane)) = self.newest.remove(&id) {
            self.lane(lane).remove(&(newest, id));
        }
    }

    fn await_newest(&mut self, id: CandidateId, lane: Lane, newest: Option<Instant>) {
        self.stop_awaiting(id);
        if let Some(newest) = newest {
            self.newest.insert(id, (newest, lane));
            self.lane(lane).insert((newest, id));
        }
    }

    fn lane(&mut self, lane: Lane) -> &mut ByTime {
        let Lane::Level(level) = lane else { return &mut self.measuring };
        let level = usize::from(level);
        if self.pending.len() <= level {
            self.pending.resize_with(level + 1, ByTime::new);
        }
        &mut self.pending[level]
    }
}
