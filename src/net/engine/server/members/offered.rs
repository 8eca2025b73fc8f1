//! What a node offers, by its last right answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::naming::unfit;
use crate::net::engine::server::flat::may_be_passed_on;
use crate::net::engine::server::trouble::Unfit;
use crate::net::wire::{Kind, MAX_ANSWER, Node, ProbeReply, State};
use crate::types::{Labels, Name, OnLink};

/// How long a right answer keeps a node online: four check periods, so that at 10 % loss each way
/// a living node all but never loses the dozen checks that fall into it.
pub const ONLINE: Duration = Duration::from_secs(12);

/// What a node's last right answer offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) kind: Kind,
    pub(super) turn: Option<SocketAddr>,
    pub(super) name: Option<Name>,
    /// How much that one can serve beside others; 0: it does not tell.
    pub(super) weight: u32,
    /// What it says that it is labelled with.
    pub(super) labels: Labels,
    /// What it lists, where its answer held all of that.
    pub(super) list: Vec<Node>,
    /// The first address that it names and may not, and why.
    pub(super) left_out: Option<(SocketAddr, Unfit)>,
    pub(super) version: u64,
    pub(super) until: Instant,
}

impl Offered {
    /// What an answer of so many bytes offers; `None`: nothing. Of the addresses that it names only
    /// those stay that the node may name: others are for its clients to judge, and not to be passed
    /// on.
    pub(super) fn by(
        reply: ProbeReply,
        len: usize,
        from: SocketAddr,
        on_link: &OnLink,
        now: Instant,
    ) -> Option<Self> {
        if !is_offered(reply.state) {
            return None;
        }
        let kind = match (reply.nodes.is_empty() && reply.hosts.is_empty(), reply.turn) {
            (false, _) => Kind::Balance,
            (true, Some(_)) => Kind::Leaf,
            (true, None) => return None,
        };
        let mut left_out = None;
        let mut may_name = |addr: &SocketAddr, turn| {
            let why = unfit(on_link, from, *addr, turn);
            left_out = left_out.or(why.map(|why| (*addr, why)));
            why.is_none()
        };
        let of_use = is_whole(&reply) && is_short(len, &reply.nodes);
        let turn = reply.turn.filter(|turn| kind == Kind::Leaf && may_name(turn, true));
        let mut list = if of_use { reply.nodes } else { Vec::new() };
        list.retain(|node| may_name(&node.addr, node.kind == Kind::Turn));
        for node in &mut list {
            node.turn = node.turn.filter(|turn| may_name(turn, true));
            node.checker = node.checker.filter(|by| may_name(by, false));
        }
        let until = now + good_for();
        let (name, version, labels) = (reply.name, reply.version, reply.labels);
        let weight = if kind == Kind::Leaf { reply.weight } else { 0 };
        Some(Self { kind, turn, name, weight, labels, list, left_out, version, until })
    }

    /// How many entries of the list in an answer of so many bytes are of interest: of one that is too
    /// long, whether there are any.
    pub(super) fn entries(len: usize) -> usize {
        planted!(LongListKept => usize::MAX);
        if len > MAX_ANSWER { 1 } else { usize::MAX }
    }

    /// What a heartbeat offers by itself: it is a knock, not a claim.
    pub(super) fn claimed(now: Instant) -> Option<Self> {
        planted!(HeartbeatIsClaim => Some(Self {
            kind: Kind::Balance,
            turn: None,
            name: None,
            weight: 0,
            labels: Labels::default(),
            list: Vec::new(),
            left_out: None,
            version: 0,
            until: now + ONLINE,
        }));
        None
    }

    /// What is offered after an answer.
    pub(super) fn after(answer: Option<Self>, before: &Option<Self>) -> Option<Self> {
        planted!(OfflineIgnored => answer.or(before.clone()));
        answer
    }

    /// Whether lists show both alike.
    pub(super) fn is_listed_as(&self, other: &Self) -> bool {
        let Self { kind, turn, name, weight, labels, list, .. } = self;
        let told = (kind, turn, name, weight, labels, list);
        let Self { kind, turn, name, weight, labels, list, .. } = other;
        told == (kind, turn, name, weight, labels, list)
    }
}

/// Whether who says this of itself is to be listed.
fn is_offered(state: State) -> bool {
    planted!(DrainingListed => state == State::Offering || state.is_reserve());
    state == State::Offering
}

fn good_for() -> Duration {
    planted!(LateExpiry => Duration::from_secs(20));
    ONLINE
}

/// Whether a list in an answer of so many bytes is one that can be passed on. A longer one is of no
/// use, and whoever sends it could make us keep and encode as much as he likes; the node itself
/// may well be one of the first implementation, which sends as much as UDP holds.
fn is_short(len: usize, list: &[Node]) -> bool {
    planted!(LongListKept => true);
    len <= MAX_ANSWER && may_be_passed_on(list)
}

/// Whether an answer holds the whole list.
fn is_whole(reply: &ProbeReply) -> bool {
    planted!(SampleMerged => true);
    reply.total as usize <= reply.nodes.len()
}
