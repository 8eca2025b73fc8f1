//! One node, and what is known of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::check::Check;
use super::node::{JoinedNode, MemberEvent, NodeSpec, NodeState, Online, listed};
use super::offered::{ONLINE, Offered};
use super::said::Said;
use super::signer::Signer;
use super::since::Since;
use crate::net::engine::exchange::{Proof, Token};
use crate::net::engine::server::auth::Heartbeat;
use crate::net::engine::server::load::SteadyLoad;
use crate::net::engine::server::news::Change;
use crate::net::engine::server::reason::Absentee;
use crate::net::engine::server::refusal::TagFault;
use crate::net::engine::server::trouble::Trouble;
use crate::net::engine::server::ways::{Way, Ways};
use crate::net::engine::{Rng, jitter};
use crate::net::wire::auth::{Keys, Purpose, TRAILER};
use crate::net::wire::{Down, Kind, Node, PADDED_REQUEST, ProbeReply, State};
use crate::types::{Name, NodeCondition, NodeFault, NodeStatus, OnLink, TopologyNode, TurnFault};

/// After its last heartbeat or right answer a node that has joined is forgotten: late enough that
/// a restart or a partition shows as "offline" in the log, soon enough that a fleet whose
/// addresses change leaves no heap behind. More than a challenge lives, so that no heartbeat that
/// was recorded before brings it back.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// How long a node is looked for at the address that it advertises alone: the first round of
/// checks.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// A node, and what is known of it.
#[derive(Debug)]
pub(super) struct Member {
    spec: NodeSpec,
    /// `None`: it is configured.
    joined: Option<Joined>,
    signer: Signer,
    /// What it has last called itself, also where it is silent now.
    called: Option<Name>,
    /// What it was then.
    was: Kind,
    offered: Option<Offered>,
    /// What it says instead.
    said: Option<Said>,
    /// How full the TURN server beside it is, by its last right answer.
    load: SteadyLoad,
    /// What is wrong with the tags of what it sends, until an answer is right.
    refused: Option<TagFault>,
    since: Since,
    check: Check,
}

/// A right answer to one of its checks.
#[derive(Debug)]
pub(super) struct CheckAnswer {
    /// When the check was sent.
    pub(super) sent: Instant,
    pub(super) proof: Proof,
    /// The number of the key that it is signed with.
    pub(super) key: Option<u32>,
    pub(super) reply: ProbeReply,
    /// Its bytes of UDP payload.
    pub(super) len: usize,
}

/// When one joined that is not configured, and was heard from last.
#[derive(Debug, Clone, Copy)]
struct Joined {
    since: Instant,
    heard: Instant,
    /// Whether it has ever answered a check as a node must.
    answered: bool,
}

impl Member {
    /// A configured one, that is checked first at this moment.
    pub(super) fn configured(spec: NodeSpec, first: Instant) -> Self {
        Self {
            spec,
            joined: None,
            signer: Signer::default(),
            called: None,
            was: Kind::default(),
            offered: None,
            said: None,
            load: SteadyLoad::default(),
            refused: None,
            since: Since::new(first),
            check: Check::new(first),
        }
    }

    /// One that joins now.
    pub(super) fn joined(addr: SocketAddr, now: Instant) -> Self {
        let spec = NodeSpec { addr, public: addr, name: None };
        let joined = Some(Joined { since: now, heard: now, answered: false });
        Self { joined, ..Self::configured(spec, now) }
    }

    /// One that had joined before this start, and is checked first at this moment.
    pub(super) fn recalled(
        JoinedNode { addr, key }: JoinedNode,
        now: Instant,
        first: Instant,
    ) -> Self {
        let spec = NodeSpec { addr, public: addr, name: None };
        let joined = Some(Joined { since: now, heard: now, answered: true });
        let mut member = Self { joined, ..Self::configured(spec, first) };
        member.signer.show(Some(key));
        member
    }

    /// What is to be known of it after a restart.
    pub(super) fn remembered(&self) -> Option<JoinedNode> {
        let key =
            self.joined.filter(|joined| joined.answered).and_then(|_| self.signer.number())?;
        Some(JoinedNode { addr: self.spec.addr, key })
    }

    /// Makes it one of the configuration. Returns whether lists may show it differently.
    pub(super) fn configure(&mut self, spec: NodeSpec) -> bool {
        self.joined = None;
        let changed = self.spec != spec;
        self.spec = spec;
        changed
    }

    pub(super) fn has_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// When one that has joined was heard from last.
    pub(super) fn last_heard(&self) -> Option<Instant> {
        self.joined.map(|joined| joined.heard)
    }

    /// Whether one that has joined has been silent for long.
    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        self.joined.is_some_and(|joined| joined.heard + FORGOTTEN <= now)
    }

    /// Whether it may still be found here alone: it is configured, or has joined just now.
    pub(super) fn is_looked_for(&self, now: Instant) -> bool {
        self.joined.is_none_or(|joined| now < joined.since + PATIENCE)
    }

    /// Whether it may have a key that counts.
    pub(super) fn has_key(&self, counts: impl Fn(u32) -> bool) -> bool {
        self.signer.has_any(counts)
    }

    /// Whether it is known to be there: it is configured, or has shown it as lately as a node that is
    /// online.
    pub(super) fn is_present(&self, now: Instant) -> bool {
        self.joined.is_none_or(|joined| now < joined.heard + ONLINE)
    }

    /// It has shown that it is there, and has this key.
    pub(super) fn appear(&mut self, now: Instant, key: Option<u32>) {
        self.heard(now);
        self.signer.show(key);
        self.check.bring_forward(now);
    }

    /// Whether it has an offer that no timeout has ended yet.
    pub(super) fn has_offer(&self) -> bool {
        self.offered.is_some()
    }

    /// The version of that.
    pub(super) fn version(&self) -> Option<u64> {
        self.offered.as_ref().map(|offered| offered.version)
    }

    /// When something is due: its next check, or the end of what it offers.
    pub(super) fn deadline(&self) -> Instant {
        self.end().map_or(self.check.due(), |end| end.min(self.check.due()))
    }

    /// Whether what it offers or says ends, or it is forgotten itself.
    pub(super) fn ends(&self, now: Instant) -> bool {
        self.end().is_some_and(|end| end <= now) || self.is_forgotten(now)
    }

    /// When what it offers, or says instead, ends.
    fn end(&self) -> Option<Instant> {
        let offered = self.offered.as_ref().map(|offered| offered.until);
        offered.into_iter().chain(self.said.as_ref().map(|said| said.until)).min()
    }

    /// When its next check is due.
    pub(super) fn check_due(&self) -> Instant {
        self.check.due()
    }

    /// A check that is sent now.
    pub(super) fn check(
        &mut self,
        now: Instant,
        token: Token,
        keys: &Keys,
        ways: &mut Ways,
    ) -> (Vec<u8>, Option<MemberEvent>) {
        let moved = self.check.route(now, ways);
        let event = moved.then_some(MemberEvent::Rerouted { addr: self.spec.addr });
        let key = self.signer.key(keys, self.check.sent());
        let size = PADDED_REQUEST - key.map_or(0, |_| TRAILER);
        let mut payload = self.check.send(now, token, size, self.offered.is_some());
        if let Some(key) = key {
            key.sign(Purpose::Probe, &mut payload, 0);
        }
        (payload, event)
    }

    /// Which way its checks leave.
    pub(super) fn way(&self) -> Way {
        self.check.way()
    }

    /// An answer came that counts for nothing else, for this reason.
    pub(super) fn refuse(&mut self, fault: TagFault) {
        self.suspect(fault);
        self.check.heard();
    }

    /// Something came in its name that is not believed. Where the keys differ its answers have no tag at all:
    /// what its heartbeats have says more.
    pub(super) fn suspect(&mut self, fault: TagFault) {
        self.refused = self.refused.filter(|_| fault == TagFault::Absent).or(Some(fault));
    }

    /// When the check was sent that an answer is to; `None`: it is to none.
    pub(super) fn answered_by(&self, proof: Proof) -> Option<Instant> {
        self.check.answered_by(proof)
    }

    /// It asks for the check again, with this cookie.
    pub(super) fn retry(&mut self, now: Instant, cookie: Vec<u8>) {
        self.check.retry(now, cookie);
    }

    /// A right answer came.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        answer: CheckAnswer,
        on_link: &OnLink,
        rng: &mut Rng,
    ) -> Change<MemberEvent> {
        let CheckAnswer { sent, proof, key, reply, len } = answer;
        self.signer.show(key);
        self.refused = None;
        let far = self.distance_on_wire();
        self.check.measure(now, sent);
        self.heard(now);
        self.joined = self.joined.map(|joined| Joined { answered: true, ..joined });
        let (before, said) = (self.offered.take(), self.said.take());
        let now_said = Said::by(&reply, now);
        self.called.clone_from(&reply.name);
        let load = reply.load.filter(|_| reply.turn.is_some());
        let fuller = self.load.note(load);
        let offered = Offered::by(reply, len, self.spec.addr, on_link, now);
        self.offered = Offered::after(offered, &before);
        let pause = if self.offered.is_some() { Check::PERIOD } else { Check::PERIOD_OFFLINE };
        self.check.answered(proof, now + jitter(pause, rng));
        self.said = Some(now_said).filter(|_| self.offered.is_none());
        self.was = self.kind();
        self.since.note(now, self.condition());
        let after = self.offered.as_ref();
        let says_so_again = match (&said, &self.said) {
            (Some(before), Some(after)) => after.is_told_as(before),
            (before, after) => before.is_some() == after.is_some(),
        };
        Change {
            listed: match (&before, after) {
                (Some(before), Some(after)) => !after.is_listed_as(before),
                _ => before.is_some() != after.is_some() || !says_so_again,
            },
            settles: after.is_some() && (fuller || self.distance_on_wire() != far),
            event: match (&before, after) {
                (None, Some(_)) => {
                    Some(MemberEvent::Online { addr: self.spec.addr, name: self.name() })
                }
                (Some(_), None) => Some(self.offline()),
                _ => None,
            },
        }
    }

    /// A heartbeat of it came from an address: brings the next check forward, where it could bring
    /// something new. Returns whether lists show it differently.
    pub(super) fn knock(
        &mut self,
        now: Instant,
        from: SocketAddr,
        Heartbeat { ping, key, .. }: &Heartbeat,
    ) -> bool {
        self.signer.hear(*key, from == self.spec.addr);
        let claimed = Offered::claimed(now);
        let listed = claimed.is_some();
        self.offered = claimed.or(self.offered.take());
        let known = self.offered.as_ref().filter(|offered| offered.until > now);
        if known.is_none_or(|known| ping.version != 0 && ping.version != known.version) {
            self.check.bring_forward(now);
        }
        listed
    }

    /// One that has joined is there.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(joined) = &mut self.joined {
            joined.heard = now;
        }
    }

    /// Ends what it offers, where the time of that is over.
    pub(super) fn expire(&mut self, now: Instant) -> Change<MemberEvent> {
        let said = self.said.take_if(|said| said.until <= now);
        let offered = self.offered.take_if(|offered| offered.until <= now);
        self.since.note(now, self.condition());
        let event = offered.is_some().then(|| self.offline());
        Change { listed: event.is_some() || said.is_some(), settles: false, event }
    }

    /// Why it is not online, if it is configured.
    pub(super) fn down(&self, now: Instant) -> Option<Down> {
        if self.has_joined() || self.online(now).is_some() {
            return None;
        }
        let said = self.said.as_ref();
        Some(Down {
            addr: self.spec.public,
            kind: self.kind(),
            name: self.name(),
            state: said.map_or(State::Nothing, |said| said.state),
            fault: said.map_or(Some(TurnFault::Silent), |said| said.fault),
        })
    }

    /// The same with what only this server knows, for who runs it.
    pub(super) fn absent(&self, now: Instant) -> Option<Absentee> {
        self.down(now).map(|down| Absentee::new(down, self.refused))
    }

    /// What is wrong with what it offers.
    pub(super) fn left_out(&self) -> Option<Trouble> {
        let (named, why) = self.offered.as_ref()?.left_out?;
        Some(Trouble::LeftOut { node: self.spec.addr, named, why })
    }

    /// How it is listed, if it is online.
    pub(super) fn online(&self, now: Instant) -> Option<Online<'_>> {
        let offered = self.offered.as_ref().filter(|offered| offered.until > now)?;
        Some(Online {
            addr: self.spec.public,
            kind: offered.kind,
            turn: offered.turn,
            name: offered.name.as_ref().or(self.spec.name.as_ref()),
            labels: &offered.labels,
            list: &offered.list,
            rtt: self.check.distance(),
            load: self.load.shown().filter(|_| offered.kind == Kind::Leaf),
            weight: offered.weight,
            until: offered.until,
        })
    }

    /// Whether it is offered.
    pub(super) fn condition(&self) -> NodeCondition {
        match (&self.offered, self.said.as_ref().map(|said| said.state)) {
            (Some(_), _) => NodeCondition::Online,
            (None, None) => NodeCondition::Offline,
            (None, Some(State::Offering | State::Nothing)) => NodeCondition::Nothing,
            (None, Some(State::TurnDown)) => NodeCondition::TurnDown,
            (None, Some(State::Full)) => NodeCondition::Full,
            (None, Some(State::Draining)) => NodeCondition::Draining,
        }
    }

    /// What it is, as far as is known.
    fn kind(&self) -> Kind {
        let (offered, said) = (self.offered.as_ref(), self.said.as_ref());
        offered.map(|offered| offered.kind).or(said.map(|said| said.kind)).unwrap_or(self.was)
    }

    /// How it is.
    pub(super) fn status(&self, now: Instant) -> NodeStatus {
        let (offered, said) = (self.offered.as_ref(), self.said.as_ref());
        let told = said.and_then(|said| said.fault).map(NodeFault::Turn);
        let silent = NodeFault::Turn(TurnFault::Silent);
        let silent = self.refused.map_or(silent, |_| NodeFault::Unsigned);
        let condition = self.condition();
        NodeStatus {
            addr: self.spec.addr,
            public: self.spec.public,
            kind: self.kind().into(),
            name: self.name(),
            joined: self.has_joined(),
            condition,
            since: self.since.ago(now),
            fault: told.or((condition == NodeCondition::Offline).then_some(silent)),
            rtt: self.check.recent_distance().filter(|_| condition != NodeCondition::Offline),
            load: self.load.shown().filter(|_| condition != NodeCondition::Offline),
            labels: offered.map(|offered| offered.labels.clone()).unwrap_or_default(),
            turn: offered.and_then(|offered| offered.turn),
            lists: offered.map_or(0, |offered| offered.list.len()),
        }
    }

    /// What it lists.
    pub(super) fn topology(&self) -> TopologyNode {
        let offered = self.offered.as_ref();
        let turn = offered.and_then(|offered| offered.turn);
        let labels = offered.map(|offered| offered.labels.clone()).unwrap_or_default();
        let (addr, name) = (self.spec.public, self.name());
        let node = Node { turn, name, labels, ..Node::new(addr, self.kind()) };
        let list = offered.map_or(&[][..], |offered| &offered.list);
        TopologyNode {
            node: listed(&node),
            state: self.condition().as_str(),
            lists: list.iter().map(listed).collect(),
        }
    }

    pub(super) fn state(&self) -> NodeState {
        NodeState {
            addr: self.spec.addr,
            due: self.check.due(),
            until: self.offered.as_ref().map(|offered| offered.until),
            joined: self.has_joined(),
        }
    }

    fn offline(&self) -> MemberEvent {
        let said = self.said.as_ref().map(|said| (said.state, said.fault));
        MemberEvent::Offline { addr: self.spec.addr, name: self.name(), said }
    }

    fn name(&self) -> Option<Name> {
        self.called.as_ref().or(self.spec.name.as_ref()).cloned()
    }

    fn distance_on_wire(&self) -> Option<Duration> {
        self.check.distance().map(Node::rtt_on_wire)
    }
}
