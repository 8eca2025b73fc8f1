//! What a client may do: ask its roots, and below them what right answers have told it of, within
//! its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use turn_balance::internals::engine::client::descent::{
    CandidateState, Descent, Options, Selection, Strategy, Verify, Why,
};
use turn_balance::internals::wire::{
    Kind, Request, RequestBody, Response, ResponseBody, State, stun,
};

use super::law::Law;
use super::plan::HOME;
use super::reached::Reached;
use super::rules::{LOOPS, Rule, is_beside, is_forbidden};

#[derive(Debug)]
pub(crate) struct Traveller {
    pub(crate) since: Instant,
    home: IpAddr,
    pub(crate) options: Options,
    pub(crate) roots: Vec<SocketAddr>,
    /// What was sent where: id and nonce, or a transaction.
    asked: BTreeMap<SocketAddr, Vec<Proof>>,
    /// Datagrams to each host before its first answer; none after that.
    silent: BTreeMap<IpAddr, Option<u32>>,
    /// Whom right answers have told it of, and which TURN servers.
    heard_of: BTreeSet<SocketAddr>,
    named: BTreeSet<SocketAddr>,
    /// What each says of itself, where it lists nobody and names a TURN server.
    leaves: BTreeMap<SocketAddr, (State, SocketAddr)>,
    /// Who has ever listed somebody.
    listers: BTreeSet<SocketAddr>,
    /// Who has returned a nonce, and is believed nothing without one.
    reads_nonces: BTreeSet<SocketAddr>,
    /// Which TURN servers have answered it themselves, and how they are said to be reached.
    bound: BTreeSet<SocketAddr>,
    reached: Reached,
    law: Law,
    /// Whether somebody who saw its requests could answer one in another's name.
    deceived: bool,
    datagrams: u32,
    bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Probe(u32, u64),
    Binding(u128),
}

/// What is wrong.
type Wrong = Option<(Rule, String)>;

impl Traveller {
    pub(crate) fn new(
        since: Instant,
        home: IpAddr,
        options: Options,
        roots: Vec<SocketAddr>,
    ) -> Self {
        Self {
            since,
            home,
            options,
            roots,
            asked: BTreeMap::new(),
            silent: BTreeMap::new(),
            heard_of: BTreeSet::new(),
            named: BTreeSet::new(),
            leaves: BTreeMap::new(),
            listers: BTreeSet::new(),
            reads_nonces: BTreeSet::new(),
            bound: BTreeSet::new(),
            reached: Reached::default(),
            law: Law::default(),
            deceived: false,
            datagrams: 0,
            bytes: 0,
        }
    }

    /// It sends a datagram.
    pub(crate) fn sends(&mut self, to: SocketAddr, payload: &[u8], private: bool) -> Wrong {
        let mut answer = payload.to_vec();
        answer[..2].copy_from_slice(&[1, 1]);
        let proof = match (Request::decode(payload), stun::binding_response(&answer)) {
            (_, Some(transaction)) if stun::is_stun(payload) => Proof::Binding(transaction),
            (Ok(Request { id, body: RequestBody::Probe(probe) }), _) if probe.nonce != 0 => {
                if probe.extras.urls {
                    self.reached.asks(to, id, probe.urls_of);
                }
                Proof::Probe(id, probe.nonce)
            }
            _ => return Some((Rule::Scope, format!("what it sends to {to} is no request"))),
        };
        self.asked.entry(to).or_default().push(proof);
        if self.roots.contains(&to) {
            return None;
        }
        self.datagrams += 1;
        self.bytes += payload.len() as u64;
        let silent = self.silent.entry(host(to.ip())).or_insert(Some(0)).as_mut();
        let silent = silent.map_or(0, |count| {
            *count += 1;
            *count
        });
        let limits = &self.options.limits;
        if self.datagrams > limits.datagrams || self.bytes > limits.bytes {
            let what = format!("{} datagrams, {} bytes", self.datagrams, self.bytes);
            return Some((Rule::Cannon, what));
        }
        if silent > limits.unanswered {
            return Some((Rule::Cannon, format!("{silent} datagrams to {to}, which is silent")));
        }
        let looped = matches!(proof, Proof::Probe(..)) && LOOPS.contains(&to.port());
        if is_forbidden(to.ip(), private) || self.is_at_home(to.ip()) || looped {
            return Some((Rule::Scope, format!("it asks {to}")));
        }
        if !self.deceived && !self.named.contains(&to) && !self.law.may_ask(to) {
            return Some((Rule::Policy, format!("it asks {to}, which is ruled out")));
        }
        let known = self.heard_of.contains(&to) || self.named.contains(&to);
        (!known).then(|| (Rule::Scope, format!("nobody has told it of {to}")))
    }

    /// Something came.
    pub(crate) fn hears(&mut self, from: SocketAddr, payload: &[u8], forged: bool) {
        let asked = self.asked.get(&from).map_or(&[][..], |asked| asked);
        if let Some(transaction) = stun::binding_response(payload) {
            if asked.contains(&Proof::Binding(transaction)) {
                self.silent.insert(host(from.ip()), None);
                self.bound.insert(from);
            }
            return;
        }
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(payload)
        else {
            return;
        };
        let right = |proof: &Proof| match *proof {
            Proof::Probe(asked, nonce) => {
                let bare = !self.reads_nonces.contains(&from);
                asked == id && reply.proof().map_or(bare, |proof| proof == nonce)
            }
            Proof::Binding(_) => false,
        };
        if !asked.iter().any(right) {
            return;
        }
        self.deceived |= forged;
        if reply.proof().is_some() {
            self.reads_nonces.insert(from);
        }
        self.silent.insert(host(from.ip()), None);
        if !reply.retry {
            match self.reached.hears(from, id, &reply.urls) {
                Some(whose) if whose == from && reply.state != State::Offering => {
                    self.leaves.entry(from).and_modify(|(state, _)| *state = reply.state);
                }
                Some(_) => {}
                None => {
                    self.leaves.remove(&from);
                    self.leaves.extend(reply.turn.map(|turn| (from, (reply.state, turn))));
                    let lists = !reply.nodes.is_empty() || !reply.hosts.is_empty();
                    self.listers.extend(lists.then_some(from));
                }
            }
        }
        let root = self.roots.contains(&from).then_some(from);
        self.law.hears(root, &reply, &self.options.policy);
        self.heard_of.extend(&reply.hosts);
        self.named.extend(reply.turn);
        for node in &reply.nodes {
            self.heard_of.insert(node.addr);
            self.heard_of.extend(node.checker);
            self.named.extend(node.turn);
            self.named.extend(Some(node.addr).filter(|_| node.kind == Kind::Turn));
        }
    }

    /// It has ended. `honest`: the TURN servers that there are, if nobody here lies.
    pub(crate) fn ends(
        &self,
        now: Instant,
        descent: &Descent,
        private: bool,
        honest: Option<&BTreeSet<SocketAddr>>,
    ) -> Wrong {
        if now > self.since + self.options.timeout {
            return Some((Rule::Timeout, format!("it took {:?}", now - self.since)));
        }
        let progress = descent.progress();
        // A list of 512 entries, and one TURN server, of each that has answered.
        if progress.candidates > self.roots.len() + 513 * progress.answered {
            return Some((Rule::Memory, format!("{progress:?}")));
        }
        let trace = descent.trace()?;
        // What a list tells of nodes that are down is shown, and not asked.
        let deepest = trace.candidates.iter().filter(|c| {
            let beside = matches!(c.turn, Some(turn) if turn == c.addr);
            c.sent > 0 && !beside && c.state != CandidateState::Selected
        });
        let deepest = deepest.map(|c| c.level).max().unwrap_or(0);
        if deepest > self.options.limits.depth {
            return Some((Rule::Cannon, format!("it went down to level {deepest}")));
        }
        let selection = trace.outcome.ok()?;
        let turn = selection.turn;
        if is_forbidden(turn.ip(), private) || self.is_at_home(turn.ip()) {
            return Some((Rule::Selection, format!("{turn} is refused")));
        }
        if !self.named.contains(&turn) {
            return Some((Rule::Selection, format!("nobody has named {turn}")));
        }
        let may =
            |turn: SocketAddr| !is_forbidden(turn.ip(), private) && !self.is_at_home(turn.ip());
        let all_offer = self.leaves.values().all(|(state, _)| *state == State::Offering);
        let policy = &self.options.policy;
        if let Some(what) = self.law.wrong(&selection, policy, all_offer && !self.deceived) {
            return Some((Rule::Policy, what));
        }
        if let Some(what) = self.is_unverified(&selection) {
            return Some((Rule::Selection, what));
        }
        if let Some(what) = self.reached.wrong(&selection, may) {
            return Some((Rule::Selection, what));
        }
        if let Some(what) = self.is_far(&selection) {
            return Some((Rule::Draw, what));
        }
        // Where TURN servers must answer, one that has not is not in hand.
        let answers =
            |turn: &SocketAddr| self.options.verify != Verify::Require || self.bound.contains(turn);
        // Whom the policy leaves out is no other, however alive.
        let lawless = policy.require.is_empty() && policy.exclude.is_empty();
        let is_allowed = |turn: SocketAddr| {
            lawless || selection.runners_up.iter().any(|other| other.turn == turn)
        };
        let lives = |(addr, (state, turn)): (&SocketAddr, &(State, SocketAddr))| {
            let offers = *state == State::Offering && !self.listers.contains(addr);
            offers && may(*turn) && answers(turn) && is_allowed(*turn)
        };
        let leaf = selection.path.last().map(|hop| hop.addr);
        let leaf = leaf.filter(|leaf| !self.listers.contains(leaf));
        let drains = leaf.and_then(|leaf| self.leaves.get(&leaf));
        let drains = drains.is_some_and(|(state, _)| state.is_reserve()) && !self.deceived;
        let best = self.options.strategy == Strategy::Best;
        if best && drains && self.leaves.iter().any(lives) {
            return Some((Rule::Draining, format!("{turn} drains, and another lives")));
        }
        let lie = honest.is_some_and(|honest| !self.deceived && !honest.contains(&turn));
        lie.then(|| (Rule::Selection, format!("{turn} is no honest leaf's")))
    }

    /// What is wrong with whether the TURN server is said to have answered.
    fn is_unverified(&self, selection: &Selection) -> Option<String> {
        let (turn, answered) = (selection.turn, self.bound.contains(&selection.turn));
        if selection.verified && !answered {
            return Some(format!("{turn} is said to have answered"));
        }
        let required = self.options.verify == Verify::Require;
        (required && !answered).then(|| format!("{turn} has not answered, which it must"))
    }

    /// What is wrong with how far it is: where loads are told, others may be nearer by a tenth or 5 ms, of those
    /// that have answered as it did. What comes after the decision may show more.
    fn is_far(&self, selection: &Selection) -> Option<String> {
        let asks_not = |turn: SocketAddr| {
            self.leaves.values().any(|(state, named)| *named == turn && state.is_reserve())
        };
        let alike = selection.runners_up.iter().filter(|other| {
            let answered = other.verified == selection.verified && other.why != Why::Silent;
            answered && other.why != Why::Unpreferred && !asks_not(other.turn)
        });
        let least = alike.map(|other| other.rtt).min()?;
        let reach = least + (least / 10).max(Duration::from_millis(5));
        let judged = self.options.strategy == Strategy::Best && self.options.linger.is_zero();
        let (turn, rtt) = (selection.turn, selection.rtt);
        (judged && rtt > reach).then(|| format!("{turn} is {rtt:?} away, and another {least:?}"))
    }

    /// Whether an address is in the network that it is in. No root is.
    fn is_at_home(&self, ip: IpAddr) -> bool {
        is_beside(self.home, HOME[usize::from(self.home.is_ipv6())].into(), ip)
    }

    /// When it must have ended.
    pub(crate) fn deadline(&self) -> Instant {
        self.since + self.options.timeout + Duration::from_millis(1)
    }
}

/// Who is behind an address: an IPv4 address, or an IPv6 /64.
fn host(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        ip => ip,
    }
}
