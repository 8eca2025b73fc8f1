//! A server's whole state: its nodes, its heartbeats, and what it offers because of them.

pub mod answer;
pub mod auth;
mod deadlines;
mod distance;
pub mod drop;
mod event;
pub mod flat;
mod full;
pub mod heartbeat;
pub mod incoming;
mod inspection;
pub mod limit;
mod load;
pub mod members;
pub mod news;
mod offering;
pub mod oversight;
mod pace;
pub mod reason;
mod recall;
pub mod refusal;
pub mod reload;
mod replay;
pub mod roll_call;
pub mod seal;
mod status;
mod suspicions;
pub mod trouble;
pub mod turn;
mod watch;
pub mod ways;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::{RngExt, SeedableRng};

use self::answer::{Listing, Snapshot, UrlsOf};
use self::auth::{Heartbeat, PeerMessage, Trust};
use self::drop::DropReason;
use self::heartbeat::{Heartbeats, Outgoing, Tells};
use self::incoming::LocalAddr;
use self::load::OwnLoad;
use self::members::{CheckOutcome, Members, NodeSpec};
use self::pace::Pace;
use self::reason::Absentee;
use self::refusal::TagFault;
use self::trouble::Trouble;
use self::turn::{TurnServers, TurnSpec};
use self::watch::Watch;
use self::ways::Way;
use super::{Rng, Transmit};
use crate::net::wire::{ResponseBody, State};
use crate::types::{Labels, Name, OnLink, ServerUrl};

pub use self::event::{NodeCount, ServerEvent};

/// A balance server without its sockets, but for the answers that a [`Responder`](answer::Responder)
/// gives from a [`Snapshot`].
#[derive(Debug)]
pub struct ServerEngine {
    members: Members,
    heartbeats: Heartbeats,
    turn: TurnServers,
    /// How full the one beside it is.
    load: OwnLoad,
    /// What it is labelled with.
    labels: Labels,
    listing: Listing,
    watch: Watch,
    /// Whether it asks not to be chosen any more.
    draining: bool,
    /// The revision of the nodes that `listing` shows; `None`: it must be shown again.
    shown: Option<u64>,
    /// How often it was encoded of late.
    pace: Pace,
    /// Answers to heartbeats.
    pongs: VecDeque<Outgoing>,
    events: VecDeque<ServerEvent>,
    rng: Rng,
}

impl ServerEngine {
    /// A server that is called `name`, with nobody above, below or beside it.
    pub fn new(name: Option<Name>, mut rng: Rng) -> Self {
        let members = Members::new(Rng::from_rng(&mut rng));
        let heartbeats = Heartbeats::new(name.clone(), Rng::from_rng(&mut rng));
        // Half the range is left for changes: a version is never 0, a bare peer's.
        let version = rng.random::<u64>() >> 1 | 1;
        let seal = members.seal();
        let turn = TurnServers::new(Rng::from_rng(&mut rng));
        let listing = Listing { name, version, seal, ..Default::default() };
        Self {
            members,
            heartbeats,
            turn,
            load: OwnLoad::default(),
            labels: Labels::default(),
            listing,
            watch: Watch::default(),
            draining: false,
            shown: None,
            pace: Pace::default(),
            pongs: VecDeque::new(),
            events: VecDeque::new(),
            rng,
        }
    }

    /// It is so many seconds since 1970: some checks of TURN servers must know.
    pub fn set_wall_clock(&mut self, now: Instant, unix: u64) {
        self.turn.set_wall_clock(now, unix);
    }

    /// These TURN servers stand beside it, of each address family one at most.
    pub fn set_turn(&mut self, now: Instant, turn: impl IntoIterator<Item = TurnSpec>) {
        self.turn.set_own(now, turn);
    }

    /// Whether the configuration has anything that could ever be offered.
    pub fn set_barren(&mut self, now: Instant, barren: bool) {
        self.watch.set_barren(now, barren);
    }

    /// Replaces the nodes that are TURN servers.
    pub fn set_turn_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = TurnSpec>) {
        self.turn.set_nodes(now, nodes);
        self.call_the_roll(now);
    }

    /// Replaces the nodes that are balance servers.
    pub fn set_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = NodeSpec>) {
        self.members.set_nodes(now, nodes);
        self.call_the_roll(now);
        self.listing.node_addrs = self.members.addrs().collect();
        self.shown = None;
    }

    /// This host is in these networks from now on: nobody elsewhere may name what is there. What was
    /// listed before goes with the next answers.
    pub fn set_on_link(&mut self, on_link: OnLink) {
        self.members.set_on_link(on_link);
    }

    /// Replaces the superiors.
    pub fn set_superiors(&mut self, now: Instant, addrs: Vec<SocketAddr>) {
        self.heartbeats.set_superiors(now, addrs.iter().copied());
        self.watch.set_superiors(now, &addrs);
        self.listing.superiors = addrs;
        self.shown = None;
    }

    /// Believes these from now on, and asks its superiors to be reached at `advertise`.
    pub fn set_trust(&mut self, now: Instant, trust: Trust, advertise: Option<SocketAddr>) {
        self.heartbeats.set_identity(trust.keys.active().cloned(), advertise);
        self.members.set_trust(now, trust.clone());
        self.listing.trust = trust;
        self.shown = None;
    }

    /// These URLs work of late, of each TURN server that is named here all that do; clients that ask for
    /// them are told.
    pub fn set_urls(&mut self, urls: impl IntoIterator<Item = (UrlsOf, Vec<ServerUrl>)>) {
        let book = Arc::make_mut(&mut self.listing.urls);
        for (of, urls) in urls {
            if book.set(of, urls) {
                self.shown = None;
            }
        }
    }

    /// The nodes that have URLs, where clients find them, and of which entry of the configuration.
    pub fn set_url_nodes(&mut self, nodes: BTreeMap<SocketAddr, usize>) {
        if Arc::make_mut(&mut self.listing.urls).set_nodes(nodes) {
            self.shown = None;
        }
    }

    /// Asks not to be chosen any more, and goes on with all else: whoever finds nobody else may still
    /// come. It is told at once.
    pub fn drain(&mut self) {
        self.set_draining(true, ServerEvent::Draining);
    }

    /// Undoes [`ServerEngine::drain`].
    pub fn undrain(&mut self) {
        self.set_draining(false, ServerEvent::Undrained);
    }

    fn set_draining(&mut self, draining: bool, event: ServerEvent) {
        if self.draining != draining {
            self.draining = draining;
            self.events.push_back(event);
            self.shown = None;
        }
    }

    /// A heartbeat or the answer to one came to the listening socket `to`.
    ///
    /// # Errors
    /// Why nothing comes of it.
    pub fn handle_peer_message(
        &mut self,
        now: Instant,
        to: LocalAddr,
        from: SocketAddr,
        message: &PeerMessage,
    ) -> Result<(), DropReason> {
        match message {
            PeerMessage::Heartbeat(heartbeat) => self.handle_heartbeat(now, to, from, heartbeat),
            PeerMessage::Refused(refusal) => {
                self.members.suspect(from, refusal.fault);
                self.watch.refuse(now, from, *refusal);
                Err(refusal.reason())
            }
            PeerMessage::Pong(pong, _) if self.heartbeats.handle_pong(now, to, from, *pong) => {
                Ok(())
            }
            PeerMessage::Notice(notice, _) if self.heartbeats.handle_notice(from, notice.seq) => {
                self.watch.see(now, Trouble::from_notice(from, *notice));
                Ok(())
            }
            PeerMessage::Pong(..) | PeerMessage::Notice(..) => Err(DropReason::StrayPong),
        }
    }

    fn handle_heartbeat(
        &mut self,
        now: Instant,
        to: LocalAddr,
        from: SocketAddr,
        heartbeat: &Heartbeat,
    ) -> Result<(), DropReason> {
        let result = self.members.handle_heartbeat(now, from, heartbeat);
        let sights = Vec::from_iter(self.members.take_sights());
        let notice = sights.iter().find_map(|trouble| trouble.notice(heartbeat.ping.seq));
        self.watch.see(now, sights);
        let (body, result) = match result {
            Ok(Some(pong)) => (Some(ResponseBody::Pong(pong)), Ok(())),
            Ok(None) => (notice.map(ResponseBody::Notice), Ok(())),
            Err(reason) => (notice.map(ResponseBody::Notice), Err(reason)),
        };
        let Some(body) = body else { return result };
        let payload = self.listing.trust.sign_answer(body, heartbeat)?;
        let answer = Outgoing { transmit: Transmit { to: from, payload }, via: Some(to) };
        self.pongs.extend(std::iter::repeat_n(answer, answers()));
        result
    }

    /// A datagram came to the socket that checks are sent from.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> CheckOutcome {
        let outcome = self.members.handle_datagram(now, from, datagram);
        self.watch.see(now, self.members.take_sights());
        outcome
    }

    /// What looks like a superior's check came to a listening socket, and was answered; `fault`: what is
    /// wrong with its tag, if it has one. It need not be told of each.
    pub fn handle_check(&mut self, now: Instant, from: SocketAddr, fault: Option<TagFault>) {
        self.watch.note_check(now, from, fault);
    }

    /// A datagram came to a socket that TURN servers are asked from. Returns whether it is an answer
    /// that is awaited.
    pub fn handle_binding(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> bool {
        self.turn.handle_datagram(now, from, datagram)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.members.handle_timeout(now);
        self.turn.handle_timeout(now);
        let Self { members, turn, watch, listing, .. } = self;
        let absent = members.absent(now).chain(turn.absent(now));
        watch.handle_timeout(now, absent, turn.own_standings());
        watch.inspect(now, &listing.nodes, turn.online(now).map(|node| node.addr));
    }

    /// Says some time after the start which nodes are not online, if there are any.
    fn call_the_roll(&mut self, now: Instant) {
        if self.count().all > 0 {
            self.watch.await_nodes(now);
        }
    }

    /// What is offered, if the last snapshot has expired, or if that has changed since the last call
    /// and not too often of late: then [`ServerEngine::poll_timeout`] says when. Its change is what
    /// the superiors are told next, so call this before [`ServerEngine::poll_heartbeat`].
    pub fn poll_snapshot(&mut self, now: Instant) -> Option<Snapshot> {
        let (listing, mut rng) = self.poll_listing(now)?;
        Some(Snapshot::new(&listing, &mut rng))
    }

    /// The same, but still to be encoded, with random numbers for that: it may take as long as
    /// hundreds of checks, in which the engine is not needed.
    pub fn poll_listing(&mut self, now: Instant) -> Option<(Listing, Rng)> {
        let expired = self.listing.expires.is_some_and(|expires| expires <= now);
        let news = !self.is_shown() && self.pace.next().is_none_or(|next| next <= now);
        if !news && !expired {
            return None;
        }
        self.pace.note(now);
        self.list(now);
        self.shown = Some(self.revision());
        let tells = match self.listing.state() {
            State::Offering => Tells::Offering,
            State::Draining => Tells::Draining,
            State::Nothing | State::TurnDown | State::Full => Tells::Nothing,
        };
        self.heartbeats.set_offer(now, tells, self.listing.version);
        self.watch.set_list(now, tells != Tells::Nothing);
        Some((self.listing.clone(), Rng::from_rng(&mut self.rng)))
    }

    fn is_shown(&self) -> bool {
        self.shown == Some(self.revision())
    }

    /// Changes whenever what is listed changes.
    fn revision(&self) -> u64 {
        self.members.revision() + self.turn.revision()
    }

    /// The next check to send, from a socket of its own.
    pub fn poll_check(&mut self, now: Instant) -> Option<Transmit> {
        self.members.poll_transmit(now)
    }

    /// Which way a check leaves that has just been polled.
    pub fn way_of_check(&self, to: SocketAddr) -> Way {
        self.members.way(to)
    }

    /// The next request to a TURN server, and which way it leaves, from a socket of its own.
    pub fn poll_binding(&mut self, now: Instant) -> Option<(Way, Transmit)> {
        self.turn.poll_transmit(now)
    }

    /// The next heartbeat to send, or answer to one, from listening sockets.
    pub fn poll_heartbeat(&mut self, now: Instant) -> Option<Outgoing> {
        self.pongs.pop_front().or_else(|| self.heartbeats.poll_transmit(now))
    }

    /// What has become known since the last call.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        let own = self.events.pop_front();
        let node = own.or_else(|| self.members.poll_event().map(ServerEvent::Node));
        let turn = node.or_else(|| self.turn.poll_event().map(ServerEvent::Turn));
        turn.or_else(|| self.watch.poll_event())
    }

    /// When to call [`ServerEngine::handle_timeout`] and the `poll_*` functions next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let news = self.pace.next().filter(|_| !self.is_shown());
        let nodes = [self.members.poll_timeout(), self.turn.poll_timeout()];
        let own = [self.heartbeats.poll_timeout(), news, self.watch.poll_timeout()];
        nodes.into_iter().chain(own).flatten().min()
    }

    /// Whether [`ServerEngine::poll_snapshot`] or [`ServerEngine::poll_event`] has something to give
    /// that is not a matter of time, or only of how often it was encoded of late.
    pub fn has_news(&self) -> bool {
        let own = !self.events.is_empty() || self.watch.has_events();
        !self.is_shown() || own || self.members.has_events() || self.turn.has_events()
    }

    /// Whether there is a node that is checked at this address, and it is online.
    pub fn is_online(&self, now: Instant, addr: SocketAddr) -> bool {
        self.members.is_online(now, addr) || self.turn.is_online(now, addr)
    }

    /// What is wrong now, as far as it can be seen from here, and since when.
    pub fn troubles(&self) -> impl Iterator<Item = (&Trouble, Instant)> {
        self.watch.troubles()
    }

    /// Its superiors, and when each was last seen to check this server: `None` where it never was, or
    /// does so from another address.
    pub fn superiors(&self) -> impl Iterator<Item = (SocketAddr, Option<Instant>)> {
        self.watch.superiors()
    }

    /// The nodes of the configuration that are not online at this moment, and why.
    pub fn absent(&self, now: Instant) -> impl Iterator<Item = Absentee> {
        self.members.absent(now).chain(self.turn.absent(now))
    }

    /// Its nodes, for tests.
    #[doc(hidden)]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Its TURN servers: those beside it, and those that are nodes.
    pub fn turn(&self) -> &TurnServers {
        &self.turn
    }

    /// How many nodes are online, as of the last [`ServerEngine::handle_timeout`], and how many there
    /// are.
    pub fn count(&self) -> NodeCount {
        let (online, all) = self.turn.count();
        NodeCount { online: self.members.online_count() + online, all: self.members.len() + all }
    }
}

/// How many answers a heartbeat draws, if any.
fn answers() -> usize {
    planted!(TwoAnswers => 2);
    1
}
