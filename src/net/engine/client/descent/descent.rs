mod named;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::event::DescentEvent;
use super::failure::Failure;
use super::finish::{self, fastest_turn};
use super::last_round::{FINAL_COPIES, LAST_ROUNDS, LastRound};
use super::link::put_on_link;
use super::options::{Options, Progress, Strategy};
use super::outcome::Ending;
use super::race::Race;
use super::rank::Score;
use super::report::Obstacle;
use super::roots::NamedRoots;
use super::unoffered::Unoffered;
use super::urls::{UrlAnswer, Urls};
use crate::net::engine::exchange::Proof;
use crate::net::engine::{Rng, Transmit, later};
use crate::net::wire::{Response, ResponseBody, View, stun};
use crate::types::Nat64;

/// One descent, from the roots to a TURN server.
///
/// Call [`poll_transmit`](Self::poll_transmit) until it is empty, then wait for a datagram or for
/// [`poll_timeout`](Self::poll_timeout), hand it in, and begin again, until
/// [`is_finished`](Self::is_finished).
#[derive(Debug)]
pub struct Descent {
    race: Race,
    urls: Urls,
    last_round: LastRound,
    roots: NamedRoots,
    unoffered: Unoffered,
    phase: Phase,
    started: Instant,
    deadline: Instant,
}

#[derive(Debug)]
enum Phase {
    Racing,
    /// The last round: the finalists are asked themselves, for so many times so far.
    Verifying(u8),
    /// The choice is made; answers are only noted, until then.
    Lingering(Instant, Outcome),
    Finished(Outcome),
}

/// How it ended.
#[derive(Debug, Clone)]
struct Outcome {
    elapsed: Duration,
    /// The one that was chosen (a leaf or a TURN server) and its measured time.
    choice: Result<Score, Failure>,
}

impl Descent {
    /// A descent from these roots, which begins at `now`; others may follow.
    pub fn new(mut options: Options, roots: &[SocketAddr], now: Instant, rng: Rng) -> Self {
        if options.strategy == Strategy::First {
            options.view = View::Subordinates; // a race through every level
        }
        let deadline = later(now, options.time_limit());
        let mut race = Race::new(options, now, rng);
        race.add_roots(roots);
        race.ask_new_roots(now);
        Self {
            race,
            urls: Urls::default(),
            last_round: LastRound::default(),
            roots: NamedRoots::default(),
            unoffered: Unoffered::default(),
            phase: Phase::Racing,
            started: now,
            deadline,
        }
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if !self.is_finished() && now < self.deadline {
            if stun::is_stun(datagram) {
                self.handle_binding(now, from, datagram);
            } else {
                self.handle_response(now, from, datagram);
            }
        }
        self.advance(now);
    }

    /// This host cannot send to an address: the candidate is out, or waits as long as a NAT64 is
    /// sought that may lead there.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr) {
        if let Some(id) = self.race.candidates().at(to) {
            self.race.handle_unsent(now, id);
            self.advance(now);
        }
    }

    /// A NAT64 is sought from now on, until [`handle_nat64`](Self::handle_nat64): IPv4 candidates wait
    /// for it, all of them where this host has no IPv4 at all (`closed`), else those that it cannot send
    /// to.
    pub fn seek_nat64(&mut self, closed: bool) {
        self.race.seek_nat64(closed);
    }

    /// Whether there is a NAT64 is known: by which, if there is one, it sends to IPv4 candidates that it
    /// cannot send to otherwise. They stand where they are listed, and so does what a NAT64 address
    /// carries that is listed itself.
    pub fn handle_nat64(&mut self, now: Instant, nat64: Nat64) {
        self.race.handle_nat64(now, nat64);
        if matches!(self.phase, Phase::Lingering(..) | Phase::Finished(_)) {
            self.race.schedule_mut().cancel();
        }
        self.advance(now);
    }

    /// An ICMP error came about a datagram to this address: the candidate is out, unless an answer
    /// comes all the same. Anybody can forge such an error, but who has not seen the request cannot
    /// quote it; one that does not quote it, or is about a candidate that has answered, changes
    /// nothing.
    pub fn handle_icmp(&mut self, now: Instant, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        let Some(id) = self.race.candidates().at(to) else { return };
        let entry = &self.race.candidates()[id];
        if entry.is_awaited() && entry.exchange.is_quoted(quoted) {
            self.race.handle_obstacle(id, obstacle);
            self.advance(now);
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        let impatient = now >= self.race.schedule().patience_ends();
        if impatient && self.race.best().is_none() && self.is_racing() {
            self.race.ask_again(now);
        }
        self.ask_spare(now);
        self.advance(now);
    }

    /// The next datagram to send; `now` is noted as the moment it went.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        match self.phase {
            Phase::Racing => self.race.poll_transmit(now, false),
            Phase::Verifying(_) => {
                let sent = self.race.poll_transmit(now, true);
                sent.or_else(|| self.urls.poll_transmit(now, &mut self.race))
            }
            Phase::Lingering(..) | Phase::Finished(_) => None,
        }
    }

    /// What has become known since the last call.
    pub fn poll_event(&mut self) -> Option<DescentEvent> {
        self.race.poll_event()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) next; `None`: it is finished.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let wait = match self.phase {
            Phase::Finished(_) => return None,
            Phase::Lingering(until, _) => until,
            Phase::Racing | Phase::Verifying(_) if self.race.best().is_some() => {
                // What comes at the last moment still counts.
                let decided = self.decided_at() + Duration::from_nanos(1);
                if self.awaits_nat64() { self.deadline } else { decided }
            }
            Phase::Racing | Phase::Verifying(_) => self.race.schedule().patience_ends(),
        };
        let urls = self.urls.next_due().filter(|_| self.is_verifying());
        let due =
            self.race.schedule().next_due().into_iter().chain(urls).chain(self.spare_due()).min();
        Some(due.map_or(wait, |due| due.min(wait)).min(self.deadline))
    }

    /// Whether it has ended, and the result stands.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished(_))
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let candidates = self.race.candidates();
        Progress {
            candidates: candidates.len(),
            answered: candidates.iter().filter(|(_, entry)| entry.rtt.is_some()).count(),
            provisional: self
                .race
                .best()
                .and_then(|best| self.race.turn_of(best.id))
                .map(|turn| turn.addr),
        }
    }

    /// How it stands at its end, and what it chose. `None`: it is not finished.
    pub(super) fn ended(&self) -> Option<(Ending<'_>, Result<Score, Failure>)> {
        let Phase::Finished(Outcome { elapsed, choice }) = &self.phase else { return None };
        Some((self.ending(*elapsed), choice.clone()))
    }

    fn handle_binding(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Some(proof) = Proof::of_binding(datagram) else {
            return self.race.post().note(|cost| &mut cost.malformed);
        };
        if let Some(id) = self.race.handle_answer(now, from, proof) {
            self.race.compare(id);
        }
    }

    fn handle_response(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(Response { id, body: ResponseBody::Probe(mut reply) }) = Response::decode(datagram)
        else {
            return self.race.post().note(|cost| &mut cost.malformed);
        };
        put_on_link(&mut reply, from);
        let proof = Proof::of_reply(id, &reply);
        let id = match self.urls.hear(now, from, proof, &reply, &mut self.race) {
            UrlAnswer::Taken => return,
            UrlAnswer::OfLeaf(id) => {
                self.unoffered.note(id, &mut reply);
                self.race.handle_state(id, reply.state);
                id
            }
            UrlAnswer::Unasked => {
                let Some(id) = self.race.handle_answer(now, from, proof) else { return };
                self.unoffered.note(id, &mut reply);
                let racing = self.is_racing();
                self.race.handle_reply(now, id, reply, racing);
                id
            }
        };
        if self.is_verifying() {
            // It may have missed the end of the race just so, or have led and be out of service now.
            let leader = |best| finish::leader(self.race.candidates(), best).score.id;
            let leader = self.race.best().map(leader);
            for leaf in [Some(id), leader].into_iter().flatten() {
                self.last_round.ask(now, leaf, &mut self.race);
            }
            self.ask_for_urls(now);
        }
    }

    // ---- the end ----

    /// Ends the race once nothing outstanding can still win.
    fn advance(&mut self, now: Instant) {
        if let Phase::Lingering(until, outcome) = &self.phase {
            if now >= *until || !self.awaits_any() {
                self.phase = Phase::Finished(outcome.clone());
            }
            return;
        }
        if self.is_finished() {
            return;
        }
        if self.race.best().is_none() && self.is_verifying() {
            self.phase = Phase::Racing;
            self.race.resume(now);
        }
        let first = self.is_plain();
        while self.race.best().is_none() && self.race.schedule().is_quiet() && !self.awaits_nat64()
        {
            let on = !first && self.race.back_up(now);
            if !on && !self.race.call_up(now, true) {
                if self.ask_any_spare(now) {
                    continue;
                }
                if self.roots.are_awaited() {
                    break;
                }
                return self.end(now); // every candidate has answered, and none leads on
            }
        }
        if now >= self.deadline {
            return self.end(now);
        }
        let decided = || first && self.is_racing() || now > self.decided_at();
        if self.race.best().is_some() && !self.awaits_nat64() && decided() {
            let goes_on = match self.phase {
                Phase::Verifying(rounds) => self.verify_more(now, rounds),
                _ => self.begin_last_round(now),
            };
            if !goes_on {
                self.end(now);
            }
        }
    }

    /// The last moment at which something outstanding can win, or be one of the runners-up that are wanted.
    fn decided_at(&self) -> Instant {
        let limit = |best: Score| match self.phase {
            Phase::Verifying(_) => self.last_round.limit(best, &self.race),
            _ => self.race.candidates().reach(best.rtt),
        };
        let awaited = |score: Score| self.urls.awaited_until(score.id, &self.race);
        let urls = if self.is_verifying() { self.wanted() } else { Vec::new() };
        let urls = urls.into_iter().filter_map(awaited).max();
        let runners_up = self.race.runners_up_until();
        self.race.decided_at(limit).max(urls).max(runners_up).unwrap_or(self.started)
    }

    /// Starts the last round. Returns whether there is anything to ask.
    fn begin_last_round(&mut self, now: Instant) -> bool {
        let verifies = self.race.options().verifies() && self.verify(now);
        let urls = self.race.options().urls && self.ask_for_urls(now);
        if urls && !verifies {
            self.phase = Phase::Verifying(1);
            self.race.schedule_mut().clear();
        }
        verifies || urls
    }

    /// Asks for the URLs of the best. Returns whether it does.
    fn ask_for_urls(&mut self, now: Instant) -> bool {
        let best = match self.is_plain() {
            true => Vec::from_iter(self.favourite()),
            false => finish::ranked(self.race.candidates()).order,
        };
        self.urls.ask(now, &best, &self.race)
    }

    /// The one that would be chosen now, and the runners-up that are wanted.
    fn wanted(&self) -> Vec<Score> {
        let runners_up = self.race.options().runners_up;
        if self.is_plain() || runners_up == 0 {
            return Vec::from_iter(self.favourite());
        }
        let order = finish::ranked(self.race.candidates()).order;
        order.into_iter().take(runners_up.saturating_add(1)).collect()
    }

    /// The one that would be chosen now.
    fn favourite(&self) -> Option<Score> {
        if self.is_plain() && !self.race.options().verifies() {
            return self.race.best();
        }
        finish::ranked(self.race.candidates()).order.first().copied()
    }

    /// Asks the TURN servers of the best leaves themselves. Returns whether there is anything to ask.
    fn verify(&mut self, now: Instant) -> bool {
        let begins = self.last_round.begin(now, &mut self.race);
        if begins {
            self.phase = Phase::Verifying(1);
        }
        begins
    }

    /// Asks again the finalists that would be better than those that have answered, but stay
    /// silent: the link may have been down. If in the end none has answered, the next best are
    /// asked, near or not. Returns whether there is anything to ask.
    fn verify_more(&mut self, now: Instant, rounds: u8) -> bool {
        if rounds == LAST_ROUNDS {
            return false;
        }
        let chosen = self.favourite();
        let again = chosen.is_some_and(|score| self.urls.ask_again(now, score.id, &self.race));
        let urls = self.ask_for_urls(now) || again;
        let verifies = self.race.options().verifies();
        let silent = match verifies {
            true => self.last_round.silent(&self.race),
            false => Vec::new(),
        };
        let answered = !verifies || fastest_turn(self.race.candidates()).is_some();
        if silent.is_empty() && answered {
            self.phase = Phase::Verifying(rounds + 1);
            return urls;
        }
        let rounds = if silent.is_empty() { LAST_ROUNDS } else { rounds + 1 };
        self.phase = Phase::Verifying(rounds);
        for id in silent {
            self.race.plan_copies(id, now, FINAL_COPIES);
        }
        if rounds == LAST_ROUNDS && !answered {
            self.last_round.ask_next_best(now, &mut self.race);
        }
        urls || self.race.schedule().is_measuring()
    }

    fn end(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.started);
        let choice = self.favourite();
        let ending = self.ending(elapsed);
        let choice = choice.ok_or_else(|| ending.failure()).and_then(|choice| ending.allow(choice));
        self.race.schedule_mut().cancel();
        let until = later(now, self.race.options().linger).min(self.deadline);
        let lingers = choice.is_ok() && until > now && self.awaits_any();
        let outcome = Outcome { elapsed, choice };
        self.phase =
            if lingers { Phase::Lingering(until, outcome) } else { Phase::Finished(outcome) };
    }

    fn ending(&self, elapsed: Duration) -> Ending<'_> {
        let race = &self.race;
        Ending::new(race, &self.urls, &self.unoffered, self.roots.unresolved(), elapsed)
    }

    /// Whether any candidate may still answer for the first time.
    fn awaits_any(&self) -> bool {
        self.race.candidates().iter().any(|(_, entry)| entry.is_awaited())
    }

    /// Whether the end waits for word of a NAT64.
    fn awaits_nat64(&self) -> bool {
        self.race.awaits_nat64()
    }

    /// Whether it is a plain race, in which nobody is asked twice.
    fn is_plain(&self) -> bool {
        self.race.options().strategy == Strategy::First
    }

    fn is_racing(&self) -> bool {
        matches!(self.phase, Phase::Racing)
    }

    fn is_verifying(&self) -> bool {
        matches!(self.phase, Phase::Verifying(_))
    }
}
