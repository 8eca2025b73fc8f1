//! When a node is checked, and which answers are right.

use std::time::{Duration, Instant};

use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::engine::server::distance::Distance;
use crate::net::engine::server::ways::{Route, Way, Ways};
use crate::net::wire::{Extras, View};

/// The checks of one node.
#[derive(Debug)]
pub(super) struct Check {
    next: Instant,
    last: Option<Instant>,
    /// When all times that it was brought forward are made up for.
    rested: Instant,
    /// When the first of this round was sent.
    round: Instant,
    /// How many were sent in this round.
    sent: usize,
    /// The latest requests: an answer may outlast the round it belongs to.
    exchange: Exchange,
    distance: Distance,
    route: Route,
}

impl Check {
    /// Between checks of a node that is online. An answer is good for 12 s, four of these.
    pub(super) const PERIOD: Duration = Duration::from_secs(3);
    /// Between checks of a node that is not.
    pub(super) const PERIOD_OFFLINE: Duration = Duration::from_secs(10);
    /// The least time between two checks of one node, however many heartbeats ask for one.
    const SPACING: Duration = Duration::from_millis(250);
    /// So many times in a row a check may be brought forward as far as that. Who has news without end
    /// is checked as often as others then.
    const HURRIES: u32 = 8;
    /// After which one of these is made up for: less than what is between two heartbeats of a node
    /// that is well (2.7 s at least).
    const HURRY: Duration = Duration::from_millis(2500);
    /// How many requests are remembered: at the least spacing, those of two seconds.
    const REMEMBERED: usize = 8;
    /// After which a check without answer is repeated. The longest stands also after the last.
    const REPEATS: [Duration; 4] = [
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_millis(1000),
        Duration::from_millis(2000),
    ];

    pub(super) fn new(first: Instant) -> Self {
        Self {
            next: first,
            last: None,
            rested: first,
            round: first,
            sent: 0,
            exchange: Exchange::new(Owner::Check),
            distance: Distance::default(),
            route: Route::default(),
        }
    }

    /// Finds the way of the next. Returns whether it is news that it is another.
    pub(super) fn route(&mut self, now: Instant, ways: &mut Ways) -> bool {
        self.route.ask(now, ways)
    }

    pub(super) fn way(&self) -> Way {
        self.route.way()
    }

    /// The node answers, whatever it says.
    pub(super) fn heard(&mut self) {
        self.route.answered();
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// How many were sent in this round.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Starts a round as soon as the spacing allows.
    pub(super) fn bring_forward(&mut self, now: Instant) {
        let soonest = self.last.map_or(now, |last| now.max(last + Self::SPACING));
        if soonest < self.next && self.may_hurry(now) {
            self.next = soonest;
            self.sent = 0;
        }
    }

    /// Whether it has not been brought forward too often of late (the generic cell rate algorithm:
    /// ITU-T I.371, annex A).
    fn may_hurry(&mut self, now: Instant) -> bool {
        planted!(HurriesWithoutEnd => true);
        let (rested, most) =
            (self.rested.max(now) + Self::HURRY, now + Self::HURRY * Self::HURRIES);
        self.rested = rested.min(most);
        rested <= most
    }

    /// The node wants to be asked again, with a cookie.
    pub(super) fn retry(&mut self, now: Instant, cookie: Vec<u8>) {
        self.exchange.set_cookie(cookie);
        self.heard();
        self.bring_forward(now);
    }

    /// Notes that one is sent, and gives its bytes, at least so many.
    pub(super) fn send(
        &mut self,
        now: Instant,
        token: Token,
        size: usize,
        online: bool,
    ) -> Vec<u8> {
        if self.sent == 0 {
            self.round = now;
        }
        let query = Query::Probe {
            view: View::Flat,
            names: true,
            extras: Extras { labels: true, ..Extras::default() },
            size: size as u16,
        };
        self.exchange.sent(now, token, query, ());
        self.exchange.keep_newest(Self::REMEMBERED);
        self.last = Some(now);
        self.next = match Self::repeat_after(self.sent) {
            Some(wait) => now + wait,
            None => {
                let period = if online { Self::PERIOD } else { Self::PERIOD_OFFLINE };
                (self.round + period).max(now + Self::REPEATS[3])
            }
        };
        self.sent = (self.sent + 1) % (Self::REPEATS.len() + 1);
        self.exchange.encode(token, query)
    }

    /// How long one waits for its repetition, where so many were sent before in the round.
    fn repeat_after(sent: usize) -> Option<Duration> {
        planted!(CheckNotRepeated => None);
        Self::REPEATS.get(sent).copied()
    }

    /// When the request was sent that an answer is to; `None`: it is not right.
    pub(super) fn answered_by(&self, proof: Proof) -> Option<Instant> {
        match self.exchange.judge(proof) {
            Judged::Right { sent, .. } => Some(sent),
            Judged::Repeated | Judged::Unasked => None,
        }
    }

    /// Notes how far the node is, by the answer to a request that was sent then.
    pub(super) fn measure(&mut self, now: Instant, sent: Instant) {
        self.distance.measure(now.saturating_duration_since(sent));
    }

    /// The round-trip time to the node, once it has answered.
    pub(super) fn distance(&self) -> Option<Duration> {
        self.distance.shown()
    }

    /// The same as it is now.
    pub(super) fn recent_distance(&self) -> Option<Duration> {
        self.distance.recent()
    }

    /// Ends the round with a right answer; the next begins then.
    pub(super) fn answered(&mut self, proof: Proof, next: Instant) {
        if forgets_answered() {
            self.exchange.accept(proof);
            self.exchange.forget();
        }
        self.heard();
        self.sent = 0;
        self.next = next;
    }
}

/// Whether an answer counts once.
fn forgets_answered() -> bool {
    planted!(CheckAnswerKept => false);
    true
}
