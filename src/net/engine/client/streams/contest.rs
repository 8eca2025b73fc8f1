//! One descent by HTTPS and TCP: it asks, hears, goes down and decides.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::finals::{Finals, TurnProof};
use super::places::{PlaceId, SPACING, StreamPlaces};
use super::ranking::{SAMPLES, is_near};
use super::servers::Servers;
use crate::net::engine::client::descent::rank::{Lots, around};
use crate::net::engine::client::descent::{Options, Progress, Strategy, Verify};
use crate::net::engine::client::list::{ServerKind, ServerList};
use crate::net::engine::{Rng, later};
use crate::types::{HttpsFault, HttpsUrl, Name, ServerUrl, TurnFault};

/// How many lists are asked for in all, those of the roots among them.
const MOST_LISTS: usize = 16;

/// How much longer lists and names are awaited once a TURN server is in hand: whoever takes longer to tell is
/// seldom near.
const GRACE: Duration = Duration::from_secs(1);

/// How many first connections are begun at once; the next ones come a millisecond later, so that no burst
/// fills a queue.
const AT_ONCE: usize = 8;

/// A list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListId(usize);

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamAction {
    /// Ask a root for its list, or for that of a balance server below it.
    List {
        /// Which list that is.
        id: ListId,
        /// The root.
        root: HttpsUrl,
        /// The balance server.
        below: Option<SocketAddr>,
    },
    /// Look a host up.
    LookUp(String),
    /// Connect by TCP, and hang up.
    Connect(PlaceId, SocketAddr),
    /// Ask a TURN server itself: Binding, as its URL says.
    Check {
        /// Which check that is.
        id: usize,
        /// Where.
        addr: SocketAddr,
        /// By which of its URLs.
        url: ServerUrl,
    },
}

/// A list that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameList {
    /// Where the root was reached.
    pub from: SocketAddr,
    /// How long the TCP connection to it took.
    pub rtt: Duration,
    /// The list.
    pub list: ServerList,
}

/// A list that was asked for, and what came of it.
#[derive(Debug)]
pub(super) struct AskedList {
    pub(super) root: usize,
    pub(super) below: Option<SocketAddr>,
    pub(super) level: u8,
    /// Whose list it was named in.
    pub(super) via: Option<usize>,
    pub(super) outcome: Option<Result<Known, HttpsFault>>,
}

/// Of whom a list is.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) from: SocketAddr,
    pub(super) rtt: Duration,
    pub(super) name: Option<Name>,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// This server.
    Server(usize),
    /// None, for none has answered itself; this one would be.
    Unverified(usize),
    /// None, for none is in hand.
    Nobody,
}

/// All that is known, and what is decided by it.
#[derive(Debug)]
pub(super) struct StreamRace {
    pub(super) options: Options,
    pub(super) roots: Vec<HttpsUrl>,
    pub(super) lists: Vec<AskedList>,
    pub(super) servers: Servers,
    pub(super) places: StreamPlaces,
    pub(super) finals: Finals,
    actions: VecDeque<StreamAction>,
    end: Instant,
    /// Since when something is in hand.
    in_hand: Option<Instant>,
    /// Whether the last round has begun.
    last: bool,
    finished: Option<(Instant, Chosen)>,
}

impl StreamRace {
    /// Asks these roots, from `now` on; all is to be over `options.timeout` after the `start`.
    pub(super) fn new(
        options: Options,
        roots: Vec<HttpsUrl>,
        rng: &Rng,
        start: Instant,
        now: Instant,
    ) -> Self {
        let end = ends(start, options.timeout);
        let mut race = Self {
            places: StreamPlaces::new(options.limits.unanswered),
            roots,
            lists: Vec::new(),
            servers: Servers::new((options.strategy == Strategy::Best).then(|| Lots::new(rng))),
            finals: Finals::default(),
            actions: VecDeque::new(),
            end,
            in_hand: None,
            last: false,
            finished: None,
            options,
        };
        for root in 0..race.roots.len() {
            race.ask(root, None, 0, None);
        }
        race.advance(now);
        race
    }

    /// A list came.
    pub(super) fn handle_list(&mut self, now: Instant, id: ListId, came: CameList) {
        let CameList { from, rtt, list } = came;
        let Some(asked) = self.lists.get_mut(id.0).filter(|asked| asked.outcome.is_none()) else {
            return;
        };
        let (root, level) = (asked.root, asked.level);
        asked.outcome = Some(Ok(Known { from, rtt, name: list.name }));
        let (mut new, mut lower) = (Vec::new(), Vec::new());
        for listed in list.servers {
            let (kind, nearness) = (listed.kind, (listed.rtt.is_none(), listed.rtt));
            let below = listed.addr;
            let added = self.servers.add(listed, id.0, from.ip(), &mut self.places, &self.options);
            match (added, kind) {
                (Some(index), ServerKind::Balance) => lower.push((nearness, index, below)),
                (Some(index), _) => new.push(index),
                (None, _) => {}
            }
        }
        // Those near the root first: nothing else is known of them.
        lower.sort_unstable();
        if level < self.options.limits.depth {
            for (_, index, below) in lower {
                let own = self.ask(root, Some(below), level + 1, Some(id.0));
                if let Some(entry) = self.servers.get_mut(index) {
                    entry.own_list = own;
                }
            }
        }
        self.try_first(now, new);
        self.advance(now);
    }

    /// A list does not come.
    pub(super) fn handle_no_list(&mut self, now: Instant, id: ListId, fault: HttpsFault) {
        if let Some(asked) = self.lists.get_mut(id.0) {
            asked.outcome.get_or_insert(Err(fault));
        }
        self.advance(now);
    }

    /// A host was looked up; no addresses: it has none.
    pub(super) fn handle_found(&mut self, now: Instant, host: &str, ips: Vec<IpAddr>) {
        let lists = &self.lists;
        let namer = |list: usize| match &lists.get(list)?.outcome {
            Some(Ok(known)) => Some(known.from.ip()),
            _ => None,
        };
        let found = self.servers.found(host, ips, namer, &mut self.places, &self.options);
        self.try_first(now, found);
        self.advance(now);
    }

    /// A connection came about, or did not.
    pub(super) fn handle_connected(
        &mut self,
        now: Instant,
        id: PlaceId,
        outcome: Result<Duration, TurnFault>,
    ) {
        self.places.ended(id, outcome);
        if outcome.is_ok() && self.in_hand.is_none() {
            self.in_hand = Some(now);
            if self.options.strategy == Strategy::Best {
                // What was lost of them would be lost for good: the system sends it again after a second.
                self.places.silent().into_iter().for_each(|silent| self.places.plan(silent, now));
            }
        }
        if outcome.is_ok() && self.options.strategy == Strategy::Best && !self.last {
            self.ask_again(now, id);
        }
        self.advance(now);
    }

    /// A check of a TURN server has ended.
    pub(super) fn handle_checked(
        &mut self,
        now: Instant,
        id: usize,
        outcome: Result<(), TurnFault>,
    ) {
        self.finals.ended(id, outcome);
        self.advance(now);
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// What is to be done next.
    pub(super) fn poll_action(&mut self, now: Instant) -> Option<StreamAction> {
        if self.finished.is_some() {
            return None;
        }
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if let Some(host) = self.servers.poll_look_up() {
            return Some(StreamAction::LookUp(host));
        }
        if let Some((id, place, url)) = self.finals.poll(&self.servers) {
            let addr = self.places.get(place)?.addr;
            return Some(StreamAction::Check { id, addr, url });
        }
        let (id, addr) = self.places.poll(now, |place| place.rtt.is_some())?;
        Some(StreamAction::Connect(id, addr))
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_action`](Self::poll_action) next;
    /// `None`: it is over.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.finished.is_some() {
            return None;
        }
        let due = self.places.next_due();
        let decided = if self.last { self.last_until() } else { self.decided_at() };
        [Some(self.end), due, decided].into_iter().flatten().min()
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        let ranked = self.servers.ranked(&self.places);
        let best = ranked.first().and_then(|best| self.servers.entries()[best.index].listed.turn);
        let roots = self.lists.iter().filter(|list| matches!(list.outcome, Some(Ok(_)))).count();
        Progress {
            candidates: self.servers.entries().len() + self.roots.len(),
            answered: ranked.len() + roots,
            provisional: best,
        }
    }

    /// What it came to, and when; `None`: it goes on.
    pub(super) fn finished(&self) -> Option<(Instant, Chosen)> {
        self.finished
    }

    fn ask(
        &mut self,
        root: usize,
        below: Option<SocketAddr>,
        level: u8,
        via: Option<usize>,
    ) -> Option<usize> {
        let id = self.lists.len();
        if id >= MOST_LISTS.max(self.roots.len()) {
            return None;
        }
        self.lists.push(AskedList { root, below, level, via, outcome: None });
        let root = self.roots.get(root)?.clone();
        self.actions.push_back(StreamAction::List { id: ListId(id), root, below });
        Some(id)
    }

    /// Tries each of these servers once at all of its places: the best way of each before the second of any.
    fn try_first(&mut self, now: Instant, servers: Vec<usize>) {
        let mut all = Vec::new();
        for index in servers {
            let Some(entry) = self.servers.entries().get(index) else { continue };
            let nearness = (entry.listed.rtt.is_none(), entry.listed.rtt);
            let places = entry.places().enumerate();
            all.extend(places.map(|(turn, place)| (turn, nearness, index, place)));
        }
        all.sort_unstable();
        all.retain(|(.., place)| !self.places.is_tried(*place));
        for (i, (.., place)) in all.into_iter().enumerate() {
            let steps = u32::try_from(i / AT_ONCE).unwrap_or(u32::MAX);
            self.places.plan(place, later(now, Duration::from_millis(1).saturating_mul(steps)));
        }
    }

    /// Tries a place again that has answered for the first time, if it is near the best.
    fn ask_again(&mut self, now: Instant, id: PlaceId) {
        let Some(best) = self.servers.ranked(&self.places).first().map(|best| best.rtt) else {
            return;
        };
        let Some(place) = self.places.get(id) else { return };
        if place.rtt.is_some_and(|rtt| is_near(rtt, best)) && place.begun < SAMPLES {
            let copies = SAMPLES - place.begun;
            (0..copies).for_each(|copy| self.places.plan(id, now + SPACING * copy));
        }
    }

    /// When nothing outstanding can win any more; `None`: nothing is in hand.
    fn decided_at(&self) -> Option<Instant> {
        let since = self.in_hand?;
        let ranked = self.servers.ranked(&self.places);
        let best = ranked.first().copied()?;
        if self.options.strategy == Strategy::First {
            return Some(since);
        }
        let grace = since + GRACE;
        let waits = self.lists.iter().any(|list| list.outcome.is_none()) || self.servers.looks_up();
        let lacks_runners_up = (1..=self.options.runners_up).contains(&ranked.len());
        let limit = if lacks_runners_up { around(best.rtt) } else { self.servers.reach(best.rtt) };
        let newest = self.places.newest().map_or(since, |newest| newest + limit);
        // A way by TURN beats a web server's time, however long it takes, and so does one that is preferred.
        let hopes = best.aside || self.servers.hopes(best, &self.places);
        let newest = if hopes { newest.max(grace) } else { newest };
        Some(if waits { newest.max(grace) } else { newest })
    }

    /// Until when the last round waits: for those that are asked, or, where all were in vain, for others.
    fn last_until(&self) -> Option<Instant> {
        let ranked = self.servers.ranked(&self.places);
        let awaited = ranked.iter().any(|one| self.finals.proof(one.index) == TurnProof::Awaited);
        if awaited { self.finals.until() } else { self.in_hand.map(|since| since + GRACE) }
    }

    /// Whether others may answer yet, where all that have were in vain.
    fn hopes(&self, now: Instant) -> bool {
        let in_time = self.in_hand.is_some_and(|since| now < since + GRACE);
        in_time && !self.is_idle()
    }

    /// Whether nothing is awaited.
    fn is_idle(&self) -> bool {
        let lists = self.lists.iter().all(|list| list.outcome.is_some());
        lists && !self.servers.looks_up() && self.places.newest().is_none()
    }

    fn advance(&mut self, now: Instant) {
        if self.finished.is_some() {
            return;
        }
        if now >= self.end {
            self.finals.give_up();
            return self.finish(now);
        }
        if !self.last {
            let decided = self.decided_at().is_some_and(|at| at <= now);
            // One more may be due at this very moment.
            let due = self.places.next_due().is_some_and(|at| at <= now);
            if !self.is_idle() && (!decided || due && self.options.strategy == Strategy::Best) {
                return;
            }
            self.last = true;
            let ranked = self.in_order().order;
            if !self.verifies() || !self.finals.begin(now, &ranked, &self.servers, &self.places) {
                return self.finish(now);
            }
        }
        if self.finals.until().is_some_and(|until| until <= now) {
            self.finals.give_up();
        }
        let ranked = self.in_order().order;
        let proofs = ranked.iter().map(|one| self.finals.proof(one.index));
        let leader = proofs.zip(&ranked).find(|(proof, _)| *proof != TurnProof::Failed);
        match leader.map(|(proof, one)| (proof, one.aside)) {
            Some((TurnProof::Awaited, _)) => {}
            Some((TurnProof::Unasked, false)) => {
                if !self.finals.begin(now, &ranked, &self.servers, &self.places) {
                    self.finish(now);
                }
            }
            None if self.hopes(now) => {}
            _ => self.finish(now),
        }
    }

    fn verifies(&self) -> bool {
        match self.options.verify {
            Verify::Off => false,
            Verify::Require => true,
            _ => self.options.strategy == Strategy::Best,
        }
    }

    fn finish(&mut self, now: Instant) {
        let choices = self.choices();
        let required = self.options.verify == Verify::Require;
        let outcome = match choices.all.first() {
            Some(best) if required && best.proof != TurnProof::Verified => {
                Chosen::Unverified(best.standing.index)
            }
            Some(best) => Chosen::Server(best.standing.index),
            None => Chosen::Nobody,
        };
        self.finished = Some((now, outcome));
    }

    pub(super) fn root_of(&self, list: usize) -> HttpsUrl {
        self.roots[self.lists[list].root].clone()
    }
}

fn ends(start: Instant, timeout: Duration) -> Instant {
    planted!(HttpsTimeoutIgnored => later(start, timeout * 2));
    later(start, timeout)
}
