//! Who is online until when: the nodes of a server, and the checks that decide.
//!
//! A heartbeat is a knock, not a claim: it only brings a check forward. A node is online for
//! [`ONLINE`] after the last right answer to a check, for what that answer offered.

mod check;
mod join;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::ops::Bound;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::auth::Trust;
use super::replay::ReplayFilter;
use crate::net::engine::exchange::{Proof, Token};
use crate::net::engine::server::seal::Seal;
use crate::net::engine::{Rng, Transmit, jitter};
use crate::net::fault::{Fault, planted};
use crate::net::wire::auth::{Purpose, TRAILER, Tag};
use crate::net::wire::{Kind, Node, PADDED_REQUEST, ProbeReply, Response, ResponseBody, State};
use crate::types::Name;
use crate::types::Scope;
use check::Check;
use join::Joined;

/// How long a right answer keeps a node online: four check periods, so that at 10 % loss each way
/// a living node all but never loses the dozen checks that fall into it.
pub const ONLINE: Duration = Duration::from_secs(12);

/// When to say that no node has answered since the start.
pub const START_GRACE: Duration = Duration::from_secs(10);

/// How long a distance that has changed by as much as lists tell waits for others: after a start
/// those of thousands of nodes settle, and each list that is encoded costs as much as hundreds of
/// checks. Lesser changes are in the next list, which is encoded before [`ONLINE`] is over.
const SETTLE: Duration = Check::PERIOD;

/// How far the first checks are spread: each node 50 µs after the one before, within
/// half a second, so that thousands of answers do not arrive at once.
const START_SPREAD: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(500));

/// A node that a server is configured with, or one that has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Where it is checked and its heartbeats come from.
    pub addr: SocketAddr,
    /// Where clients are told it is.
    pub public: SocketAddr,
    /// What it is called where it does not say so itself.
    pub name: Option<Name>,
}

/// A node and what is known of it.
#[derive(Debug)]
pub struct Member {
    /// What it was configured with.
    pub spec: NodeSpec,
    /// None: it is configured.
    joined: Option<Joined>,
    /// The key of its last heartbeat, which its checks are signed with: while keys are changed it
    /// may not have the one that signs here.
    key: Option<u32>,
    offer: Option<Offered>,
    check: Check,
    deadline: Instant,
}

/// What a node's last right answer offered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offered {
    kind: Kind,
    turn: Option<SocketAddr>,
    name: Option<Name>,
    /// What it lists, where its answer held all of that.
    list: Vec<Node>,
    version: u64,
    until: Instant,
}

/// What became known of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberEvent {
    /// It is listed from now on.
    Online {
        /// The address that it is checked at.
        addr: SocketAddr,
        /// Its name.
        name: Option<Name>,
    },
    /// It is listed no more.
    Offline {
        /// The address that it is checked at.
        addr: SocketAddr,
        /// Its name.
        name: Option<Name>,
        /// Whether it stayed silent; else it said that it offers nothing.
        silent: bool,
    },
    /// It had joined, and is no node any more: it has been silent for long, or is found at the
    /// address that it advertises.
    Forgotten {
        /// The address that it was checked at.
        addr: SocketAddr,
    },
    /// None has answered since the start.
    NoneAnswered,
}

/// What became of a datagram that came to the checks' socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// A right answer to a check.
    Right,
    /// From an address that is not checked.
    Misplaced,
    /// With an id or nonce that was not sent there, or for the second time.
    Mismatched,
    /// No answer to a probe.
    Malformed,
    /// Not rightly signed, as it must be.
    Unsigned,
}

/// A node as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Online<'a> {
    /// Where clients are told it is.
    pub addr: SocketAddr,
    /// What it is.
    pub kind: Kind,
    /// The TURN server beside it, for a leaf.
    pub turn: Option<SocketAddr>,
    /// What it is called.
    pub name: Option<&'a Name>,
    /// What it lists, where that is known whole.
    pub list: &'a [Node],
    /// The round-trip time to it.
    pub rtt: Option<Duration>,
    /// When it is listed no more.
    pub until: Instant,
}

/// The nodes of a server.
///
/// After any `handle_*` or `set_*`, call `poll_transmit` and `poll_event` until they are empty,
/// then wait for `poll_timeout`.
#[derive(Debug)]
pub struct Members {
    members: BTreeMap<SocketAddr, Member>,
    deadlines: BTreeSet<(Instant, SocketAddr)>,
    events: VecDeque<MemberEvent>,
    /// When to complain of silence; none once any node has answered.
    grace: Option<Instant>,
    /// When distances that have changed since the last revision are news.
    settle: Option<Instant>,
    revision: u64,
    /// How many of them are configured.
    configured: usize,
    seal: Seal,
    trust: Trust,
    /// Judges signed heartbeats; none without keys.
    replay: Option<ReplayFilter>,
    rng: Rng,
}

impl Members {
    /// No nodes yet.
    pub fn new(mut rng: Rng) -> Self {
        Self {
            members: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            grace: None,
            settle: None,
            revision: 0,
            configured: 0,
            seal: Seal::new(rng.random()),
            trust: Trust::default(),
            replay: None,
            rng,
        }
    }

    /// Believes these from now on.
    pub fn set_trust(&mut self, now: Instant, trust: Trust) {
        self.replay = (!trust.keys.is_empty()).then(|| ReplayFilter::new(now, &mut self.rng));
        self.trust = trust;
    }

    /// Replaces the configured nodes. Those that stay keep what is known of them, as do those that
    /// have joined; new ones are checked now.
    pub fn set_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = NodeSpec>) {
        let mut wanted: BTreeMap<_, _> = nodes.into_iter().map(|spec| (spec.addr, spec)).collect();
        self.configured = wanted.len();
        self.members.retain(|addr, member| {
            let stays = wanted.contains_key(addr) || member.joined.is_some();
            if !stays {
                self.deadlines.remove(&(member.deadline, *addr));
                self.revision += u64::from(member.offer.is_some());
            }
            stays
        });
        for (addr, member) in &mut self.members {
            let Some(spec) = wanted.remove(addr) else { continue };
            member.joined = None;
            if spec != member.spec {
                member.spec = spec;
                self.revision += 1;
            }
        }
        self.make_room(wanted.len());
        let (step, most) = START_SPREAD;
        for (index, spec) in wanted.into_values().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let deadline = now + step.saturating_mul(index).min(most);
            self.insert(deadline, spec, None);
            self.grace.get_or_insert(now + START_GRACE);
        }
        if self.members.is_empty() {
            self.grace = None;
        }
    }

    /// A datagram came to the socket that checks are sent from.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> CheckOutcome {
        let Some(member) = self.members.get_mut(&from) else {
            return CheckOutcome::Misplaced;
        };
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) = Response::decode(datagram)
        else {
            return CheckOutcome::Malformed;
        };
        let proof = Proof::of_reply(id, &reply);
        let Some(sent) = member.check.answered_by(proof) else {
            return CheckOutcome::Mismatched;
        };
        self.grace = None;
        if reply.retry {
            // It need not be signed: all that it can do is to have the node asked again.
            member.check.sent_away(now, reply.cookie);
            member.schedule(from, &mut self.deadlines);
            return CheckOutcome::Right;
        }
        let signed = matches!(self.trust.keys.judge(Purpose::Reply, datagram), Tag::Right(_));
        let required = self.trust.require || member.joined.is_some();
        if !signed && required && !planted(Fault::UnsignedAnswer) {
            return CheckOutcome::Unsigned;
        }
        let distance = |check: &Check| check.distance().map(Node::rtt_on_wire);
        let nearness = distance(&member.check);
        member.check.measure(now, sent);
        if let Some(joined) = &mut member.joined {
            joined.heard(now);
        }
        let before = member.offer.take();
        let online = if planted(Fault::LateExpiry) { Duration::from_secs(20) } else { ONLINE };
        member.offer = offered(reply, from, now + online);
        if planted(Fault::OfflineIgnored) {
            member.offer = member.offer.take().or(before.clone());
        }
        let pause = if member.offer.is_some() { Check::PERIOD } else { Check::PERIOD_OFFLINE };
        member.check.answered(proof, now + jitter(pause, &mut self.rng));
        let after = member.offer.as_ref();
        if before.as_ref().map(Offered::listed) != after.map(Offered::listed) {
            self.revision += 1;
        } else if after.is_some() && distance(&member.check) != nearness {
            self.settle.get_or_insert(now + SETTLE);
        }
        let name = || [after, before.as_ref()].into_iter().flatten().find_map(|o| o.name.clone());
        let name = || name().or_else(|| member.spec.name.clone());
        match (&before, after) {
            (None, Some(_)) => {
                self.events.push_back(MemberEvent::Online { addr: from, name: name() })
            }
            (Some(_), None) => {
                self.events.push_back(MemberEvent::Offline {
                    addr: from,
                    name: name(),
                    silent: false,
                });
            }
            _ => {}
        }
        member.schedule(from, &mut self.deadlines);
        CheckOutcome::Right
    }

    /// Lets time pass: nodes that stayed silent go offline.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.grace.is_some_and(|grace| grace <= now) {
            self.grace = None;
            self.events.push_back(MemberEvent::NoneAnswered);
        }
        if self.settle.is_some_and(|settle| settle <= now) {
            self.settle = None;
            self.revision += 1;
        }
        for addr in self.due(now) {
            self.forget(now, addr);
            let Some(member) = self.members.get_mut(&addr) else {
                continue;
            };
            if let Some(offer) = member.offer.take_if(|offer| offer.until <= now) {
                let name = offer.name.or_else(|| member.spec.name.clone());
                self.events.push_back(MemberEvent::Offline { addr, name, silent: true });
                self.revision += 1;
                member.schedule(addr, &mut self.deadlines);
            }
        }
    }

    /// The next check to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let due = (Bound::Unbounded, Bound::Included((now, LAST_ADDR)));
        let addr = self.deadlines.range(due).find_map(|(_, addr)| {
            self.members.get(addr).filter(|member| member.check.due() <= now).map(|_| *addr)
        })?;
        let member = self.members.get_mut(&addr)?;
        let token = Token { id: self.rng.random(), nonce: self.seal.nonce(self.rng.random()) };
        let keys = &self.trust.keys;
        let key = member.key.and_then(|id| keys.get(id)).or(keys.active());
        let size = PADDED_REQUEST - key.map_or(0, |_| TRAILER);
        let mut payload = member.check.send(now, token, size, member.offer.is_some());
        if let Some(key) = key {
            key.sign(Purpose::Probe, &mut payload, 0);
        }
        member.schedule(addr, &mut self.deadlines);
        Some(Transmit { to: addr, payload })
    }

    /// What became known since the last call.
    pub fn poll_event(&mut self) -> Option<MemberEvent> {
        self.events.pop_front()
    }

    /// Whether [`Members::poll_event`] has one.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When to call [`Members::handle_timeout`] and [`Members::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        [first, self.grace, self.settle].into_iter().flatten().min()
    }

    /// Changes whenever what is listed changes, but for what only time has ended: that shows at
    /// reading time.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What the nonces of its checks are known by.
    pub fn seal(&self) -> Seal {
        self.seal
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The addresses of the configured nodes, in order.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        let configured = self.members.iter().filter(|(_, member)| member.joined.is_none());
        configured.map(|(addr, _)| *addr)
    }

    /// The nodes that are online at this moment, in the order of the addresses they are
    /// checked at.
    pub fn online(&self, now: Instant) -> impl Iterator<Item = Online<'_>> {
        self.members.values().filter_map(move |member| {
            let offer = member.offer.as_ref().filter(|offer| offer.until > now)?;
            Some(Online {
                addr: member.spec.public,
                kind: offer.kind,
                turn: offer.turn,
                name: offer.name.as_ref().or(member.spec.name.as_ref()),
                list: &offer.list,
                rtt: member.check.distance(),
                until: offer.until,
            })
        })
    }

    /// All that heartbeats could change of the nodes, for tests: where each is checked and when
    /// next, until when it is online, and whether it has joined.
    #[doc(hidden)]
    pub fn states(&self) -> Vec<(SocketAddr, Instant, Option<Instant>, bool)> {
        let state = |(addr, member): (&SocketAddr, &Member)| {
            let until = member.offer.as_ref().map(|offer| offer.until);
            (*addr, member.check.due(), until, member.joined.is_some())
        };
        self.members.iter().map(state).collect()
    }

    /// Of how many addresses the last number of a heartbeat is remembered, for tests.
    #[doc(hidden)]
    pub fn remembered(&self) -> usize {
        self.replay.as_ref().map_or(0, ReplayFilter::len)
    }

    fn due(&self, now: Instant) -> Vec<SocketAddr> {
        let due = (Bound::Unbounded, Bound::Included((now, LAST_ADDR)));
        self.deadlines.range(due).map(|(_, addr)| *addr).collect()
    }

    fn insert(&mut self, deadline: Instant, spec: NodeSpec, joined: Option<Joined>) {
        let (addr, check) = (spec.addr, Check::new(deadline));
        self.deadlines.insert((deadline, addr));
        self.members.insert(addr, Member { spec, joined, key: None, offer: None, check, deadline });
    }
}

impl Member {
    /// Indexes it by the earlier of its next check and its expiry.
    fn schedule(&mut self, addr: SocketAddr, deadlines: &mut BTreeSet<(Instant, SocketAddr)>) {
        let due = self.check.due();
        let deadline = self.offer.as_ref().map_or(due, |offer| offer.until.min(due));
        if deadline != self.deadline {
            deadlines.remove(&(self.deadline, addr));
            deadlines.insert((deadline, addr));
            self.deadline = deadline;
        }
    }
}

impl Offered {
    /// What a server would have that believes heartbeats.
    fn claimed(until: Instant) -> Self {
        let (kind, list) = (Kind::Balance, Vec::new());
        Self { kind, turn: None, name: None, list, version: 0, until }
    }

    /// What of it a list shows.
    fn listed(&self) -> (Kind, Option<SocketAddr>, Option<&Name>, &[Node]) {
        (self.kind, self.turn, self.name.as_ref(), &self.list)
    }
}

/// Greater than any address: the end of a range of deadlines.
const LAST_ADDR: SocketAddr = SocketAddr::V6(std::net::SocketAddrV6::new(
    std::net::Ipv6Addr::from_bits(u128::MAX),
    u16::MAX,
    u32::MAX,
    u32::MAX,
));

/// What an answer offers; none where that is nothing. Of the addresses that it names only those
/// stay that are not nearer than the node itself: others are for its clients to judge, and not to
/// be passed on.
fn offered(reply: ProbeReply, from: SocketAddr, until: Instant) -> Option<Offered> {
    if reply.state != State::Offering {
        return None;
    }
    let kind = match (reply.nodes.is_empty() && reply.hosts.is_empty(), reply.turn) {
        (false, _) => Kind::Balance,
        (true, Some(_)) => Kind::Leaf,
        (true, None) => return None,
    };
    let reach = Scope::of(from.ip()).unwrap_or(Scope::Global);
    let may_name = |addr: &SocketAddr| reach.allows(addr.ip()) || planted(Fault::RefusedListed);
    let turn = reply.turn.filter(|turn| kind == Kind::Leaf && may_name(turn));
    let whole = reply.total as usize <= reply.nodes.len() || planted(Fault::SampleMerged);
    let mut list = if whole { reply.nodes } else { Vec::new() };
    list.retain(|node| may_name(&node.addr));
    for node in &mut list {
        node.turn = node.turn.filter(may_name);
    }
    Some(Offered { kind, turn, name: reply.name, list, version: reply.version, until })
}
