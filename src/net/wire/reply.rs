use std::net::SocketAddr;

use super::DecodeError;
use super::addr::{decode_host, encode_host, skim_host};
use super::down::Down;
use super::label_sets::LabelSets;
use super::nibbles::{nibble_at, put_nibbles};
use super::node::Node;
use super::proto::{Fields, put_bytes, put_fixed64, put_message, put_varint};
use super::rtt::put_rtts;
use super::state::State;
use super::{label_sets, load, rtt};
use crate::types::{Labels, Load, Name, TurnFault};

/// How many URLs of an answer are read: more than a TURN server has ways to reach it.
pub const MAX_URLS: usize = 16;

/// How many nodes that are not offered are read.
pub const MAX_DOWN: usize = 32;

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeReply {
    /// The list as a bare peer reads it.
    pub hosts: Vec<SocketAddr>,
    /// The TURN server beside a leaf.
    pub turn: Option<SocketAddr>,
    /// The request's; 0 from a bare peer.
    pub nonce: u64,
    /// To be returned with further requests.
    pub cookie: Vec<u8>,
    /// Ask again, with the cookie.
    pub retry: bool,
    /// The list.
    pub nodes: Vec<Node>,
    /// How many nodes there are; more than `nodes` where that is a sample.
    pub total: u32,
    /// What the server is called.
    pub name: Option<Name>,
    /// What the server says of itself.
    pub state: State,
    /// Changes whenever what the server offers changes, and at every start; 0 from a bare peer.
    pub version: u64,
    /// What the server is labelled with, for who asks for labels.
    pub labels: Labels,
    /// How full the TURN server beside it is; `None`: that is not known.
    pub load: Option<Load>,
    /// How much that one can serve beside others; 0: it is not told, and as good as 1.
    pub weight: u32,
    /// URLs of the TURN server that was asked about (RFC 7065), as they came.
    pub urls: Vec<String>,
    /// Why `state` is what it is; `None`: that is not known.
    pub fault: Option<TurnFault>,
    /// Nodes that are not offered.
    pub down: Vec<Down>,
}

impl ProbeReply {
    /// Reads it, and of its hosts and nodes so many at most: of what is behind them it is only judged
    /// whether it is malformed.
    pub(super) fn decode(body: &[u8], most: usize) -> Result<Self, DecodeError> {
        let mut reply = Self::default();
        // Where in the list each node stands: of what is none nothing is kept.
        let (mut places, mut place) = (Vec::new(), 0);
        let (mut rtts, mut loads, mut label_of) = (&[][..], &[][..], &[][..]);
        let mut sets = Vec::new();
        for field in Fields(body) {
            match field? {
                (1, value) => {
                    let host = value.bytes()?;
                    if reply.hosts.len() < most {
                        reply.hosts.extend(decode_host(host)?);
                    } else {
                        skim_host(host)?;
                    }
                }
                (2, value) => reply.turn = decode_host(value.bytes()?)?,
                (3, value) => reply.nonce = value.fixed64()?,
                (4, value) => reply.cookie = value.bytes()?.to_vec(),
                (5, value) => reply.retry = value.boolean()?,
                (6, value) => {
                    let node = value.bytes()?;
                    if reply.nodes.len() >= most {
                        Node::skim(node)?;
                    } else if let Some(node) = Node::decode(node)? {
                        reply.nodes.push(node);
                        places.push(place);
                    }
                    place += 1;
                }
                (7, value) => reply.total = value.uint32()?,
                (8, value) => reply.name = Name::from_wire(value.bytes()?),
                (9, value) => reply.state = State::from_wire(value.varint()?),
                (10, value) => reply.version = value.fixed64()?,
                (11, value) => rtts = value.bytes()?,
                (12, value) => loads = value.bytes()?,
                (13, value) => {
                    let set = value.bytes()?;
                    if sets.len() < label_sets::MOST {
                        sets.push(Labels::from_wire(set));
                    }
                }
                (14, value) => label_of = value.bytes()?,
                (15, value) => reply.labels = Labels::from_wire(value.bytes()?),
                (16, value) => {
                    let url = str::from_utf8(value.bytes()?).ok().filter(|url| !url.is_empty());
                    reply.urls.extend(url.filter(|_| reply.urls.len() < MAX_URLS).map(Into::into));
                }
                (17, value) => {
                    reply.load = value.uint32()?.checked_sub(1).map(Load::of_percent);
                }
                (18, value) => reply.weight = value.uint32()?,
                (19, value) => reply.fault = TurnFault::from_number(value.uint32()?),
                (20, value) => {
                    let down = Down::decode(value.bytes()?)?;
                    reply.down.extend(down.filter(|_| reply.down.len() < MAX_DOWN));
                }
                _ => {}
            }
        }
        for (node, place) in reply.nodes.iter_mut().zip(places) {
            node.rtt = rtt::from_nibble(nibble_at(rtts, place));
            node.load = load::from_nibble(nibble_at(loads, place));
            node.labels = label_sets::from_nibble(&sets, nibble_at(label_of, place));
        }
        Ok(reply)
    }

    /// What proves that the request was read: its nonce, or none from a bare peer, which has no
    /// field but the first two. A request that is thrown back unread is neither: its nonce stands
    /// where a reply has its version, and it proves the nonce 0, which is never sent.
    pub fn proof(&self) -> Option<u64> {
        let bare = self.nonce == 0 && self.version == 0 && self.nodes.is_empty();
        (!bare).then_some(self.nonce)
    }

    /// Appends everything but the nonce, which differs with each request.
    pub fn encode_tail(&self, out: &mut Vec<u8>) {
        self.hosts.iter().for_each(|&host| put_host(out, host));
        if let Some(turn) = self.turn {
            put_message(out, 2, |out| encode_host(out, turn));
        }
        if !self.cookie.is_empty() {
            put_bytes(out, 4, &self.cookie);
        }
        put_varint(out, 5, self.retry.into());
        let sets = LabelSets::of(&self.nodes);
        for node in &self.nodes {
            if sets.is_empty() { node.put(out, true) } else { node.put_short(out, true) }
        }
        put_varint(out, 7, self.total.into());
        if let Some(name) = &self.name {
            put_bytes(out, 8, name.as_str().as_bytes());
        }
        put_varint(out, 9, self.state as u64);
        put_fixed64(out, 10, self.version);
        self.urls.iter().for_each(|url| put_url(out, url));
        put_varint(out, 17, self.load.map_or(0, |load| u64::from(load.percent()) + 1));
        put_varint(out, 18, self.weight.into());
        put_varint(out, 19, self.fault.map_or(0, TurnFault::number).into());
        self.down.iter().for_each(|down| down.put(out));
        if self.nodes.iter().any(|node| node.rtt.is_some()) {
            put_rtts(out, self.nodes.iter().map(Node::rtt_nibble));
        }
        if self.nodes.iter().any(|node| node.load.is_some()) {
            put_nibbles(out, 12, self.nodes.iter().map(Node::load_nibble));
        }
        if !sets.is_empty() {
            sets.put(out);
            put_nibbles(out, 14, self.nodes.iter().map(|node| sets.nibble(&node.labels)));
        }
        if !self.labels.is_empty() {
            put_bytes(out, 15, self.labels.to_string().as_bytes());
        }
    }
}

/// Appends a URL of a TURN server.
pub fn put_url(out: &mut Vec<u8>, url: &str) {
    put_bytes(out, 16, url.as_bytes());
}

/// Appends a host as an answer to a bare peer has it.
pub fn put_host(out: &mut Vec<u8>, host: SocketAddr) {
    put_message(out, 1, |out| encode_host(out, host));
}

/// Writes the tail of a retry reply: ask again, with this cookie.
pub fn put_retry(out: &mut Vec<u8>, cookie: &[u8]) {
    put_bytes(out, 4, cookie);
    put_varint(out, 5, 1);
}
