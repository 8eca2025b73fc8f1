//! What a descent knows of one candidate.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::candidate_id::CandidateId;
use super::options::{Options, Refusal};
use super::rank::Spare;
use super::report::{Obstacle, Unasked};
use super::role::Role;
use crate::net::engine::exchange::{Exchange, Judged, Owner, Proof, Query, Token};
use crate::net::wire::{
    Extras, Kind, LABELLED_REQUEST, Node, PADDED_REQUEST, SHORT_REQUEST, State,
};
use crate::types::{Labels, Name, Policy};

/// Bytes of a Binding request without attributes: its header (RFC 8489, section 5).
pub(super) const BINDING_REQUEST: usize = 20;

/// What is known of one.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it is, as it is listed.
    pub(super) addr: SocketAddr,
    /// What is sent to instead: a NAT64 leads to it.
    pub(super) way: Option<SocketAddr>,
    pub(super) level: u8,
    /// Who listed it; `None`: it is a root.
    pub(super) via: Option<CandidateId>,
    /// Whether it is the TURN server that a leaf names, which is `via`.
    pub(super) beside: bool,
    /// Where the root is that it descends from.
    pub(super) root: IpAddr,
    pub(super) role: Role,
    pub(super) name: Option<Name>,
    /// What it is labelled with: as the list says, below what those above it are labelled with, and as it
    /// says itself, where that is silent.
    pub(super) labels: Labels,
    /// The TURN server beside a leaf; a TURN server's own address.
    pub(super) turn: Option<SocketAddr>,
    /// How near it may be, by the time to the server that lists it and that server's own to it;
    /// `None`: not known.
    pub(super) outlook: Option<Duration>,
    /// How far it is at most by the same: no further than by way of that server.
    pub(super) farthest: Option<Duration>,
    /// What its TURN server has free: by its own answer or, until that comes, by the list.
    pub(super) spare: Spare,
    /// What it lists.
    pub(super) list: Vec<Node>,
    /// How many nodes it says that it lists.
    pub(super) total: usize,
    /// Bytes of a request whose answer is short.
    pub(super) short: usize,
    /// Whether only its first copy asks for the whole list, as one of many.
    pub(super) pad_first: bool,
    /// How often it was asked for more of a list that it cut short.
    pub(super) more: u8,
    pub(super) retries: u8,
    pub(super) exchange: Exchange,
    /// The least round-trip time, and of how many.
    pub(super) rtt: Option<Duration>,
    pub(super) samples: u32,
    /// What it says of itself.
    pub(super) state: State,
    /// Whether it is to serve although it asks not to be chosen.
    pub(super) called_up: bool,
    /// Whether the descent went down into it.
    pub(super) explored: bool,
    /// Why it, or the TURN server that it names, must not be asked.
    pub(super) refused: Option<Refusal>,
    /// Why a request to it was withheld that was due.
    pub(super) withheld: Option<Unasked>,
    /// From where else an answer to one of its requests came, the first one. It counts for nothing.
    pub(super) answered_from: Option<SocketAddr>,
    /// What the network says stands before it, unless it answers all the same.
    pub(super) obstacle: Option<Obstacle>,
}

impl Entry {
    pub(super) fn root(addr: SocketAddr) -> Self {
        Self::new(addr, 0, None, addr.ip(), Role::Balance)
    }

    /// A node that another candidate lists.
    pub(super) fn listed(node: &Node, (via, by): (CandidateId, &Self), options: &Options) -> Self {
        let role = match (node.kind, node.turn) {
            (Kind::Turn, _) => Role::Turn,
            (Kind::Leaf, Some(_)) => Role::Leaf,
            _ => Role::Balance,
        };
        let (verdict, turn) = match role {
            Role::Turn => (options.judge(by.root, node.addr), Some(node.addr)),
            Role::Leaf | Role::Balance => {
                let turn = node.turn.filter(|turn| options.judge(by.root, *turn).is_ok());
                (options.judge_server(by.root, node.addr), turn)
            }
        };
        let (name, labels) = (node.name.clone(), node.labels.below(&by.labels));
        let spare = Spare { load: node.load, weight: node.weight };
        let entry = Self::new(node.addr, by.level + 1, Some(via), by.root, role);
        let short = if options.policy.is_empty() { SHORT_REQUEST } else { LABELLED_REQUEST };
        let entry = Self { name, labels, turn, spare, short, ..entry };
        let ruled_out = entry.is_ruled_out(&options.policy).then_some(Refusal::Policy);
        // A leaf may yet say what it is known by; until then it names nobody.
        let turn = entry.turn.filter(|_| entry.is_allowed(&options.policy));
        Self { turn, refused: verdict.err().or(ruled_out), ..entry }
    }

    /// The TURN server of a leaf, to be asked itself.
    pub(super) fn beside(turn: SocketAddr, leaf: CandidateId, of: &Self) -> Self {
        let entry = Self::new(turn, of.level + 1, Some(leaf), of.root, Role::Turn);
        Self { turn: Some(turn), beside: true, ..entry }
    }

    fn new(
        addr: SocketAddr,
        level: u8,
        via: Option<CandidateId>,
        root: IpAddr,
        role: Role,
    ) -> Self {
        Self {
            addr,
            way: None,
            level,
            via,
            root,
            role,
            name: None,
            labels: Labels::default(),
            turn: None,
            beside: false,
            outlook: None,
            farthest: None,
            spare: Spare::default(),
            list: Vec::new(),
            total: 0,
            short: SHORT_REQUEST,
            pad_first: false,
            more: 0,
            retries: 0,
            exchange: Exchange::new(Owner::Client),
            rtt: None,
            samples: 0,
            state: State::Offering,
            called_up: false,
            explored: false,
            refused: None,
            withheld: None,
            answered_from: None,
            obstacle: None,
        }
    }

    /// Whether its TURN server may be used, by what is known of it.
    pub(super) fn is_allowed(&self, policy: &Policy) -> bool {
        planted!(PolicyUnheeded => true);
        policy.allows(&self.labels, self.name.as_ref())
    }

    /// Whether it has to be heard first, for it may say of itself what is excluded: a leaf can.
    pub(super) fn has_the_word(&self, policy: &Policy) -> bool {
        let silent = self.role == Role::Leaf && self.rtt.is_none();
        silent && policy.may_exclude(&self.labels, self.name.as_ref())
    }

    /// Whether nothing that may become known of it, or of who is below it, can mend what is.
    pub(super) fn is_ruled_out(&self, policy: &Policy) -> bool {
        planted!(RuledOutAsked => false);
        match self.role {
            // It cannot say what it is known by.
            Role::Turn => !self.is_allowed(policy),
            Role::Leaf => policy.breach_yet(&self.labels, self.name.as_ref()).is_some(),
            Role::Balance => policy.breach_below(&self.labels, self.name.as_ref()).is_some(),
        }
    }

    /// Whether it can be chosen: a leaf or TURN server that is not out of service.
    pub(super) fn can_win(&self) -> bool {
        self.role != Role::Balance && self.serves() && self.turn.is_some()
    }

    /// Whether it has answered, or nothing says that it cannot.
    pub(super) fn may_be_there(&self) -> bool {
        self.rtt.is_some() || self.obstacle.is_none()
    }

    /// Whether it is to be reckoned with, by what it says of itself.
    pub(super) fn serves(&self) -> bool {
        planted!(DrainingChosen => self.state == State::Offering || self.state.is_reserve());
        self.state == State::Offering || self.called_up && self.state.is_reserve()
    }

    /// Whether it is a balance server that has listed something to go down to, and was not explored.
    pub(super) fn leads_on(&self) -> bool {
        let lists = self.role == Role::Balance && !self.list.is_empty();
        lists && !self.explored && self.serves() && self.refused != Some(Refusal::Policy)
    }

    /// How many nodes it says that it lists beside those that came, where it was asked for the rest.
    pub(super) fn unlisted(&self) -> u32 {
        let rest = self.total.saturating_sub(self.list.len());
        if self.more > 0 { u32::try_from(rest).unwrap_or(u32::MAX) } else { 0 }
    }

    /// Bytes of a request to it, the first or a later copy. Only those whose answer may be long are
    /// padded for it, the others so far that they can be sent away.
    pub(super) fn request_len(&self, copy: usize) -> usize {
        match self.role {
            Role::Balance if copy == 0 || !self.pad_first || self.more > 0 => PADDED_REQUEST,
            Role::Balance | Role::Leaf => self.short,
            Role::Turn => BINDING_REQUEST,
        }
    }

    /// What it is asked next.
    pub(super) fn query(&self, options: &Options) -> Query {
        match self.role {
            Role::Turn => Query::Binding,
            _ => Query::Probe {
                view: options.view,
                names: options.names || options.policy.heeds_names(),
                extras: Extras {
                    down: options.down,
                    labels: !options.policy.is_empty(),
                    ..Extras::default()
                },
                size: self.request_len(self.sent()) as u16,
            },
        }
    }

    /// The bytes of a request to it.
    pub(super) fn encode(&self, token: Token, query: Query) -> Vec<u8> {
        self.exchange.encode(token, query)
    }

    /// How many requests were sent to it.
    pub(super) fn sent(&self) -> usize {
        self.exchange.len()
    }

    /// Why it was never asked, if it might have been; an `obstacle` says enough.
    pub(super) fn unasked(&self) -> Option<Unasked> {
        let may = self.sent() == 0 && self.refused.is_none() && self.obstacle.is_none();
        may.then(|| self.withheld.unwrap_or(Unasked::Ended))
    }

    /// Whether it was asked and has not answered.
    pub(super) fn is_silent(&self) -> bool {
        !self.exchange.is_empty() && self.rtt.is_none()
    }

    /// Whether nothing at all came of it: no answer, not even from elsewhere, and no word of the network.
    pub(super) fn is_unheard_of(&self) -> bool {
        self.is_awaited() && self.answered_from.is_none()
    }

    /// A right answer to one of its requests came from another address.
    pub(super) fn note_answered_from(&mut self, from: SocketAddr, proof: Proof) {
        if self.exchange.judge(proof) != Judged::Unasked {
            self.answered_from.get_or_insert(from);
        }
    }

    /// Whether an answer may still come that was not heard yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_silent() && self.obstacle.is_none() && self.refused.is_none()
    }
}
