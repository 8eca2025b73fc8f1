use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::better::{is_worth_a_move, lasts};
use super::change::{WatchChange, WatchReason};
use super::hurry::Hurry;
use super::measured_turn::{ASKED, MeasuredTurn, Whom};
use super::measurement::{Measurement, PATIENCE, asked_at_most};
use super::named_standbys::NamedStandbys;
use crate::net::engine::client::descent::link::put_on_link;
use crate::net::engine::client::descent::{Contender, Options, Selection};
use crate::net::engine::exchange::Proof;
use crate::net::engine::{Rng, Transmit, jitter};
use crate::net::wire::{Response, ResponseBody, stun};

/// From one measurement to the next.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many stand by, and how many at most where more are wanted: as many as a descent tells of beside the one
/// that it chooses. Each takes some 2,700 datagrams an hour.
const STANDBYS: usize = 2;
const MOST_STANDBYS: usize = 7;

/// How many copies each is asked with, and how far apart they are: bursts of loss (some 80 ms) seldom
/// take both.
const COPIES: u32 = 2;
const SPACING: Duration = Duration::from_millis(300);

/// Within which time those who have just moved go down again. A TURN server that dies is left by all its
/// clients in the same seconds, and roots need not see them all at once.
const SPREAD: Duration = Duration::from_secs(5);

/// Whoever stays at the best TURN server, and moves where that is worth it.
///
/// Call [`poll_descent`](Self::poll_descent), which may ask for a descent, and
/// [`poll_transmit`](Self::poll_transmit) until it is empty, then wait for a datagram, the end of the
/// descent or for [`poll_timeout`](Self::poll_timeout), hand it in, and begin again.
#[derive(Debug)]
pub struct WatchEngine {
    verifies: bool,
    /// Whether any TURN server has ever answered itself: then none is used any more on its leaf's word.
    proven: bool,
    current: Option<MeasuredTurn>,
    standbys: Vec<MeasuredTurn>,
    /// How many of them there may be, and those of them that were told of.
    most: usize,
    named: NamedStandbys,
    /// The one that was lost last, while there is none.
    lost: Option<SocketAddr>,
    /// Requests that are due, to one or the other of these TURN servers.
    due: BTreeMap<(Instant, u64), (SocketAddr, Whom)>,
    planned: u64,
    measurement: Option<Measurement>,
    /// When the last but one measurement began.
    before: Instant,
    next: Option<Instant>,
    hurry: Hurry,
    events: VecDeque<WatchChange>,
    rng: Rng,
}

impl WatchEngine {
    /// Begins at `now`, with a descent. The `options` are those of its descents.
    pub fn new(options: &Options, now: Instant, rng: Rng) -> Self {
        let wanted = options.runners_up.min(MOST_STANDBYS);
        Self {
            verifies: options.verifies(),
            proven: false,
            current: None,
            standbys: Vec::new(),
            most: STANDBYS.max(wanted),
            named: NamedStandbys::new(wanted),
            lost: None,
            due: BTreeMap::new(),
            planned: 0,
            measurement: None,
            before: now,
            next: None,
            hurry: Hurry::new(now),
            events: VecDeque::new(),
            rng,
        }
    }

    /// The TURN server to use now, as the last measurement has it. `None`: nobody is known to live.
    pub fn selection(&self) -> Option<Selection> {
        self.current.as_ref().map(|current| current.selection(&self.standbys))
    }

    /// The times of the last measurements: of the selection, then of those who stand by.
    pub fn measured(&self) -> impl Iterator<Item = (SocketAddr, Duration)> {
        self.all().map(|one| (one.addr(), one.rtt))
    }

    /// A datagram came. What is no answer to a request that is remembered is ignored.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if stun::is_stun(datagram) {
            if let Some(proof) = Proof::of_binding(datagram) {
                let mut all = self.current.iter_mut().chain(&mut self.standbys);
                self.proven |= all.any(|one| one.hear_binding(now, from, proof));
            }
            return;
        }
        let Ok(Response { id, body: ResponseBody::Probe(mut reply) }) = Response::decode(datagram)
        else {
            return;
        };
        put_on_link(&mut reply, from);
        let proof = Proof::of_reply(id, &reply);
        let mut all = self.current.iter_mut().chain(&mut self.standbys);
        if all.any(|one| one.hear_reply(now, from, proof, &reply)) {
            self.leave_out_of_service(now);
            self.tell_of_standbys(now);
        }
    }

    /// A descent that [`poll_descent`](Self::poll_descent) asked for has ended, and found these, the one that
    /// it chose first; none: it found nothing. It has ruled out what is listed at these others.
    pub fn handle_descent(
        &mut self,
        now: Instant,
        found: Vec<Contender>,
        ruled_out: &[SocketAddr],
    ) {
        self.hurry.end(now, &mut self.rng);
        self.take_found(now, found, ruled_out);
        if self.current.is_some() && self.named.look_again(&self.standbys, self.proven) {
            self.hurry.want(now);
        }
    }

    fn take_found(&mut self, now: Instant, found: Vec<Contender>, ruled_out: &[SocketAddr]) {
        let all = self.current.iter_mut().chain(&mut self.standbys);
        all.for_each(|one| one.note_ruled_out(ruled_out));
        self.proven |= found.iter().any(|one| one.selection.verified);
        let can_be_used = |one: &Contender| one.selection.verified || !self.proven;
        if !found.iter().any(can_be_used) {
            if self.current.is_none() {
                self.hurry.want(now);
            }
            return self.leave_out_of_service(now);
        }
        match &mut self.current {
            Some(current) => {
                let again = found.iter().find(|one| one.selection.turn == current.addr());
                if let Some(again) = again {
                    current.found_again(again.clone(), now);
                }
                self.stand_by(now, found);
                self.leave_out_of_service(now);
                self.tell_of_standbys(now);
            }
            None => self.select(now, found),
        }
    }

    /// This host is in another network, or has another way out: all that was measured is void, and the
    /// descent on its way too.
    pub fn handle_network_change(&mut self, now: Instant) {
        self.current.iter_mut().chain(&mut self.standbys).for_each(MeasuredTurn::forget);
        self.due.clear();
        self.measurement = None;
        self.next = self.current.as_ref().map(|_| now);
        self.hurry.want_anew(now);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.measurement.as_mut().is_some_and(|on| on.end_of_words(now)) {
            self.leave_out_of_service(now);
        }
        if self.awaited_until().is_some_and(|until| until <= now) {
            self.judge(now);
        }
        if self.next.is_some_and(|next| next <= now) && self.awaited_until().is_none() {
            self.measure(now);
        }
    }

    /// Whether a descent is to begin now, in the place of one that may be on its way.
    pub fn poll_descent(&mut self, now: Instant) -> bool {
        self.hurry.begin(now)
    }

    /// The next datagram to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) {
            let (turn, whom) = first.remove();
            let mut all = self.current.iter_mut().chain(&mut self.standbys);
            let one = all.find(|one| one.addr() == turn);
            if let Some(transmit) = one.and_then(|one| one.ask(whom, now, &mut self.rng)) {
                return Some(transmit);
            }
        }
        None
    }

    /// What has changed since the last call.
    pub fn poll_event(&mut self) -> Option<WatchChange> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), [`poll_descent`](Self::poll_descent) and
    /// [`poll_transmit`](Self::poll_transmit) next; `None`: not before the descent on its way has ended.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        let next = self.next.filter(|_| self.awaited_until().is_none());
        let words = self.measurement.and_then(|on| on.words);
        [due, words, self.awaited_until(), next, self.hurry.due()].into_iter().flatten().min()
    }

    // ---- measurements ----

    fn all(&self) -> impl Iterator<Item = &MeasuredTurn> {
        self.current.iter().chain(&self.standbys)
    }

    fn awaited_until(&self) -> Option<Instant> {
        self.measurement?.until
    }

    /// A measurement begins.
    fn measure(&mut self, now: Instant) {
        self.before = self.measurement.map_or(now, |last| last.began);
        self.measurement = Some(Measurement::begin(now));
        self.next = Some(now + jitter(INTERVAL, &mut self.rng));
        let mut requests = Vec::new();
        for one in self.current.iter_mut().chain(&mut self.standbys) {
            one.begin();
            requests.extend(one.signs().iter().map(|whom| (one.addr(), *whom, COPIES)));
            requests.extend(one.hearsay().map(|whom| (one.addr(), whom, 1)));
        }
        self.plan(now, requests);
    }

    /// The selection has had its time: it has answered, is asked again, or is silent.
    fn judge(&mut self, now: Instant) {
        let (Some(on), Some(current)) = (&mut self.measurement, &self.current) else {
            self.measurement = None;
            return;
        };
        if current.answered >= on.began {
            on.until = None;
            let began = on.began;
            return self.compare(now, began);
        }
        if on.asked < asked_at_most() {
            on.asked += 1;
            on.until = Some(now + PATIENCE);
            // Before it is left it has to be known who lives.
            let last = on.asked == ASKED;
            let asked = self.all().take(if last { usize::MAX } else { 1 });
            let signs = |one: &MeasuredTurn| {
                let addr = one.addr();
                one.signs().iter().map(move |whom| (addr, *whom, COPIES))
            };
            let requests = asked.flat_map(signs).collect();
            return self.plan(now, requests);
        }
        let (began, lasted) = (on.began, now.saturating_duration_since(on.began));
        on.until = None;
        let reason = WatchReason::Silent { lasted };
        match self.best_standby(|one| one.answered >= began) {
            Some(at) => self.move_to(now, at, reason),
            None => self.lose(now, reason),
        }
    }

    /// The selection has answered: is anybody else worth a move?
    fn compare(&mut self, now: Instant, began: Instant) {
        let Some(current) = &mut self.current else { return };
        let rtt = current.end(began);
        let (verified, misses) = (current.is_verified(), current.misses());
        let mut best: Option<(u8, Duration, usize)> = None;
        for (at, one) in self.standbys.iter_mut().enumerate() {
            let times = one.end(began).zip(rtt);
            let may = one.out_of_service().is_none() && (one.is_verified() || !verified);
            let better = times
                .is_some_and(|(rtt, other)| is_worth_a_move((one.misses(), rtt), (misses, other)));
            one.better = if may && better { one.better.saturating_add(1) } else { 0 };
            let this = (one.misses(), one.rtt, at);
            if one.better > 0 && lasts(one.better) && best.is_none_or(|best| this < best) {
                best = Some(this);
            }
        }
        if let (Some((better, _, at)), Some(rtt)) = (best, rtt) {
            let reason = match better < misses {
                true => WatchReason::Preferred,
                false => WatchReason::Slower { rtt },
            };
            return self.move_to(now, at, reason);
        }
        if !self.standbys.is_empty() && self.standbys.iter().all(MeasuredTurn::is_gone) {
            self.hurry.want(now);
        }
        self.tell_of_standbys(now);
    }

    fn plan(&mut self, now: Instant, requests: Vec<(SocketAddr, Whom, u32)>) {
        for (turn, whom, copies) in requests {
            for copy in 0..copies {
                self.planned += 1;
                self.due.insert((now + SPACING * copy, self.planned), (turn, whom));
            }
        }
    }

    // ---- moves ----

    /// Leaves a selection whose leaf says that it is not to be used, if there is another. Where a whole site is
    /// drained that one may say the same in a moment.
    fn leave_out_of_service(&mut self, now: Instant) {
        let Some(current) = &self.current else { return };
        let Some(reason) = current.out_of_service() else { return };
        let since = self.before;
        let on = self.measurement.filter(|on| on.words.is_some());
        let may_say = |one: &MeasuredTurn| on.is_some_and(|on| one.may_yet_speak(on.began));
        match self.best_standby(|one| one.missed == 0 && one.answered >= since) {
            Some(at) if may_say(&self.standbys[at]) => {}
            Some(at) => self.move_to(now, at, reason),
            None if current.is_reserve() => self.hurry.want(now),
            None => self.lose(now, reason),
        }
    }

    /// The best of those who stand by, can be used, and live: of those that were as near as the best the one
    /// that was drawn first, or all who leave a full one would fill the next.
    fn best_standby(&self, lives: impl Fn(&MeasuredTurn) -> bool) -> Option<usize> {
        let may = |one: &MeasuredTurn| {
            one.out_of_service().is_none() && (one.is_verified() || !self.proven) && lives(one)
        };
        let standbys = self.standbys.iter().enumerate().filter(|(_, one)| may(one));
        let rtt = |one: &MeasuredTurn| (!one.was_drawn()).then_some(one.rtt);
        let best =
            standbys.min_by_key(|(at, one)| (!one.is_verified(), one.misses(), rtt(one), *at));
        best.map(|(at, _)| at)
    }

    /// Uses one of those who stand by from now on. The one that is left takes its place if it lives.
    fn move_to(&mut self, now: Instant, at: usize, reason: WatchReason) {
        let left = self.current.replace(self.standbys.remove(at));
        let told = left.as_ref().map(|left| left.selection(&[]));
        match (reason, left) {
            (WatchReason::Slower { .. } | WatchReason::Preferred, Some(left)) => {
                self.standbys.insert(0, left);
            }
            _ => self.look_soon(now),
        }
        self.standbys.iter_mut().for_each(|one| one.better = 0);
        let selection = self.tell(self.proven);
        self.events.push_back(WatchChange { selection, left: told, reason });
    }

    /// Goes down again within some seconds.
    fn look_soon(&mut self, now: Instant) {
        let wait = self.rng.random_range(Duration::ZERO..=SPREAD);
        self.hurry.want(now + wait);
    }

    /// Tells that others stand by than those that were named, and looks for more where one is gone.
    fn tell_of_standbys(&mut self, now: Instant) {
        if self.current.is_some() && self.named.miss_another(&self.standbys, self.proven) {
            self.look_soon(now);
        }
        let change = self.named.change(&self.standbys, self.proven, now);
        if let Some((left, reason)) = change.filter(|_| self.current.is_some()) {
            let selection = self.tell(self.proven);
            self.events.push_back(WatchChange { selection, left, reason });
        }
    }

    /// What is used now, and who stands by and lives.
    fn tell(&mut self, proven: bool) -> Option<Selection> {
        self.named.name(&self.standbys, proven);
        let lives = |one: &&MeasuredTurn| one.missed == 0 && one.out_of_service().is_none();
        let alive: Vec<_> = self.standbys.iter().filter(lives).map(MeasuredTurn::addr).collect();
        let mut selection = self.current.as_ref()?.selection(&self.standbys);
        let named = &self.named;
        selection.runners_up.retain(|one| alive.contains(&one.turn) || named.has(one.turn));
        named.put_first(&mut selection);
        Some(selection)
    }

    /// Nobody is left.
    fn lose(&mut self, now: Instant, reason: WatchReason) {
        let left = self.current.take().map(|left| left.selection(&[]));
        self.lost = left.as_ref().map(|left| left.turn);
        self.standbys.clear();
        self.due.clear();
        (self.measurement, self.next) = (None, None);
        self.hurry.want(now);
        self.events.push_back(WatchChange { selection: None, left, reason });
    }

    /// Takes what a descent has chosen: the one that was lost, if that lives and is about as near.
    fn select(&mut self, now: Instant, mut found: Vec<Contender>) {
        // Some may have been silent themselves, and stand first by their leaves' word.
        found.sort_by_key(|one| !one.selection.verified);
        let stays = |one: &Contender| {
            let (best, lost) = (&found[0].selection, &one.selection);
            Some(lost.turn) == self.lost
                && one.says.is_none()
                && (lost.verified || !best.verified)
                && !is_worth_a_move((found[0].misses, best.rtt), (one.misses, lost.rtt))
        };
        if let Some(at) = found.iter().position(stays) {
            found.swap(0, at);
            let others = found.get_mut(1..).unwrap_or_default();
            others.sort_by_key(|one| (!one.selection.verified, one.misses, one.selection.rtt));
        }
        let chosen = found.remove(0);
        let all = chosen.selection.clone();
        self.current = Some(MeasuredTurn::new(chosen, self.verifies, now));
        self.lost = None;
        self.stand_by(now, found);
        let selection = if self.named.are_wanted() { self.tell(false) } else { Some(all) };
        self.next = Some(now + jitter(INTERVAL, &mut self.rng));
        let reason = WatchReason::Selected;
        self.events.push_back(WatchChange { selection, left: None, reason });
    }

    /// Has the first of these stand by, but for the selection; those who do so already stay what they are.
    fn stand_by(&mut self, now: Instant, found: Vec<Contender>) {
        let current = self.current.as_ref().map(MeasuredTurn::addr);
        let others = found.into_iter().filter(|one| Some(one.selection.turn) != current);
        let others = others.filter(|one| one.says.is_none());
        let mut before = std::mem::take(&mut self.standbys);
        for one in others.take(self.most) {
            let known = before.iter().position(|known| known.addr() == one.selection.turn);
            self.standbys.push(match known.map(|at| before.swap_remove(at)) {
                Some(mut known) => {
                    known.found_again(one, now);
                    known
                }
                None => MeasuredTurn::new(one, self.verifies, now),
            });
        }
        if self.standbys.is_empty() {
            self.standbys = before;
        }
    }
}
