//! Who is online until when: the nodes of a server, and the checks that decide.
//!
//! A heartbeat is a knock, not a claim: it only brings a check forward. A node is online for
//! [`ONLINE`] after the last right answer to a check, for what that answer offered.

mod check;
mod gate;
mod join;
mod member;
mod naming;
mod node;
mod offered;
mod prospect;
mod prospects;
mod recalled;
mod roster;
mod said;
mod screen;
mod signer;
mod since;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use rand::RngExt;

use super::auth::{Heartbeat, Trust};
use super::deadlines::spread;
use super::drop::DropReason;
use super::news::News;
use super::reason::Absentee;
use super::refusal::{TagFault, TagRefusal, TaggedMessage};
use super::seal::Seal;
use super::trouble::Trouble;
use super::ways::{Way, Ways};
use crate::net::engine::exchange::{Proof, Token};
use crate::net::engine::{Rng, Transmit};
use crate::net::wire::auth::{Purpose, Tag};
use crate::net::wire::{Down, Pong, Response, ResponseBody};
use crate::types::{NodeCondition, NodeStatus, OnLink, RttHistogram, TopologyNode};
use gate::{Gate, Ruling};
use join::Joining;
use member::{CheckAnswer, Member};
use prospect::Prospect;
use prospects::Prospects;
use roster::Roster;

pub use node::{CheckOutcome, JoinedNode, MemberEvent, NodeSpec, NodeState, Online, Unrecalled};
pub use offered::ONLINE;
use offered::Offered;

/// What datagrams show is looked at after each: this many one may show.
const SIGHTS: usize = 4;

/// The nodes of a server.
///
/// After any `handle_*` or `set_*`, call `poll_transmit` and `poll_event` until they are empty,
/// then wait for `poll_timeout`.
#[derive(Debug)]
pub struct Members {
    roster: Roster,
    prospects: Prospects,
    news: News<MemberEvent>,
    /// What datagrams have shown to be wrong since somebody looked, as many as [`SIGHTS`].
    sights: VecDeque<Trouble>,
    gate: Gate,
    ways: Ways,
    /// How many of them are configured.
    configured: usize,
    seal: Seal,
    /// How long checks took.
    rtts: RttHistogram,
    rng: Rng,
}

impl Members {
    /// No nodes yet.
    pub fn new(mut rng: Rng) -> Self {
        Self {
            roster: Roster::default(),
            prospects: Prospects::default(),
            news: News::default(),
            sights: VecDeque::new(),
            gate: Gate::default(),
            ways: Ways::default(),
            configured: 0,
            seal: Seal::new(rng.random()),
            rtts: RttHistogram::default(),
            rng,
        }
    }

    /// Believes these from now on. Who has joined and may not any more is forgotten.
    pub fn set_trust(&mut self, now: Instant, trust: Trust) {
        let before = self.gate.set_trust(now, trust.clone(), &mut self.rng);
        self.joining().screen(&before, &trust);
    }

    /// Believes these, and replaces the configured nodes, both at once: who has joined and is configured
    /// now stays, and who has room by the one for the other.
    pub fn reload(
        &mut self,
        now: Instant,
        trust: Trust,
        nodes: impl IntoIterator<Item = NodeSpec>,
    ) {
        let before = self.gate.set_trust(now, trust.clone(), &mut self.rng);
        self.set_nodes(now, nodes);
        self.joining().screen(&before, &trust);
    }

    /// This host is in these networks from now on: nobody elsewhere may name what is there.
    pub fn set_on_link(&mut self, on_link: OnLink) {
        self.gate.set_on_link(on_link);
    }

    /// Replaces the configured nodes. Those that stay keep what is known of them, as do those that
    /// have joined; new ones are checked now.
    pub fn set_nodes(&mut self, now: Instant, nodes: impl IntoIterator<Item = NodeSpec>) {
        let mut wanted: BTreeMap<_, _> = nodes.into_iter().map(|spec| (spec.addr, spec)).collect();
        self.configured = wanted.len();
        let gone = |(addr, member): (_, &Member)| {
            (!wanted.contains_key(&addr) && !member.has_joined()).then_some(addr)
        };
        for addr in Vec::from_iter(self.roster.iter().filter_map(gone)) {
            if self.roster.remove(addr).is_some_and(|member| member.has_offer()) {
                self.news.revise();
            }
        }
        for addr in Vec::from_iter(self.roster.iter().map(|(addr, _)| addr)) {
            let Some(spec) = wanted.remove(&addr) else { continue };
            if self.roster.change(addr, |member| member.configure(spec)) == Some(true) {
                self.news.revise();
            }
        }
        self.joining().make_room(wanted.len());
        for (index, (addr, spec)) in wanted.into_iter().enumerate() {
            self.roster.insert(addr, Member::configured(spec, now + spread(index)));
            self.news.await_answers(now);
        }
        if self.roster.is_empty() {
            self.news.answered();
        }
    }

    /// Makes one a node again that had joined before this start.
    pub(super) fn recall(&mut self, now: Instant, node: JoinedNode) -> Result<(), Unrecalled> {
        self.gate.recall(now, node, &mut self.roster, self.configured)
    }

    /// Those that have joined and are to be known after a restart, and a number that changes with them.
    pub(super) fn joined(&self) -> (u64, impl Iterator<Item = JoinedNode>) {
        (self.roster.joined_revision(), self.roster.joined())
    }

    /// A heartbeat came: brings the next check forward where it could bring something new.
    /// Returns what a node must do for its heartbeats to be accepted.
    ///
    /// # Errors
    /// Why nothing comes of it.
    pub fn handle_heartbeat(
        &mut self,
        now: Instant,
        from: SocketAddr,
        heartbeat: &Heartbeat,
    ) -> Result<Option<Pong>, DropReason> {
        let result = self.take_heartbeat(now, from, heartbeat);
        if let Err(reason) = &result
            && let Some(why) = self.gate.unwelcome(from, *reason)
            && !self.has_offer_of(heartbeat.ping.version)
        {
            self.sight(Trouble::Unwelcome { from, why });
        }
        result
    }

    /// Whether a node has said that it offers this: then whoever says so too is that node, at another of its
    /// addresses.
    fn has_offer_of(&self, version: u64) -> bool {
        version != 0 && self.roster.iter().any(|(_, member)| member.version() == Some(version))
    }

    fn take_heartbeat(
        &mut self,
        now: Instant,
        from: SocketAddr,
        heartbeat: &Heartbeat,
    ) -> Result<Option<Pong>, DropReason> {
        match self.gate.judge(now, from, heartbeat, &self.roster, self.configured)? {
            Ruling::Unsigned => self.joining().knock(now, from, from, heartbeat),
            Ruling::Signed(places) => {
                let trouble = self.joining().let_in(now, from, places, heartbeat)?;
                trouble.into_iter().for_each(|trouble| self.sight(trouble));
            }
            Ruling::Stale(pong) => return Ok(Some(pong)),
        }
        Ok(None)
    }

    /// A heartbeat came in the name of a node, and is not believed.
    pub(super) fn suspect(&mut self, from: SocketAddr, fault: TagFault) {
        self.roster.change(from, |member| member.suspect(fault));
    }

    /// A datagram came to the socket that checks are sent from.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> CheckOutcome {
        let member = self.roster.get(from);
        if member.is_none() && !self.prospects.contains(from) {
            return CheckOutcome::Misplaced;
        }
        let Ok(Response { id, body: ResponseBody::Probe(reply) }) =
            Response::decode_some(datagram, Offered::entries(datagram.len()))
        else {
            return CheckOutcome::Malformed;
        };
        let proof = Proof::of_reply(id, &reply);
        let sent = member.and_then(|member| member.answered_by(proof));
        if sent.is_none() && !self.prospects.is_answer(from, proof) {
            return CheckOutcome::Mismatched;
        }
        self.news.answered();
        if reply.retry {
            // It need not be signed: all that it can do is to have the node asked again.
            if sent.is_some() {
                self.roster.change(from, |member| member.retry(now, reply.cookie));
            } else {
                self.prospects.retry(from, proof, reply.cookie);
            }
            return CheckOutcome::Right;
        }
        let trust = self.gate.trust();
        let key = match trust.keys.judge(Purpose::Reply, datagram) {
            Tag::Right(key) => Some(key.id()),
            Tag::Absent | Tag::Wrong => None,
        };
        let joined = member.is_none_or(Member::has_joined);
        if key.is_none() && trust.requires_signed_answers(joined) {
            let fault = TagFault::of(&trust.keys, datagram);
            if self.roster.change(from, |member| member.refuse(fault)).is_some() {
                let refusal = TagRefusal { message: TaggedMessage::Answer, fault };
                self.sight(Trouble::Refused { peer: from, refusal });
            }
            return CheckOutcome::Unsigned;
        }
        let Some(sent) = sent else {
            // It may be but a part of a list.
            self.joining().found(now, from, key);
            return CheckOutcome::Right;
        };
        self.rtts.note(now.saturating_duration_since(sent));
        self.prospects.found(from);
        let answer = CheckAnswer { sent, proof, key, reply, len: datagram.len() };
        let (on_link, rng) = (self.gate.on_link(), &mut self.rng);
        let change = self.roster.change(from, |member| member.answered(now, answer, on_link, rng));
        change.into_iter().for_each(|change| self.news.note(now, change));
        let left_out = self.roster.get(from).and_then(Member::left_out);
        left_out.into_iter().for_each(|trouble| self.sight(trouble));
        CheckOutcome::Right
    }

    /// Lets time pass: nodes that stayed silent go offline.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.news.handle_timeout(now, MemberEvent::NoneAnswered);
        self.prospects.handle_timeout(now);
        for addr in self.roster.ending(now) {
            if self.roster.get(addr).is_some_and(|member| member.is_forgotten(now)) {
                self.joining().dismiss(addr);
            } else if let Some(change) = self.roster.change(addr, |member| member.expire(now)) {
                self.news.note(now, change);
            }
        }
    }

    /// The next check to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let keys = &self.gate.trust().keys;
        let (seal, rng, ways) = (self.seal, &mut self.rng, &mut self.ways);
        let mut token = || Token { id: rng.random(), nonce: seal.nonce(rng.random()) };
        let Some(to) = self.roster.check_due(now) else {
            return self.prospects.poll_transmit(now, keys, ways, token);
        };
        let token = token();
        let check = self.roster.change(to, |member| member.check(now, token, keys, ways));
        let (payload, event) = check?;
        event.into_iter().for_each(|event| self.news.tell(event));
        Some(Transmit { to, payload })
    }

    /// Which way a check leaves that has just been polled.
    pub fn way(&self, to: SocketAddr) -> Way {
        self.roster.get(to).map_or_else(|| self.prospects.way(to), Member::way)
    }

    /// What became known since the last call.
    pub fn poll_event(&mut self) -> Option<MemberEvent> {
        self.news.poll_event()
    }

    /// Whether [`Members::poll_event`] has one.
    pub fn has_events(&self) -> bool {
        self.news.has_events()
    }

    /// When to call [`Members::handle_timeout`] and [`Members::poll_transmit`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.roster.deadline(), self.prospects.poll_timeout(), self.news.poll_timeout()];
        due.into_iter().flatten().min()
    }

    /// Changes whenever what is listed changes, but for what only time has ended: that shows at
    /// reading time.
    pub fn revision(&self) -> u64 {
        self.news.revision()
    }

    /// What the nonces of its checks are known by.
    pub fn seal(&self) -> Seal {
        self.seal
    }

    /// How many of [`Members::online`] there are, as of the last [`Members::handle_timeout`]: it is
    /// kept as they come and go.
    pub fn online_count(&self) -> usize {
        self.roster.offering()
    }

    /// Whether there is a node that is checked at this address, and it is online at this moment.
    pub fn is_online(&self, now: Instant, addr: SocketAddr) -> bool {
        self.roster.get(addr).is_some_and(|member| member.online(now).is_some())
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// The addresses of the configured nodes, in order.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.roster.iter().filter(|(_, member)| !member.has_joined()).map(|(addr, _)| addr)
    }

    /// The nodes that are online at this moment, in the order of the addresses they are
    /// checked at.
    pub fn online(&self, now: Instant) -> impl Iterator<Item = Online<'_>> {
        self.roster.iter().filter_map(move |(_, member)| member.online(now))
    }

    /// The configured nodes that are not online at this moment, and why.
    pub fn down(&self, now: Instant) -> impl Iterator<Item = Down> {
        self.roster.iter().filter_map(move |(_, member)| member.down(now))
    }

    /// The same, with what only this server knows of them.
    pub(super) fn absent(&self, now: Instant) -> impl Iterator<Item = Absentee> {
        self.roster.iter().filter_map(move |(_, member)| member.absent(now))
    }

    /// Whether each is offered.
    pub(super) fn conditions(&self) -> impl Iterator<Item = NodeCondition> {
        self.roster.iter().map(|(_, member)| member.condition())
    }

    /// What datagrams have shown to be wrong since the last call.
    pub(super) fn take_sights(&mut self) -> impl Iterator<Item = Trouble> {
        self.sights.drain(..)
    }

    /// How each node is, in the order of their addresses.
    pub(super) fn statuses(&self, now: Instant) -> impl Iterator<Item = NodeStatus> {
        self.roster.iter().map(move |(_, member)| member.status(now))
    }

    /// What each node lists, in the same order.
    pub(super) fn topology(&self) -> impl Iterator<Item = TopologyNode> {
        self.roster.iter().map(|(_, member)| member.topology())
    }

    /// How long their checks took.
    pub(super) fn rtts(&self) -> &RttHistogram {
        &self.rtts
    }

    /// All that heartbeats could change of the nodes, for tests.
    #[doc(hidden)]
    pub fn states(&self) -> Vec<NodeState> {
        let states = self.roster.iter().map(|(_, member)| member.state());
        states.chain(self.prospects.iter().map(Prospect::state)).collect()
    }

    /// How many places are asked because a heartbeat advertises them, and have not answered.
    pub fn unproven(&self) -> usize {
        self.prospects.len()
    }

    /// Of how many addresses the last number of a heartbeat is remembered, for tests.
    #[doc(hidden)]
    pub fn remembered(&self) -> usize {
        self.gate.remembered()
    }

    fn sight(&mut self, trouble: Trouble) {
        if self.sights.len() < SIGHTS {
            self.sights.push_back(trouble);
        }
    }

    fn joining(&mut self) -> Joining<'_> {
        let room = self.gate.room(self.configured);
        Joining {
            roster: &mut self.roster,
            prospects: &mut self.prospects,
            news: &mut self.news,
            room,
        }
    }
}
