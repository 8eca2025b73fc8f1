//! The whole of a cascade: each server that a list leads to is asked for its own, those that its superior does not
//! offer too, and each TURN server whether it answers.
//!
//! A list is a stranger's word. So each address is asked once, and nodes, levels, datagrams, those to an
//! address that has not answered, and time are bounded; what was left out is told.

mod crawl_question;
mod faults;
mod found;
mod turn_question;
mod unanswered;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rand::SeedableRng;

use self::crawl_question::{AskedAs, CrawlAnswer, CrawlQuestion};
use self::faults::Links;
use self::turn_question::TurnTold;
use self::unanswered::Unanswered;
use super::descent::{Obstacle, Options};
use super::list::{ServerKind, Told, WholeList};
use crate::net::engine::{Rng, Transmit, later};
use crate::net::wire::{Kind, Node, State};
use crate::types::Name;

pub(crate) use found::UnofferedNode;
pub use found::{Stopped, TreeFault, TreeNode, TreeState, WholeTree};

/// How many nodes are asked: a cascade of 10,000 leaves is looked at where it branches, from its middle.
const MOST_NODES: usize = 4096;

/// How many datagrams are sent: four to each node and to the TURN server beside it.
const MOST_DATAGRAMS: u32 = 8 * MOST_NODES as u32;

/// The deepest level: nodes pass through 8 hops at most.
const MOST_LEVELS: u8 = 8;

/// How many questions are out at once: as many datagrams as any receive buffer holds the answers of.
const AT_ONCE: usize = 64;

/// A crawl, without its sockets.
#[derive(Debug)]
pub struct Crawl {
    options: Options,
    started: Instant,
    end: Instant,
    nodes: Vec<TreeNode>,
    known: BTreeMap<SocketAddr, usize>,
    links: Links,
    /// The root that each node stands below, whose address says what lists may name.
    roots: Vec<IpAddr>,
    waiting: VecDeque<(SocketAddr, AskedAs)>,
    /// The balance servers that nobody offers: they are asked when nobody else waits.
    last: BTreeSet<usize>,
    /// Whom a server of that name, else the first root, does not offer: not by its own word.
    unoffered: Option<(Option<Name>, Vec<SocketAddr>)>,
    out: BTreeMap<(SocketAddr, AskedAs), CrawlQuestion>,
    /// The balance servers that are asked, or were.
    servers: BTreeSet<SocketAddr>,
    /// Whether a TURN server answers, once it was asked.
    turns: BTreeMap<SocketAddr, Option<TurnTold>>,
    /// Who was sent a request, of those that are asked.
    sent: BTreeSet<(SocketAddr, AskedAs)>,
    /// Who has not answered, and what stood in the way.
    missed: BTreeMap<usize, Option<Obstacle>>,
    unanswered: Unanswered,
    datagrams: u32,
    asked: usize,
    answered: usize,
    stopped: Option<Stopped>,
    rng: Rng,
}

impl Crawl {
    /// Begins at these addresses; of the options `timeout`, `limits`, `within`, `on_link` and `nat64` count.
    pub fn new(roots: &[SocketAddr], options: Options, now: Instant, rng: Rng) -> Self {
        let end = later(now, options.timeout);
        let mut crawl = Self {
            options,
            started: now,
            end,
            nodes: Vec::new(),
            known: BTreeMap::new(),
            links: Links::default(),
            roots: Vec::new(),
            waiting: VecDeque::new(),
            last: BTreeSet::new(),
            unoffered: None,
            out: BTreeMap::new(),
            servers: BTreeSet::new(),
            turns: BTreeMap::new(),
            sent: BTreeSet::new(),
            missed: BTreeMap::new(),
            unanswered: Unanswered::default(),
            datagrams: 0,
            asked: 0,
            answered: 0,
            stopped: None,
            rng,
        };
        for root in roots {
            if let Some(at) = crawl.meet(*root, ServerKind::Balance, None, root.ip()) {
                crawl.enqueue(at);
            }
        }
        crawl
    }

    /// Asks these as well, which the server of that name, else the first root, knows and does not offer.
    pub fn unoffered(&mut self, by: Option<Name>, nodes: Vec<SocketAddr>) {
        self.unoffered = Some((by, nodes));
    }

    /// How many nodes were asked, and how many of them have answered.
    pub fn progress(&self) -> (usize, usize) {
        (self.asked, self.answered)
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.handle(now, from, |question| question.handle_datagram(now, from, datagram));
    }

    /// This host cannot send there.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr) {
        self.handle(now, to, CrawlQuestion::handle_unreachable);
    }

    /// An ICMP error came about a datagram to this address.
    pub fn handle_icmp(&mut self, now: Instant, to: SocketAddr, obstacle: Obstacle, quoted: &[u8]) {
        self.handle(now, to, |question| question.handle_icmp(to, obstacle, quoted));
    }

    fn handle(&mut self, now: Instant, addr: SocketAddr, act: impl Fn(&mut CrawlQuestion)) {
        for asked in [AskedAs::Server, AskedAs::Turn] {
            if let Some(question) = self.out.get_mut(&(addr, asked)) {
                act(question);
                self.take(now, addr, asked);
            }
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        for key in Vec::from_iter(self.out.keys().copied()) {
            if let Some(question) = self.out.get_mut(&key) {
                question.handle_timeout(now);
                self.take(now, key.0, key.1);
            }
        }
        if now >= self.end && !self.is_done() {
            self.stopped.get_or_insert(Stopped::Time);
            self.give_up();
        }
    }

    /// The next request to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        self.ask_more(now);
        let keys = Vec::from_iter(self.out.keys().copied());
        for (addr, asked) in keys {
            if self.datagrams >= MOST_DATAGRAMS {
                self.stopped.get_or_insert(Stopped::Datagrams(MOST_DATAGRAMS));
                self.give_up();
                return None;
            }
            if self.unanswered.is_spent(addr) {
                continue; // it waits for an answer to those
            }
            let question = self.out.get_mut(&(addr, asked));
            let transmit = question.and_then(|question| question.poll_transmit(now));
            if transmit.is_some() {
                self.datagrams += 1;
                self.sent.insert((addr, asked));
                self.unanswered.sent(addr);
                return transmit;
            }
        }
        None
    }

    /// When to call [`Crawl::handle_timeout`] and [`Crawl::poll_transmit`] next; `None`: it is done.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.out.iter().filter_map(|((addr, _), question)| {
            let spent = self.unanswered.is_spent(*addr);
            if spent { Some(question.end()) } else { question.poll_timeout() }
        });
        (!self.is_done()).then(|| next.min().map_or(self.end, |next| next.min(self.end)))
    }

    /// What was found, once it is done, or so far.
    pub fn finish(mut self, now: Instant) -> WholeTree {
        self.links.judge(&mut self.nodes, &self.missed);
        for node in &mut self.nodes {
            let silent = |turn: &SocketAddr| {
                matches!(
                    self.turns.get(turn),
                    Some(Some(TurnTold::Nothing | TurnTold::Unreachable(_)))
                )
            };
            node.faults.extend(node.turn.filter(silent).map(TreeFault::TurnSilent));
        }
        let elapsed = now.saturating_duration_since(self.started);
        let Self { nodes, stopped, datagrams, .. } = self;
        WholeTree { nodes: WholeTree::in_order(nodes), stopped, datagrams, elapsed }
    }

    fn is_done(&self) -> bool {
        self.out.is_empty() && self.waiting.is_empty() && self.last.is_empty()
    }

    /// Asks nobody any more.
    fn give_up(&mut self) {
        self.out.clear();
        self.waiting.clear();
        self.last.clear();
        self.unoffered = None;
    }

    /// Takes up what a list, or the caller, has named. Returns which node it is; `None`: there are too many.
    fn meet(
        &mut self,
        addr: SocketAddr,
        kind: ServerKind,
        via: Option<usize>,
        root: IpAddr,
    ) -> Option<usize> {
        if let Some(at) = self.known.get(&addr) {
            return Some(*at);
        }
        let level = via.map_or(0, |via| self.nodes[via].level.saturating_add(1));
        if self.nodes.len() >= MOST_NODES {
            self.stopped.get_or_insert(Stopped::Nodes(MOST_NODES));
            return None;
        }
        let at = self.nodes.len();
        self.nodes.push(TreeNode::new(level, addr, kind, via));
        self.roots.push(root);
        self.known.insert(addr, at);
        Some(at)
    }

    /// Has a node asked, if that may be.
    fn enqueue(&mut self, at: usize) {
        let TreeNode { addr, kind, level, .. } = self.nodes[at];
        if level > MOST_LEVELS {
            self.stopped.get_or_insert(Stopped::Levels(MOST_LEVELS));
        } else if kind == ServerKind::Turn {
            self.ask_turn(addr);
        } else if self.servers.insert(addr) || self.last.remove(&at) {
            self.waiting.push_back((addr, AskedAs::Server));
        }
    }

    /// The same of one that nobody offers. Why a TURN server is none, its superior knows.
    fn enqueue_last(&mut self, at: usize) {
        let TreeNode { addr, kind, level, .. } = self.nodes[at];
        let root = self.roots[at];
        if kind == ServerKind::Turn || !self.options.permits(root, addr, Kind::Balance) {
            return;
        }
        if level > MOST_LEVELS {
            self.stopped.get_or_insert(Stopped::Levels(MOST_LEVELS));
        } else if self.servers.insert(addr) {
            self.last.insert(at);
        }
    }

    fn ask_turn(&mut self, turn: SocketAddr) {
        if !self.turns.contains_key(&turn) && self.turns.len() < MOST_NODES {
            self.turns.insert(turn, None);
            self.waiting.push_back((turn, AskedAs::Turn));
        }
    }

    /// Begins questions while there may be more.
    fn ask_more(&mut self, now: Instant) {
        if self.is_done() {
            self.take_unoffered(0); // nobody has that name
        }
        while self.out.len() < AT_ONCE
            && let Some((addr, asked)) = self
                .waiting
                .pop_front()
                .or_else(|| self.last.pop_first().map(|at| (self.nodes[at].addr, AskedAs::Server)))
        {
            if self.unanswered.is_spent(addr) {
                self.stopped.get_or_insert(Stopped::Address);
                continue;
            }
            // A TURN server may stand beside a node, and be none.
            self.asked += usize::from(self.known.contains_key(&addr));
            let rng = Rng::from_rng(&mut self.rng);
            let question = CrawlQuestion::new(addr, asked, now, rng);
            self.out.insert((addr, asked), question);
        }
    }

    /// Takes what came of a question, if it is answered.
    fn take(&mut self, now: Instant, addr: SocketAddr, asked: AskedAs) {
        let came = self.out.get(&(addr, asked)).and_then(CrawlQuestion::answer);
        let Some(came) = came else { return };
        self.out.remove(&(addr, asked));
        if !self.sent.remove(&(addr, asked)) {
            self.stopped.get_or_insert(Stopped::Address);
            return self.ask_more(now);
        }
        if matches!(
            came,
            CrawlAnswer::Server(Told::Whole(_)) | CrawlAnswer::Turn(TurnTold::Answers(_))
        ) {
            self.unanswered.answered(addr);
        }
        match (came, self.known.get(&addr).copied()) {
            (CrawlAnswer::Server(Told::Whole(list)), Some(at)) => self.take_list(at, *list),
            (CrawlAnswer::Server(Told::Unreachable(obstacle)), Some(at)) => {
                self.missed.insert(at, Some(obstacle));
            }
            (CrawlAnswer::Server(_), Some(at)) => {
                self.missed.insert(at, None);
            }
            (CrawlAnswer::Turn(told), at) => self.take_turn(addr, at, told),
            (CrawlAnswer::Server(_), None) => {}
        }
        self.ask_more(now);
    }

    /// A TURN server has answered, or has not; it may be a node itself.
    fn take_turn(&mut self, turn: SocketAddr, at: Option<usize>, told: TurnTold) {
        self.turns.insert(turn, Some(told));
        let Some(at) = at.filter(|at| self.nodes[*at].kind == ServerKind::Turn) else { return };
        match told {
            TurnTold::Answers(rtt) => {
                self.answered += 1;
                let node = &mut self.nodes[at];
                (node.state, node.rtt) = (TreeState::Offering, Some(rtt));
            }
            TurnTold::Nothing => _ = self.missed.insert(at, None),
            TurnTold::Unreachable(obstacle) => _ = self.missed.insert(at, Some(obstacle)),
        }
    }

    /// A node has told all that it lists.
    fn take_list(&mut self, at: usize, list: WholeList) {
        self.answered += 1;
        self.links.set_version(at, list.version);
        let root = self.roots[at];
        let is_leaf = list.nodes.is_empty() && list.turn.is_some();
        let offers = is_leaf || !list.nodes.is_empty();
        let turn = list.turn.filter(|_| list.nodes.is_empty());
        let may = turn.is_none_or(|turn| self.options.permits(root, turn, Kind::Turn));
        let node = &mut self.nodes[at];
        node.kind = if is_leaf { ServerKind::Leaf } else { ServerKind::Balance };
        node.name = list.name.or(node.name.take());
        (node.rtt, node.turn) = (list.rtt, turn.filter(|_| may));
        node.state = match list.state {
            State::Offering if offers => TreeState::Offering,
            state => TreeState::from(state),
        };
        if matches!(node.state, TreeState::Nothing | TreeState::TurnDown) {
            node.faults.push(TreeFault::Says(node.state, list.fault));
        }
        node.faults.extend(turn.filter(|_| !may).map(TreeFault::TurnRefused));
        if list.nodes.len() + list.twice.len() < list.total {
            node.faults.push(TreeFault::Partly(list.nodes.len(), list.total));
        }
        if let Some(turn) = node.turn {
            self.ask_turn(turn);
        }
        for node in list.nodes {
            self.take_listed(at, node, &list.twice);
        }
        for down in list.down {
            self.take_down(at, down.into());
        }
        let by = self.unoffered.as_ref().and_then(|(by, _)| by.as_ref());
        if by.is_some() && by == self.nodes[at].name.as_ref() {
            self.take_unoffered(at);
        }
    }

    /// A server lists this.
    fn take_listed(&mut self, by: usize, node: Node, twice: &BTreeSet<SocketAddr>) {
        let (addr, kind, root) = (node.addr, node.kind, self.roots[by]);
        if addr == self.nodes[by].addr {
            return self.nodes[by].faults.push(TreeFault::Itself(addr));
        }
        let Some(at) = self.meet(addr, kind.into(), Some(by), root) else { return };
        self.links.add(by, at);
        let met = &mut self.nodes[at];
        met.name = met.name.take().or(node.name);
        if twice.contains(&addr) {
            met.faults.push(TreeFault::Twice(by));
        }
        let wanted = self.options.within.is_none_or(|within| within.contains(addr.ip()));
        if self.options.permits(root, addr, kind) {
            self.enqueue(at);
        } else if met.state == TreeState::Unasked {
            met.state = TreeState::Refused;
            met.faults.extend(wanted.then_some(TreeFault::Refused(by)));
        }
    }

    /// A server does not offer this.
    fn take_down(&mut self, by: usize, down: UnofferedNode) {
        let UnofferedNode { addr, kind, name, state, fault } = down;
        if addr == self.nodes[by].addr {
            return self.nodes[by].faults.push(TreeFault::Itself(addr));
        }
        let Some(at) = self.meet(addr, kind, Some(by), self.roots[by]) else { return };
        let met = &mut self.nodes[at];
        met.name = met.name.take().or(name);
        if met.state == TreeState::Unasked {
            met.state = state;
        }
        if !matches!(state, TreeState::Full | TreeState::Draining) {
            met.faults.push(TreeFault::Unoffered(by, state, fault));
        }
        self.enqueue_last(at);
    }

    /// A server does not offer these, says somebody else.
    fn take_unoffered(&mut self, by: usize) {
        let Some((root, (_, nodes))) = self.roots.get(by).copied().zip(self.unoffered.take())
        else {
            return;
        };
        for addr in nodes {
            let Some(at) = self.meet(addr, ServerKind::Balance, Some(by), root) else { return };
            if self.nodes[at].state == TreeState::Unasked {
                self.nodes[at].state = TreeState::Offline;
            }
            self.enqueue_last(at);
        }
    }
}
