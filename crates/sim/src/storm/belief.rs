//! What a server may believe: its nodes by their right answers, its nodes' heartbeats by their
//! tags, challenges and numbers, the TURN servers that it asks by their answers (`turns`). All of that from what
//! arrives, by the rules of docs/protocol.md alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn_balance::internals::wire::auth::{Purpose, Tag};
use turn_balance::internals::wire::{
    Node, PADDED_REQUEST, Ping, Request, RequestBody, Response, ResponseBody, SEQ_END,
};

use super::hearsay::Hearsay;
use super::known::Known;
use super::rules::Rule;
use super::turns::TurnBeliefs;
use crate::Site;

#[derive(Debug)]
pub(crate) struct Belief {
    site: Site,
    listed: BTreeSet<SocketAddr>,
    nodes: BTreeMap<SocketAddr, Known>,
    /// Nonces of its own checks.
    pub(crate) nonces: BTreeSet<u64>,
    /// Challenges that it gave out, to whom.
    challenges: BTreeMap<(SocketAddr, u64), Instant>,
    /// The last number that was taken from an address.
    numbers: BTreeMap<SocketAddr, (u64, Instant)>,
    /// What was taken last.
    taken: Option<Taken>,
    turns: TurnBeliefs,
    /// When it last ran again after its clock had stood.
    woke: Option<Instant>,
    hearsay: Hearsay,
}

/// A heartbeat that was taken in, and what was known before.
#[derive(Debug)]
struct Taken {
    from: SocketAddr,
    number: Option<(u64, Instant)>,
    key: Option<u32>,
    advertises: bool,
}

/// What may come of a heartbeat.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Heartbeat {
    /// The number of the key that it is rightly signed with.
    pub(crate) key: Option<u32>,
    /// It may change what is known of a node.
    pub(crate) may_change: bool,
    /// A Pong may answer it.
    pub(crate) may_draw: bool,
    /// A Notice may.
    pub(crate) may_be_noticed: bool,
}

/// As long as a challenge is good at least.
const EPOCH: Duration = Duration::from_secs(60);

/// As long as it is good at most, and a number is remembered.
const MEMORY: Duration = Duration::from_secs(120);

/// As long as a server may name what it named before its clock stood.
const DYING: Duration = Duration::from_millis(11_100);

impl Belief {
    pub(crate) fn new(site: Site) -> Self {
        let listed = site.nodes.iter().copied().collect();
        Self {
            site,
            listed,
            nodes: BTreeMap::new(),
            nonces: BTreeSet::new(),
            challenges: BTreeMap::new(),
            numbers: BTreeMap::new(),
            taken: None,
            turns: TurnBeliefs::default(),
            woke: None,
            hearsay: Hearsay::default(),
        }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// How many addresses its configuration has ever listed.
    pub(crate) fn ever_listed(&self) -> usize {
        self.listed.len()
    }

    /// The nodes in its configuration are others now.
    pub(crate) fn set_nodes(&mut self, nodes: Vec<SocketAddr>) {
        self.listed.extend(&nodes);
        let before = std::mem::replace(&mut self.site.nodes, nodes);
        for gone in before.iter().filter(|addr| !self.site.nodes.contains(addr)) {
            self.nodes.remove(gone);
        }
    }

    pub(crate) fn wake(&mut self, now: Instant) {
        self.woke = Some(now);
        for (_, first) in self.nodes.values_mut().filter_map(|node| node.checked.as_mut()) {
            *first = false;
        }
    }

    /// Whether it is a node in the configuration, or a superior.
    pub(crate) fn is_peer(&self, addr: SocketAddr) -> bool {
        self.site.nodes.contains(&addr) || self.site.superiors.contains(&addr)
    }

    /// It checks a node. Returns what is wrong with that.
    pub(crate) fn checks(
        &mut self,
        now: Instant,
        to: SocketAddr,
        payload: &[u8],
    ) -> Option<(Rule, String)> {
        let Ok(Request { id, body: RequestBody::Probe(probe) }) = Request::decode(payload) else {
            return None;
        };
        self.nonces.insert(probe.nonce);
        let listed = self.listed.contains(&to);
        let drawn = (!listed).then(|| self.hearsay.draws(now, to, payload.len())).flatten();
        let signed = match self.site.trust.keys.judge(Purpose::Probe, payload) {
            Tag::Right(key) => Some(key.id()),
            _ => None,
        };
        let node = self.nodes.entry(to).or_default();
        if payload.len() < PADDED_REQUEST {
            node.sounded((id, probe.nonce));
            return drawn;
        }
        let wrong = node.checked(now, (id, probe.nonce), signed);
        let wrong = wrong.map(|what| (Rule::Checks, format!("the check of {to} {what}")));
        drawn.or(wrong)
    }

    /// These are its nodes. One that had joined, and is none any more, is not checked again.
    pub(crate) fn knows(&mut self, nodes: impl Iterator<Item = SocketAddr>) {
        if self.site.trust.join.is_none() {
            return;
        }
        let known: BTreeSet<_> = nodes.collect();
        for (_, node) in self.nodes.iter_mut().filter(|(addr, _)| !known.contains(addr)) {
            (node.checked, node.key) = (None, None);
        }
    }

    /// Something came to where it checks from.
    pub(crate) fn hears(&mut self, now: Instant, from: SocketAddr, payload: &[u8]) {
        let Some(node) = self.nodes.get_mut(&from) else { return };
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(payload)
        else {
            return;
        };
        let Some(whole) = node.is_answered(id, reply.proof()) else { return };
        if reply.retry {
            return;
        }
        let key = match self.site.trust.keys.judge(Purpose::Reply, payload) {
            Tag::Right(key) => Some(key.id()),
            _ => None,
        };
        let listed = self.site.nodes.contains(&from);
        if key.is_none() && (self.site.trust.require || !listed) {
            return;
        }
        self.hearsay.agrees(from);
        if whole {
            node.key = key.or(node.key);
            node.answers(now, reply);
        } else if node.key != key {
            // It may come too late to be of interest.
            node.key = None;
        }
    }

    /// Whether a node that it checks may be online until then; `None`: may be listed.
    pub(crate) fn may_list(&self, now: Instant, addr: SocketAddr, until: Option<Instant>) -> bool {
        let Some(node) = self.nodes.get(&addr) else { return false };
        match until {
            Some(until) => node.until.is_some_and(|right| right > now && until <= right),
            None => node.shown(now).next().is_some(),
        }
    }

    /// The TURN server that a node that it checks has named.
    pub(crate) fn turn_of(&self, addr: SocketAddr) -> Option<SocketAddr> {
        self.nodes.get(&addr)?.reply.turn
    }

    /// Whether it may pass on what a node of its lists.
    pub(crate) fn may_pass_on(&self, now: Instant, passed: &Node) -> bool {
        self.nodes.values().flat_map(|node| node.shown(now)).any(|reply| {
            let whole = reply.total as usize <= reply.nodes.len();
            let same = |below: &Node| {
                (below.addr, below.hops.saturating_add(1)) == (passed.addr, passed.hops)
                    && (passed.turn.is_none() || passed.turn == below.turn)
            };
            whole && reply.nodes.iter().any(same)
        })
    }

    /// A heartbeat came, or something else.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        from: SocketAddr,
        payload: &[u8],
    ) -> Heartbeat {
        self.taken = None;
        let Ok(Request { body: RequestBody::Ping(ping), .. }) = Request::decode(payload) else {
            return Heartbeat::default();
        };
        let listed = self.site.nodes.contains(&from);
        let trust = &self.site.trust;
        match trust.keys.judge(Purpose::Ping, payload) {
            Tag::Right(key) => {
                let key = Some(key.id());
                let known = listed || trust.join.is_some();
                let fresh = |memory| known && self.is_fresh(now, from, &ping, memory);
                let (may_change, may_draw) = (fresh(MEMORY), known && !fresh(EPOCH));
                Heartbeat { key, may_change, may_draw, may_be_noticed: !listed }
            }
            Tag::Wrong if !trust.keys.is_empty() => Heartbeat::default(),
            _ => Heartbeat { may_change: listed && !trust.require, ..Heartbeat::default() },
        }
    }

    /// A heartbeat that might be taken in was, unless a Pong answers it.
    pub(crate) fn takes(
        &mut self,
        now: Instant,
        from: SocketAddr,
        ping: &Ping,
        len: usize,
        key: Option<u32>,
    ) {
        let number = self.numbers.insert(from, (ping.seq, now));
        let node = self.nodes.entry(from).or_default();
        let advertises = ping.advertise.is_some();
        let before = std::mem::replace(&mut node.key, key);
        self.taken = Some(Taken { from, number, key: before, advertises });
        if advertises {
            self.hearsay.pays(now, from, len);
        }
        self.hearsay.agrees(from);
    }

    fn is_fresh(&self, now: Instant, from: SocketAddr, ping: &Ping, memory: Duration) -> bool {
        let given = self.challenges.get(&(from, ping.challenge));
        let number = self.numbers.get(&from).filter(|(_, at)| *at + MEMORY > now);
        given.is_some_and(|at| now <= *at + memory)
            && ping.seq < SEQ_END
            && number.is_none_or(|(number, _)| ping.seq > *number)
    }

    /// It answers a heartbeat.
    pub(crate) fn pongs(&mut self, now: Instant, to: SocketAddr, payload: &[u8]) {
        if let Some(taken) = self.taken.take_if(|taken| taken.from == to) {
            match taken.number {
                Some(before) => self.numbers.insert(to, before),
                None => self.numbers.remove(&to),
            };
            self.nodes.entry(to).or_default().key = taken.key;
            if taken.advertises {
                self.hearsay.takes_back();
            }
        }
        if let Ok(Response { body: ResponseBody::Pong(pong), .. }) = Response::decode(payload) {
            self.challenges.insert((to, pong.challenge), now);
        }
    }

    /// It asks a TURN server.
    pub(crate) fn asks_turn(&mut self, now: Instant, to: SocketAddr, payload: &[u8]) {
        self.turns.asks(now, to, payload);
    }

    /// Something came to where it asks those from.
    pub(crate) fn hears_turn(&mut self, now: Instant, from: SocketAddr, payload: &[u8]) {
        self.turns.hears(now, from, payload);
    }

    /// Whether it may name that.
    pub(crate) fn may_name_turn(&self, now: Instant, turn: SocketAddr) -> bool {
        let slept = self.woke.is_some_and(|woke| now < woke + 2 * DYING);
        let is_told = self.site.turn == Some(turn) || self.site.turn_nodes.contains(&turn);
        is_told && self.turns.may_be_named(now, turn, slept)
    }
}
