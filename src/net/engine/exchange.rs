//! Requests to one peer and their answers: what was asked, when, and with which bytes; which answer
//! is right; and which ICMP error is about it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::net::wire::{Extras, MAX_COOKIE, Probe, ProbeReply, Request, RequestBody, View, stun};

/// How many bytes of a request prove that whoever quotes it has seen it: its id and nonce, or its
/// transaction, are among them. A request that is shorter must be quoted whole.
const PROOF: usize = 20;

/// What is asked. With a [`Token`] and the peer's cookie it is all that a request's bytes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// A balance server is asked what it offers.
    Probe {
        /// Which list.
        view: View,
        /// Whether names are welcome.
        names: bool,
        /// What else is welcome.
        extras: Extras,
        /// The least length of the request, in bytes of UDP payload.
        size: u16,
    },
    /// A TURN server is asked with STUN Binding.
    Binding,
}

/// What an answer must bring back: the id and nonce of a probe, the transaction of a Binding request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The id; the upper 32 bits of a transaction.
    pub id: u32,
    /// The nonce, never 0; the lower 64 bits of a transaction.
    pub nonce: u64,
}

/// What an answer brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// To a probe: its id and, but for a bare peer, its nonce.
    Reply {
        /// The id.
        id: u32,
        /// `None`: a bare peer's.
        nonce: Option<u64>,
    },
    /// To a Binding request: its transaction.
    Binding(Token),
}

/// Whose an [`Exchange`] is. All are judged by one rule; faults are planted in one of them at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A client.
    Client,
    /// A superior that checks a node.
    Check,
    /// A leaf that asks the TURN server beside it.
    Health,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged<T> {
    /// The first answer to a request.
    Right {
        /// When the request was sent.
        sent: Instant,
        /// What its sender noted.
        note: T,
    },
    /// Not the first one.
    Repeated,
    /// To no request that is remembered.
    Unasked,
}

/// The requests to one peer, oldest first.
#[derive(Debug)]
pub struct Exchange<T = ()> {
    owner: Owner,
    asked: VecDeque<Asked<T>>,
    /// What the peer handed out to be returned.
    cookie: Option<Arc<Vec<u8>>>,
    /// Whether an answer has ever brought a nonce back: from then on one without is not right.
    reads_nonces: bool,
    /// The TURN server whose URLs are asked for; `None`: the one beside the peer.
    urls_of: Option<SocketAddr>,
}

/// One request. Its bytes are made again where they are needed: kept, those of 10,000 nodes would
/// take 31 MB.
#[derive(Debug)]
struct Asked<T> {
    token: Token,
    query: Query,
    cookie: Option<Arc<Vec<u8>>>,
    at: Instant,
    answered: bool,
    note: T,
}

impl<T: Copy> Exchange<T> {
    /// Nothing asked yet.
    pub fn new(owner: Owner) -> Self {
        Self { owner, asked: VecDeque::new(), cookie: None, reads_nonces: false, urls_of: None }
    }

    /// Nothing asked yet, and where URLs are it will be for those of this TURN server.
    pub fn about(owner: Owner, turn: SocketAddr) -> Self {
        Self { urls_of: Some(turn), ..Self::new(owner) }
    }

    /// The bytes of a request that is sent now, if it is.
    pub fn encode(&self, token: Token, query: Query) -> Vec<u8> {
        encode(token, query, self.cookie.as_deref(), self.urls_of)
    }

    /// Notes that a request was sent.
    pub fn sent(&mut self, at: Instant, token: Token, query: Query, note: T) {
        let cookie = self.cookie.clone();
        if self.asked.is_empty() {
            self.asked.reserve_exact(1); // as a rule it is answered before there is another
        }
        self.asked.push_back(Asked { token, query, cookie, at, answered: false, note });
    }

    /// Judges an answer that came from the peer.
    pub fn judge(&self, proof: Proof) -> Judged<T> {
        match self.asked.iter().find(|asked| self.is_answered_by(asked, proof)) {
            Some(asked) if asked.answered => Judged::Repeated,
            Some(asked) => Judged::Right { sent: asked.at, note: asked.note },
            None => Judged::Unasked,
        }
    }

    /// When the request was sent that an answer is to, the first answer or not, and what was noted.
    pub fn asked(&self, proof: Proof) -> Option<(Instant, T)> {
        let asked = self.asked.iter().find(|asked| self.is_answered_by(asked, proof));
        asked.map(|asked| (asked.at, asked.note))
    }

    /// Takes an answer that was judged right or repeated: another to its request is repeated, and who has
    /// returned a nonce is no bare peer.
    pub fn accept(&mut self, proof: Proof) {
        if let Some(at) = self.asked.iter().position(|asked| self.is_answered_by(asked, proof)) {
            self.asked[at].answered = true;
        }
        self.reads_nonces |= shows_nonce(self.owner, proof);
    }

    /// Whether an answer has ever brought a nonce back.
    pub fn returns_nonces(&self) -> bool {
        self.reads_nonces
    }

    /// Another exchange with the same peer has shown that it returns nonces.
    pub fn expect_nonces(&mut self) {
        self.reads_nonces = true;
    }

    /// Whether an ICMP error that quotes these bytes is about one of the requests.
    pub fn is_quoted(&self, quoted: &[u8]) -> bool {
        self.quoted(quoted).is_some()
    }

    /// What was noted with the request that such an error is about.
    pub fn quoted(&self, quoted: &[u8]) -> Option<T> {
        let is_quoted = |asked: &&Asked<T>| {
            let request = encode(asked.token, asked.query, asked.cookie.as_deref(), self.urls_of);
            quoted.len() >= PROOF.min(request.len()) && request.starts_with(quoted)
        };
        self.asked.iter().rev().find(is_quoted).map(|asked| asked.note)
    }

    /// Takes a cookie that the peer handed out, to return with what is asked from now on; one that is
    /// too long is none.
    pub fn set_cookie(&mut self, cookie: Vec<u8>) {
        let fits = !cookie.is_empty() && cookie.len() <= MAX_COOKIE;
        self.cookie = fits.then(|| cookie.into());
    }

    /// How many requests are remembered.
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// When the newest request was sent, where no answer to it has come.
    pub fn newest_unanswered(&self) -> Option<Instant> {
        self.asked.back().filter(|asked| !asked.answered).map(|asked| asked.at)
    }

    /// When the oldest request was sent.
    pub fn oldest(&self) -> Option<Instant> {
        self.asked.front().map(|asked| asked.at)
    }

    /// Forgets the oldest requests but for so many.
    pub fn keep_newest(&mut self, most: usize) {
        let excess = self.asked.len().saturating_sub(most);
        self.asked.drain(..excess);
    }

    /// Forgets the oldest requests as far as they are answered.
    pub fn forget_answered(&mut self) {
        let answered = self.asked.iter().take_while(|asked| asked.answered).count();
        self.asked.drain(..answered);
    }

    /// Forgets the oldest request, and returns what was noted with it if no answer has come.
    pub fn forget_oldest(&mut self) -> Option<T> {
        self.asked.pop_front().filter(|asked| !asked.answered).map(|asked| asked.note)
    }

    /// Forgets all requests: no answer to one of them is right any more. Their room goes too: of 10,000
    /// nodes few are asked at one time, and kept it would take 2 MB.
    pub fn forget(&mut self) {
        self.asked = VecDeque::new();
    }

    /// The one rule: an answer is right that brings the id and the nonce back, each as it was sent
    /// there. Only from a bare peer, which has never returned a nonce, the id is enough.
    fn is_answered_by(&self, asked: &Asked<T>, proof: Proof) -> bool {
        let Token { id, nonce } = asked.token;
        match (asked.query, proof) {
            (Query::Probe { .. }, Proof::Reply { id: returned, nonce: None }) => {
                same_id(self.owner, id, returned) && self.may_lack_nonce()
            }
            (Query::Probe { .. }, Proof::Reply { id: returned, nonce: Some(proof) }) => {
                same_id(self.owner, id, returned) && same_nonce(self.owner, nonce, proof)
            }
            (Query::Binding, Proof::Binding(returned)) => {
                same_id(self.owner, id, returned.id)
                    && same_nonce(self.owner, nonce, returned.nonce)
            }
            _ => false,
        }
    }

    /// Whether the peer may be a bare one.
    fn may_lack_nonce(&self) -> bool {
        match self.owner {
            Owner::Client => planted!(ClientNonceIgnored => true),
            Owner::Check => planted!(CheckNonceIgnored => true),
            Owner::Health => {}
        }
        !self.reads_nonces
    }
}

impl Proof {
    /// The id, or the part of a transaction that stands for it.
    pub fn id(self) -> u32 {
        match self {
            Self::Reply { id, .. } | Self::Binding(Token { id, .. }) => id,
        }
    }

    /// What a reply to a probe brings back.
    pub fn of_reply(id: u32, reply: &ProbeReply) -> Self {
        Self::Reply { id, nonce: reply.proof() }
    }

    /// What a datagram brings back if it answers a Binding request.
    pub fn of_binding(datagram: &[u8]) -> Option<Self> {
        stun::binding_response(datagram).map(|transaction| Self::Binding(transaction.into()))
    }
}

impl Token {
    fn transaction(self) -> u128 {
        u128::from(self.id) << 64 | u128::from(self.nonce)
    }
}

impl From<u128> for Token {
    /// Of the 96 bits of a STUN transaction id.
    fn from(transaction: u128) -> Self {
        Self { id: (transaction >> 64) as u32, nonce: transaction as u64 }
    }
}

fn encode(
    token: Token,
    query: Query,
    cookie: Option<&Vec<u8>>,
    urls_of: Option<SocketAddr>,
) -> Vec<u8> {
    let Token { id, nonce } = token;
    match query {
        Query::Probe { view, names, extras, size } => {
            let cookie = cookie.map_or(&[][..], |cookie| cookie);
            let probe = Probe { nonce, cookie, view, names, extras, urls_of };
            Request { id, body: RequestBody::Probe(probe) }.encode(size.into())
        }
        Query::Binding => stun::binding_request(token.transaction()),
    }
}

/// Whether a right answer shows that the peer returns nonces.
fn shows_nonce(owner: Owner, proof: Proof) -> bool {
    if owner == Owner::Client {
        planted!(ClientNonceForgotten => false);
    }
    matches!(proof, Proof::Reply { nonce: Some(_), .. })
}

fn same_id(owner: Owner, sent: u32, returned: u32) -> bool {
    match owner {
        Owner::Client => planted!(ClientIdIgnored => true),
        Owner::Check => planted!(CheckIdIgnored => true),
        Owner::Health => planted!(TransactionIgnored => true),
    }
    sent == returned
}

fn same_nonce(owner: Owner, sent: u64, returned: u64) -> bool {
    match owner {
        Owner::Client => planted!(ClientNonceIgnored => true),
        Owner::Check => planted!(CheckNonceIgnored => true),
        Owner::Health => planted!(TransactionIgnored => true),
    }
    sent == returned
}
