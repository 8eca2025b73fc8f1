//! The TURN servers that a server names: those beside it, of each address family one, and those that
//! are its nodes. All are asked alike (`health`), and offered while they answer.

mod asked;
mod deep;
mod health;
mod impostor;
mod nodes;
mod plan;

use std::net::SocketAddr;
use std::time::Instant;

use super::news::{Change, News};
use super::reason::Absentee;
use super::ways::{Way, Ways};
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::{Down, Kind, Node, State};
use crate::types::{NodeStatus, TurnFault};
use asked::{AskedTurn, Standing};
pub use impostor::Impostor;
use nodes::TurnNodes;
pub use plan::{HealthPlan, TurnId, TurnNews, TurnSpec};

/// All of them.
#[derive(Debug)]
pub struct TurnServers {
    /// Those beside the server.
    own: Vec<AskedTurn>,
    nodes: TurnNodes,
    ways: Ways,
    /// The seconds since 1970, and when it was that late.
    wall: Option<(Instant, u64)>,
    news: News<TurnNews>,
    rng: Rng,
}

impl TurnServers {
    /// None yet.
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            own: Vec::new(),
            nodes: TurnNodes::default(),
            ways: Ways::default(),
            wall: None,
            news: News::default(),
            rng,
        }
    }

    /// It is so many seconds since 1970.
    pub(super) fn set_wall_clock(&mut self, now: Instant, unix: u64) {
        self.wall = Some((now, unix));
    }

    /// These stand beside the server from now on. Those that stay keep what is known of them.
    pub(super) fn set_own(&mut self, now: Instant, own: impl IntoIterator<Item = TurnSpec>) {
        let mut before = std::mem::take(&mut self.own);
        let keep = |spec: TurnSpec| {
            let stays = before.iter_mut().position(|server| server.configure(now, &spec));
            let stays = stays.map(|index| before.swap_remove(index));
            stays.unwrap_or_else(|| AskedTurn::new(spec, now))
        };
        self.own = own.into_iter().map(keep).collect();
        self.news.revise();
    }

    /// Replaces the nodes. Those that stay keep what is known of them.
    pub(super) fn set_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = TurnSpec>) {
        if self.nodes.set(now, nodes) {
            self.news.revise();
        }
        if self.nodes.await_answers() {
            self.news.await_answers(now);
        } else {
            self.news.answered();
        }
    }

    /// A datagram came to a socket that they are asked from. Returns whether it is an answer that is
    /// awaited.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let Self { own, nodes, news, rng, .. } = self;
        let mut right = false;
        for server in own {
            right |= watch(now, news, true, server, |server| {
                server.handle_datagram(now, from, datagram, rng)
            });
        }
        if right {
            return true; // no answer is to two requests
        }
        let answered = nodes.change(from, |server| {
            watch(now, news, false, server, |server| {
                server.handle_datagram(now, from, datagram, rng)
            })
        });
        let right = answered == Some(true);
        if right {
            news.answered();
        }
        right
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let Self { own, nodes, ways, wall, news, rng } = self;
        let unix = wall.map_or(0, |(at, unix)| unix + now.saturating_duration_since(at).as_secs());
        news.handle_timeout(now, TurnNews::NoneAnswered(nodes.len()));
        let mut pass = |server: &mut AskedTurn| server.handle_timeout(now, ways, unix, rng);
        for server in own {
            watch(now, news, true, server, &mut pass);
        }
        for addr in nodes.late(now) {
            nodes.change(addr, |server| watch(now, news, false, server, &mut pass));
        }
    }

    /// The next request to send, and which way it leaves.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(Way, Transmit)> {
        let Self { own, nodes, ways, news, rng, .. } = self;
        for server in own {
            let poll = |server: &mut AskedTurn| server.poll_transmit(now, ways, rng);
            if let Some(request) = watch(now, news, true, server, poll) {
                return Some(request);
            }
        }
        let poll = |server: &mut AskedTurn| {
            watch(now, news, false, server, |server| server.poll_transmit(now, ways, rng))
        };
        nodes.change(nodes.check_due(now)?, poll)?
    }

    /// When to call [`TurnServers::handle_timeout`] and [`TurnServers::poll_transmit`] next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let own = self.own.iter().filter_map(AskedTurn::poll_timeout);
        own.chain(self.nodes.deadline()).chain(self.news.poll_timeout()).min()
    }

    /// What became known since the last call.
    pub(super) fn poll_event(&mut self) -> Option<TurnNews> {
        self.news.poll_event()
    }

    /// Whether [`TurnServers::poll_event`] has one.
    pub(super) fn has_events(&self) -> bool {
        self.news.has_events()
    }

    /// Changes whenever what is offered of them changes.
    pub(super) fn revision(&self) -> u64 {
        self.news.revision()
    }

    /// Those beside the server that may be offered at this moment.
    pub(super) fn own(&self, now: Instant) -> impl Iterator<Item = SocketAddr> {
        self.own.iter().filter(move |server| server.is_up(now)).map(|server| server.spec.public)
    }

    /// Why none of those beside the server may be offered; `None`: one may, there is none, or nobody
    /// knows yet.
    pub fn own_fault(&self) -> Option<TurnFault> {
        let mut standings = self.own.iter().map(AskedTurn::standing);
        let none = standings.clone().all(|standing| !standing.up);
        none.then(|| standings.find_map(|standing| standing.fault)).flatten()
    }

    /// All beside the server.
    pub(super) fn own_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.own.iter().map(|server| server.spec.public)
    }

    /// The nodes that may not be offered at this moment, as who asks is told of them.
    pub(super) fn down(&self, now: Instant) -> impl Iterator<Item = Down> {
        self.nodes.iter().filter(move |server| !server.is_up(now)).map(|server| {
            let fault = server.standing().fault.or(Some(TurnFault::Silent));
            let (addr, name) = (server.spec.public, server.spec.name.clone());
            let state = fault.map_or(State::TurnDown, State::from);
            Down { addr, kind: Kind::Turn, name, state, fault }
        })
    }

    /// The same for who runs the server.
    pub(super) fn absent(&self, now: Instant) -> impl Iterator<Item = Absentee> {
        self.down(now).map(|down| Absentee::new(down, None))
    }

    /// Those beside the server, and whether each may be offered, or nobody knows yet.
    pub(super) fn own_standings(&self) -> impl Iterator<Item = (SocketAddr, bool)> {
        let fit = |server: &AskedTurn| server.standing().fault.is_none();
        self.own.iter().map(move |server| (server.spec.public, fit(server)))
    }

    /// Whether there are some beside the server.
    pub(super) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// The nodes that may be offered at this moment, in the order of the addresses they are asked at.
    pub(super) fn online(&self, now: Instant) -> impl Iterator<Item = Node> {
        self.nodes.iter().filter(move |server| server.is_up(now)).map(AskedTurn::node)
    }

    /// The nodes that may not be offered, and why, as far as that is known.
    pub fn faults(&self) -> impl Iterator<Item = (TurnId, TurnFault)> {
        let fault = |server: &AskedTurn| Some((server.spec.id(false), server.standing().fault?));
        self.nodes.iter().filter_map(fault)
    }

    /// When the first of all that are offered now may be no more, if nothing more is heard of it.
    pub(super) fn expires(&self, now: Instant) -> Option<Instant> {
        let all = self.own.iter().chain(self.nodes.iter());
        all.filter_map(AskedTurn::until).filter(|until| *until > now).min()
    }

    /// Whether there is a node that is asked at this address, and it is online.
    pub(super) fn is_online(&self, now: Instant, addr: SocketAddr) -> bool {
        self.nodes.get(addr).is_some_and(|server| server.is_up(now))
    }

    /// How those beside the server are.
    pub(super) fn own_statuses(&self, now: Instant) -> impl Iterator<Item = NodeStatus> {
        self.own.iter().map(move |server| server.status(now))
    }

    /// How the nodes are, in the order of the addresses they are asked at.
    pub(super) fn statuses(&self, now: Instant) -> impl Iterator<Item = NodeStatus> {
        self.nodes.iter().map(move |server| server.status(now))
    }

    /// How many nodes are online, and how many there are.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.nodes.online(), self.nodes.len())
    }
}

/// Changes what is known of one, and tells what comes of it.
fn watch<T>(
    now: Instant,
    news: &mut News<TurnNews>,
    beside: bool,
    server: &mut AskedTurn,
    change: impl FnOnce(&mut AskedTurn) -> T,
) -> T {
    let (before, was_listed) = (server.standing(), server.is_up(now));
    let far = server.rtt_on_wire();
    let result = change(server);
    let after = server.standing();
    if (before.up, before.fault) != (after.up, after.fault) {
        server.changed(now);
    }
    if after.unproved && !before.unproved {
        news.tell(TurnNews::Unproved(server.spec.id(beside)));
    }
    // Of one whose last answer had become too old for a list, the next one is news too.
    let listed = server.is_up(now) != was_listed || after.fault != before.fault;
    let settles = !beside && after.up && server.rtt_on_wire() != far;
    let event = event(server, beside, before, after);
    if listed || settles || event.is_some() {
        news.note(now, Change { listed, settles, event });
    }
    result
}

fn event(server: &AskedTurn, beside: bool, before: Standing, after: Standing) -> Option<TurnNews> {
    let id = || server.spec.id(beside);
    if after.up {
        return (!before.up).then(|| TurnNews::Up(id()));
    }
    let fault = after.fault.filter(|fault| before.fault != Some(*fault))?;
    // That nodes are silent from the start is told once for all of them.
    let is_news = beside || before.up || before.fault.is_some() || fault != TurnFault::Silent;
    is_news.then(|| TurnNews::Down(id(), fault))
}
