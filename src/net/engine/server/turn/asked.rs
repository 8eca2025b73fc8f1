//! A TURN server that this server asks itself: one beside it, or a node.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::deep::Deep;
use super::health::Health;
use super::plan::{HealthPlan, TurnSpec};
use crate::net::engine::server::ways::{Way, Ways};
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{Kind, Node, State};
use crate::types::{NodeCondition, NodeFault, NodeKind, NodeStatus, TurnFault};

/// One of them.
#[derive(Debug)]
pub(super) struct AskedTurn {
    pub(super) spec: TurnSpec,
    /// `None`: it is not asked, and taken to live.
    health: Option<Health>,
    /// When it was last told that its standing is another.
    since: Instant,
}

/// What of one concerns others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) up: bool,
    pub(super) fault: Option<TurnFault>,
    pub(super) unproved: bool,
}

impl AskedTurn {
    /// One that is asked first at this moment.
    pub(super) fn new(spec: TurnSpec, first: Instant) -> Self {
        let health = match plan(&spec) {
            HealthPlan::None => None,
            HealthPlan::Binding => Some(Health::new(spec.addr, first, None)),
            HealthPlan::Deep(plan) => {
                let deep = Deep::new(spec.addr, plan.clone());
                Some(Health::new(spec.addr, first, Some(deep)))
            }
        };
        Self { spec, health, since: first }
    }

    /// Whether it may be offered at this moment.
    pub(super) fn is_up(&self, now: Instant) -> bool {
        let expired = |health: &Health| health.until().is_some_and(|until| until <= now);
        self.health.as_ref().is_none_or(|health| health.is_up() && !expired(health))
    }

    pub(super) fn standing(&self) -> Standing {
        let health = self.health.as_ref();
        Standing {
            up: health.is_none_or(Health::is_up),
            fault: health.and_then(Health::fault),
            unproved: health.is_some_and(Health::is_unproved),
        }
    }

    /// Its standing is another since now.
    pub(super) fn changed(&mut self, now: Instant) {
        self.since = now;
    }

    /// How it is.
    pub(super) fn status(&self, now: Instant) -> NodeStatus {
        let standing = self.standing();
        let up = self.is_up(now);
        // As long as it has not answered that is all that is known.
        let fault = standing.fault.unwrap_or(TurnFault::Silent);
        let fault = (!up).then_some(NodeFault::Turn(fault));
        let condition = match standing.fault.map(State::from) {
            _ if up => NodeCondition::Online,
            Some(State::Full) => NodeCondition::Full,
            Some(State::Draining) => NodeCondition::Draining,
            _ => NodeCondition::Offline,
        };
        let rtt = self.health.as_ref().and_then(Health::recent_rtt);
        NodeStatus {
            addr: self.spec.addr,
            public: self.spec.public,
            kind: NodeKind::Turn,
            name: self.spec.name.clone(),
            joined: false,
            condition,
            since: now.saturating_duration_since(self.since),
            fault,
            rtt: rtt.filter(|_| condition != NodeCondition::Offline),
            load: None,
            labels: self.spec.labels.clone(),
            turn: None,
            lists: 0,
        }
    }

    /// Until when it may be offered, if nothing more is heard of it; `None`: for ever.
    pub(super) fn until(&self) -> Option<Instant> {
        self.health.as_ref().and_then(Health::until)
    }

    /// How a list has it.
    pub(super) fn node(&self) -> Node {
        Node {
            name: self.spec.name.clone(),
            labels: self.spec.labels.clone(),
            rtt: self.health.as_ref().and_then(Health::rtt),
            ..Node::new(self.spec.public, Kind::Turn)
        }
    }

    /// The round-trip time to it, as far as the wire tells times apart.
    pub(super) fn rtt_on_wire(&self) -> Option<Duration> {
        self.health.as_ref().and_then(Health::rtt).map(Node::rtt_on_wire)
    }

    /// Takes what is said of it now, if the same is asked of it as before, by whomever. Returns whether it
    /// is.
    pub(super) fn configure(&mut self, now: Instant, spec: &TurnSpec) -> bool {
        let same = self.spec.addr == spec.addr && self.spec.plan.is_as_deep(&spec.plan);
        if same {
            let asker = if self.spec.plan == spec.plan { None } else { spec.plan.deep() };
            if let (Some(health), Some(plan)) = (&mut self.health, asker) {
                health.ask_as(now, plan);
            }
            self.spec = spec.clone();
        }
        same
    }

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        rng: &mut Rng,
    ) -> bool {
        let health = self.health.as_mut();
        health.is_some_and(|health| health.handle_datagram(now, from, datagram, rng))
    }

    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        unix: u64,
        rng: &mut Rng,
    ) {
        self.health.iter_mut().for_each(|health| health.handle_timeout(now, ways, unix, rng));
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        ways: &mut Ways,
        rng: &mut Rng,
    ) -> Option<(Way, Transmit)> {
        self.health.as_mut()?.poll_transmit(now, ways, rng)
    }

    /// Whether time has something to do with it, beside a request that is due.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.health.as_ref().is_some_and(|health| health.is_late(now))
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.health.as_ref().is_some_and(|health| health.is_due(now))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.health.as_ref().and_then(Health::poll_timeout)
    }
}

/// How one is asked.
fn plan(spec: &TurnSpec) -> &HealthPlan {
    planted!(TurnUnasked => &HealthPlan::None);
    &spec.plan
}
