//! What is known of one candidate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::report::Obstacle;
use crate::net::fault::{Fault, planted};
use crate::net::wire::{
    MAX_COOKIE, Node, PADDED_REQUEST, Probe, Request, RequestBody, SHORT_REQUEST, State, View, stun,
};
use crate::types::Name;
use crate::types::Scope;

/// A candidate of the descent.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) addr: SocketAddr,
    pub(super) level: u8,
    /// Who listed it; none for a root.
    pub(super) via: Option<usize>,
    /// The reach of the root it descends from.
    pub(super) root: Scope,
    pub(super) role: Role,
    pub(super) name: Option<Name>,
    /// The TURN server beside a leaf; a TURN server's own address.
    pub(super) turn: Option<SocketAddr>,
    /// How near it may be, by the time to the server that lists it and that server's own to it;
    /// none where that is not known.
    pub(super) outlook: Option<Duration>,
    /// What it lists.
    pub(super) list: Vec<Node>,
    /// How many nodes it says that it lists.
    pub(super) total: usize,
    /// Whether only its first copy asks for the whole list, as one of many.
    pub(super) terse: bool,
    /// What it handed out to be returned with further requests.
    cookie: Vec<u8>,
    retries: u8,
    /// How often it was asked for more of a list that it cut short.
    pub(super) more: u8,
    pub(super) copies: Vec<Copy>,
    /// The moment of its newest copy, sent or due, where an answer to that is outstanding.
    pub(super) newest: Option<Instant>,
    /// The least round-trip time.
    pub(super) rtt: Option<Duration>,
    pub(super) said: State,
    /// Whether the descent went down into it.
    pub(super) explored: bool,
    pub(super) refused: bool,
    /// Whether an answer to one of its requests came from another address.
    pub(super) misplaced: bool,
    /// What the network says stands before it, unless it answers all the same.
    pub(super) obstacle: Option<Obstacle>,
}

/// What a candidate is taken for: what the list says, until it answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Balance,
    Leaf,
    Turn,
}

/// One request that was sent.
#[derive(Debug)]
pub(super) struct Copy {
    /// The id and nonce of a probe; the transaction of a Binding request.
    pub(super) id: u32,
    pub(super) nonce: u64,
    pub(super) sent: Instant,
    pub(super) answered: bool,
}

impl Entry {
    pub(super) fn new(
        addr: SocketAddr,
        level: u8,
        via: Option<usize>,
        root: Scope,
        role: Role,
    ) -> Self {
        Self {
            addr,
            level,
            via,
            root,
            role,
            name: None,
            turn: None,
            outlook: None,
            list: Vec::new(),
            total: 0,
            terse: false,
            cookie: Vec::new(),
            retries: 0,
            more: 0,
            copies: Vec::new(),
            newest: None,
            rtt: None,
            said: State::Offering,
            explored: false,
            refused: false,
            misplaced: false,
            obstacle: None,
        }
    }

    /// Whether it can be chosen: a leaf or TURN server that is not out of service.
    pub(super) fn can_win(&self) -> bool {
        self.role != Role::Balance && self.said == State::Offering && self.turn.is_some()
    }

    /// Bytes of a request to it, the first or a later copy. Only those whose answer may be long
    /// are padded for it, the others so far that they can be sent away.
    pub(super) fn request_len(&self, copy: usize) -> usize {
        match self.role {
            Role::Balance if copy == 0 || !self.terse || self.more > 0 => PADDED_REQUEST,
            Role::Balance | Role::Leaf => SHORT_REQUEST,
            Role::Turn => 20,
        }
    }

    /// One request to it.
    pub(super) fn request(&self, id: u32, nonce: u64, view: View, names: bool) -> Vec<u8> {
        if self.role == Role::Turn {
            return stun::binding_request(transaction(id, nonce));
        }
        let size = self.request_len(self.copies.len());
        let probe = Probe { nonce, cookie: &self.cookie, view, names };
        Request { id, body: RequestBody::Probe(probe) }.encode(size)
    }

    /// Takes a cookie to ask again with. Returns whether to: twice at most.
    pub(super) fn take_cookie(&mut self, cookie: Vec<u8>) -> bool {
        self.retries += 1;
        self.cookie = if cookie.len() <= MAX_COOKIE { cookie } else { Vec::new() };
        self.retries <= 2
    }

    /// The request that an answer is to. One from a bare-speaking peer brings no nonce back.
    pub(super) fn copy(&mut self, id: u32, nonce: Option<u64>) -> Option<&mut Copy> {
        let (any_id, any) = (planted(Fault::ClientIdIgnored), planted(Fault::ClientNonceIgnored));
        let proves = |copy: &Copy| any || nonce.is_none_or(|nonce| nonce == copy.nonce);
        let right = |copy: &&mut Copy| (any_id || copy.id == id) && proves(copy);
        self.copies.iter_mut().find(right)
    }

    /// Whether it was asked and has not answered.
    pub(super) fn is_silent(&self) -> bool {
        !self.copies.is_empty() && self.rtt.is_none()
    }

    /// Whether an answer may still come that was not heard yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_silent() && self.obstacle.is_none()
    }
}

/// The 96 bits of a STUN transaction id from an id and a nonce.
fn transaction(id: u32, nonce: u64) -> u128 {
    u128::from(id) << 64 | u128::from(nonce)
}

/// And back.
pub(super) fn from_transaction(transaction: u128) -> (u32, u64) {
    ((transaction >> 64) as u32, transaction as u64)
}
