//! What a server may know of a node that it checks, and how it may check it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use turn_balance::internals::engine::server::members::ONLINE;
use turn_balance::internals::wire::{ProbeReply, State};

/// What is known of a node.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What it was asked with last; and by short checks, for whoever says that it is there.
    whole: VecDeque<(u32, u64)>,
    short: VecDeque<(u32, u64)>,
    /// The number of the key that it has shown.
    pub(crate) key: Option<u32>,
    /// When checks were sent that are the first after a right answer.
    first_checks: VecDeque<Instant>,
    answered: bool,
    reads_nonces: bool,
    /// Until when it is online.
    pub(crate) until: Option<Instant>,
    pub(crate) reply: ProbeReply,
    /// Both before the last answer, and when that came.
    before: Option<(Instant, Option<Instant>, ProbeReply)>,
    /// When it was last checked, if it has not answered since; whether that began a round.
    pub(crate) checked: Option<(Instant, bool)>,
}

/// How long a check may go without answer before it is repeated: a quarter of a second.
const REPEATED: Duration = Duration::from_millis(260);

/// How many checks of a node may follow its right answers within so long: eight that are brought
/// forward, four more that are made up for meanwhile, and four of its period.
const MOST_IN_HASTE: usize = 17;
const HASTE: Duration = Duration::from_secs(10);

/// After which what is offered is encoded at the latest.
const ENCODED: Duration = Duration::from_millis(50);

/// How many short checks of one place may still be answered: four for each who names it.
const SOUNDED: usize = 4 * 64;

impl Known {
    /// It is checked. Returns what is wrong with that.
    pub(crate) fn checked(
        &mut self,
        now: Instant,
        asked: (u32, u64),
        signed: Option<u32>,
    ) -> Option<&'static str> {
        push(&mut self.whole, asked, 8);
        let late = matches!(self.checked, Some((at, true)) if now - at > REPEATED);
        let first = self.checked.is_none();
        self.checked = Some((now, first));
        if late {
            return Some("comes late");
        }
        if !first || !self.answered {
            return None;
        }
        let oldest = push(&mut self.first_checks, now, MOST_IN_HASTE);
        if oldest.is_some_and(|oldest| now - oldest < HASTE) {
            return Some("comes too often");
        }
        (self.key.is_some() && signed != self.key).then_some("has not the key that it has shown")
    }

    /// It is asked in short, because somebody says that it is there.
    pub(crate) fn sounded(&mut self, asked: (u32, u64)) {
        push(&mut self.short, asked, SOUNDED);
    }

    /// Whether an answer is right, and whether to a whole check.
    pub(crate) fn is_answered(&self, id: u32, proof: Option<u64>) -> Option<bool> {
        let right = |(asked, nonce): &(u32, u64)| {
            *asked == id && proof.map_or(!self.reads_nonces, |proof| proof == *nonce)
        };
        let whole = self.whole.iter().any(right);
        (whole || self.short.iter().any(right)).then_some(whole)
    }

    /// What may be listed of it: its last reply while that is good, and the one before while what is
    /// offered may not have been encoded again.
    pub(crate) fn shown(&self, now: Instant) -> impl Iterator<Item = &ProbeReply> {
        let before = self.before.as_ref().filter(|(at, ..)| now - *at <= ENCODED);
        let before = before.map(|(_, until, reply)| (*until, reply));
        let both = [Some((self.until, &self.reply)), before].into_iter().flatten();
        both.filter(move |(until, _)| until.is_some_and(|until| until > now))
            .map(|(_, reply)| reply)
    }

    /// A right answer came to a whole check.
    pub(crate) fn answers(&mut self, now: Instant, reply: ProbeReply) {
        self.answered = true;
        let something = !reply.nodes.is_empty() || !reply.hosts.is_empty() || reply.turn.is_some();
        let before = std::mem::take(&mut self.reply);
        self.before = Some((now, self.until, before));
        self.until = (reply.state == State::Offering && something).then(|| now + ONLINE);
        self.reads_nonces |= reply.proof().is_some();
        self.reply = reply;
        self.whole.clear();
        self.checked = None;
    }
}

/// Remembers so many. Returns the one that is forgotten.
fn push<T>(list: &mut VecDeque<T>, item: T, most: usize) -> Option<T> {
    list.push_back(item);
    (list.len() > most).then(|| list.pop_front()).flatten()
}
