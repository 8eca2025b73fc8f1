//! Who answers at an address.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use turn_balance::internals::engine::server::answer::{self, Handled, Responder, Snapshot};
use turn_balance::internals::engine::server::auth::Trust;
use turn_balance::internals::engine::server::drop::DropReason;
use turn_balance::internals::engine::server::heartbeat::Outgoing;
use turn_balance::internals::engine::server::incoming::{Incoming, LocalAddr};
use turn_balance::internals::engine::server::limit::{Limiter, LimiterSettings};
use turn_balance::internals::engine::server::members::NodeSpec;
use turn_balance::internals::engine::server::trouble::{Trouble, TroubleEvent, TroubleStage};
use turn_balance::internals::engine::server::turn::{HealthPlan, TurnSpec};
use turn_balance::internals::engine::server::{ServerEngine, ServerEvent};
use turn_balance::internals::engine::{Rng, Transmit};
use turn_balance::internals::wire::stun;
use turn_balance::internals::{OnLink, TurnLogin};
use turn_balance::{Labels, Load, Rates, TurnCredentials, TurnHealth};

use crate::turn::{PASSWORD, USER};

pub enum Host {
    /// A running balance server.
    Live(Box<Live>),
    /// A balance server that always offers the same.
    Fixed(Arc<Snapshot>),
    /// A TURN server, which answers Binding requests.
    Turn,
    /// A host where nothing listens: what the client sends there draws an ICMP error.
    Closed,
    /// Whatever a test makes up.
    Peer(Peer),
    /// Whatever a test makes up, with a memory.
    Actor(Actor),
}

/// An address and a request in, answers with their sources out.
pub type Peer = fn(SocketAddr, &[u8]) -> Vec<Answer>;

/// An address, who asks, and a request in; answers with their sources out.
pub type Actor = Box<dyn FnMut(SocketAddr, SocketAddr, &[u8]) -> Vec<Answer>>;

/// A datagram, behind the address that it comes from.
pub type Answer = (SocketAddr, Vec<u8>);

/// How a live balance server is set up.
#[derive(Debug, Clone, Default)]
pub struct Site {
    pub name: &'static str,
    pub superiors: Vec<SocketAddr>,
    pub nodes: Vec<SocketAddr>,
    /// Nodes that are TURN servers.
    pub turn_nodes: Vec<SocketAddr>,
    pub turn: Option<SocketAddr>,
    /// How full that is, and how much it can serve beside others.
    pub load: Option<Load>,
    pub weight: u32,
    pub labels: Labels,
    /// Whether that must allocate.
    pub deep: bool,
    pub trust: Trust,
    pub advertise: Option<SocketAddr>,
    /// Whether it answers however often it is asked.
    pub patient: bool,
    /// The networks that it is in.
    pub on_link: OnLink,
    /// What strangers are allowed, if that is to be told.
    pub limits: Option<LimiterSettings>,
}

pub struct Live {
    pub engine: ServerEngine,
    responder: Responder,
    snapshot: Snapshot,
    /// When it has encoded what it offers, the last times that it need not have.
    encoded: VecDeque<Instant>,
    /// Whether it has ever done so too often.
    pub(crate) encodes_too_often: bool,
    /// What it has told to be wrong, or no more, the latest times.
    pub told: VecDeque<(Instant, TroubleEvent)>,
    /// Whether it has ever told again too soon that something still is.
    pub(crate) tells_too_often: bool,
    /// Why datagrams to it were dropped, in order.
    pub dropped: Vec<DropReason>,
    /// What became of the last datagram, if it was a heartbeat or an answer to one: whether it was
    /// taken in, and whether that changed anything about nodes.
    pub(crate) peer_messages: Option<(bool, bool)>,
}

/// Where a balance server listens.
const SERVER: u16 = 3001;

/// The port that a live server's checks come from.
const CHECKS: u16 = 3002;

/// The port that it asks the TURN server beside it from.
const BINDINGS: u16 = 3003;

/// How often it may encode what it offers within 100 ms: four times at once, and every 50 ms then.
const ENCODED: usize = 6;

/// How many times it is remembered that something was told.
const TOLD: usize = 256;

const UNLIMITED: Rates = Rates::UNLIMITED;

/// The address that a host is known by: a live server has further ports.
pub(crate) fn own_addr(addr: SocketAddr) -> SocketAddr {
    match addr.port() {
        CHECKS | BINDINGS => SocketAddr::new(addr.ip(), SERVER),
        _ => addr,
    }
}

fn responder(settings: LimiterSettings, now: Instant, rng: &mut Rng) -> Responder {
    Responder::new(Arc::new(Limiter::new(settings, now, rng)), Rng::from_rng(rng))
}

/// One that answers however often it is asked, but never more than a stranger may have.
pub(crate) fn patient(now: Instant) -> Responder {
    let settings = LimiterSettings { rates: UNLIMITED, places: 1, ..LimiterSettings::default() };
    responder(settings, now, &mut Rng::seed_from_u64(0))
}

impl Host {
    pub(crate) fn live(site: &Site, now: Instant, mut rng: Rng) -> Self {
        let own = Rng::from_rng(&mut rng);
        let mut engine = ServerEngine::new(site.name.parse().ok(), own);
        let spec = |&addr: &SocketAddr| NodeSpec { addr, public: addr, name: None };
        engine.set_nodes(now, site.nodes.iter().map(spec));
        engine.set_superiors(now, site.superiors.clone());
        engine.set_on_link(site.on_link.clone());
        engine.set_trust(now, site.trust.clone(), site.advertise);
        let level = if site.deep { TurnHealth::Allocate } else { TurnHealth::Binding };
        let login = TurnLogin::User(TurnCredentials::new(USER, PASSWORD));
        let plan = HealthPlan::new(level, Some(login));
        engine.set_turn(now, site.turn.map(|turn| TurnSpec { plan, ..TurnSpec::new(turn) }));
        engine.set_turn_nodes(now, site.turn_nodes.iter().copied().map(TurnSpec::new));
        engine.set_labels(site.labels.clone());
        engine.set_load(site.load);
        engine.set_weight(site.weight);
        let rates = if site.patient { UNLIMITED } else { Rates::default() };
        let settings = LimiterSettings { rates, places: 64, ..LimiterSettings::default() };
        let settings = site.limits.clone().unwrap_or(settings);
        Self::Live(Box::new(Live {
            engine,
            responder: responder(settings, now, &mut rng),
            snapshot: Snapshot::default(),
            encoded: VecDeque::new(),
            encodes_too_often: false,
            told: VecDeque::new(),
            tells_too_often: false,
            dropped: Vec::new(),
            peer_messages: None,
        }))
    }

    pub fn server(&self) -> &Live {
        match self {
            Self::Live(server) => server,
            _ => panic!("it is no live server"),
        }
    }

    pub fn server_mut(&mut self) -> &mut Live {
        match self {
            Self::Live(server) => server,
            _ => panic!("it is no live server"),
        }
    }

    /// How many datagrams to it were dropped, that are remembered.
    pub(crate) fn dropped(&self) -> usize {
        match self {
            Self::Live(server) => server.dropped.len(),
            _ => 0,
        }
    }

    /// What it answers to a datagram.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        to: SocketAddr,
        from: SocketAddr,
        payload: &[u8],
        responder: &mut Responder,
    ) -> Vec<Answer> {
        match self {
            Self::Live(server) => server.handle_datagram(now, to, from, payload),
            Self::Fixed(snapshot) => {
                let mut out = answer::Answer::default();
                let incoming = Incoming { to: &LocalAddr(to), from: &from, bytes: payload };
                match responder.handle_datagram(snapshot, now, incoming, &mut out) {
                    Handled::Answer | Handled::Retry => vec![(to, out.to_vec())],
                    _ => Vec::new(),
                }
            }
            Self::Turn if stun::is_stun(payload) => {
                let mut answer = payload.to_vec();
                answer[..2].copy_from_slice(&[1, 1]);
                vec![(to, answer)]
            }
            Self::Turn | Self::Closed => Vec::new(),
            Self::Peer(peer) => peer(to, payload),
            Self::Actor(actor) => actor(to, from, payload),
        }
    }
}

impl Live {
    fn handle_datagram(
        &mut self,
        now: Instant,
        to: SocketAddr,
        from: SocketAddr,
        payload: &[u8],
    ) -> Vec<Answer> {
        self.peer_messages = None;
        match to.port() {
            CHECKS => drop(self.engine.handle_answer(now, from, payload)),
            BINDINGS => drop(self.engine.handle_binding(now, from, payload)),
            _ => {
                if !self.snapshot.holds(now) {
                    self.snapshot = self.engine.poll_snapshot(now).unwrap_or_default();
                }
                let mut out = answer::Answer::default();
                let Self { responder, snapshot, dropped, .. } = self;
                let incoming = Incoming { to: &LocalAddr(to), from: &from, bytes: payload };
                match responder.handle_datagram(snapshot, now, incoming, &mut out) {
                    Handled::Answer | Handled::Retry => {
                        if let Some(fault) = snapshot.as_check(from, payload) {
                            self.engine.handle_check(now, from, fault);
                        }
                        return vec![(to, out.to_vec())];
                    }
                    Handled::PeerMessage(message) => {
                        let before = self.engine.members().states();
                        let result =
                            self.engine.handle_peer_message(now, LocalAddr(to), from, &message);
                        let changed = self.engine.members().states() != before;
                        self.peer_messages = Some((result.is_ok(), changed));
                        dropped.extend(result.err());
                    }
                    Handled::Drop(reason) => dropped.push(reason),
                }
            }
        }
        Vec::new()
    }

    /// Encodes what it offers, if that is news.
    fn encode(&mut self, now: Instant) {
        let held = self.snapshot.holds(now);
        let Some(snapshot) = self.engine.poll_snapshot(now) else { return };
        self.snapshot = snapshot;
        if held {
            self.encoded.push_back(now);
        }
        if self.encoded.len() > ENCODED {
            let first = self.encoded.pop_front();
            self.encodes_too_often |=
                first.is_some_and(|first| now - first < Duration::from_millis(100));
        }
    }

    /// Lets time pass. Gives what it sends of its own accord, each from its port, and when to come back.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        out: &mut Vec<(SocketAddr, Transmit)>,
    ) -> Option<Instant> {
        self.engine.handle_timeout(now);
        self.encode(now);
        let Self { engine, .. } = self;
        let from = |port| SocketAddr::new(addr.ip(), port);
        while let Some(transmit) = engine.poll_check(now) {
            out.push((from(CHECKS), transmit));
        }
        while let Some((_, transmit)) = engine.poll_binding(now) {
            out.push((from(BINDINGS), transmit));
        }
        while let Some(Outgoing { transmit, via }) = engine.poll_heartbeat(now) {
            assert!(via.is_none_or(|via| via == LocalAddr(addr)), "there is one listening socket");
            out.push((addr, transmit));
        }
        while let Some(event) = self.engine.poll_event() {
            if let ServerEvent::Trouble(event) = event {
                self.tell(now, event);
            }
        }
        self.engine.poll_timeout()
    }

    fn tell(&mut self, now: Instant, event: TroubleEvent) {
        let before = self.told.iter().rev().find(|(_, before)| before.trouble == event.trouble);
        self.tells_too_often |= event.stage == TroubleStage::Lasts
            && before.is_some_and(|(at, _)| now - *at < Duration::from_secs(600));
        self.told.push_back((now, event));
        if self.told.len() > TOLD {
            self.told.pop_front();
        }
    }

    /// What is wrong by what it has told.
    pub fn wrong(&self) -> Vec<Trouble> {
        let mut wrong = Vec::new();
        for (_, TroubleEvent { trouble, stage, .. }) in &self.told {
            wrong.retain(|known| known != trouble);
            if *stage != TroubleStage::Over {
                wrong.push(trouble.clone());
            }
        }
        wrong
    }
}
