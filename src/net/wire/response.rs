use std::net::SocketAddr;
use std::time::Duration;

use super::addr::{decode_host, encode_host, put_packed, unpack};
use super::proto::{Fields, put_bytes, put_fixed64, put_message, put_raw, put_varint, varint_word};
use super::{DecodeError, Id};
use crate::types::Name;

/// What a balance server answers (`BalanceResponse`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The request's.
    pub id: u32,
    /// The answer.
    pub body: ResponseBody,
}

/// The body of a [`Response`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseBody {
    /// To a probe.
    Probe(ProbeReply),
    /// To a heartbeat that was refused.
    Pong(Pong),
}

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
}

/// An entry of a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where clients reach it.
    pub addr: SocketAddr,
    /// What it is.
    pub kind: Kind,
    /// The TURN server beside it, for a leaf.
    pub turn: Option<SocketAddr>,
    /// What it is called.
    pub name: Option<Name>,
    /// How many servers passed it on, beyond the one that checks it.
    pub hops: u32,
    /// The round-trip time to it from the server that lists it, as a [`Node::rtt_on_wire`] has it;
    /// none where that is not known.
    pub rtt: Option<Duration>,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A balance server with nodes of its own.
    #[default]
    Balance,
    /// A balance server beside a TURN server.
    Leaf,
    /// A TURN server.
    Turn,
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// It offers what it lists.
    #[default]
    Offering,
    /// It has no node online and no TURN server.
    Nothing,
    /// The TURN server beside it does not answer.
    TurnDown,
    /// It takes no more clients.
    Full,
    /// It asks not to be chosen any more.
    Draining,
}

/// The answer to a heartbeat that was refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pong {
    /// The heartbeat's.
    pub seq: u64,
    /// What the next heartbeat must carry.
    pub challenge: u64,
    /// Why it was refused.
    pub status: u32,
    /// The last sequence number that was accepted.
    pub last_seq: u64,
}

impl Response {
    /// Reads an answer. Hosts and nodes that are no address one could send to are left out.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let mut id = 0;
        let mut body = None;
        for field in Fields(datagram) {
            match field? {
                (1, value) => id = value.uint32()?,
                (2, value) => {
                    body = Some(ResponseBody::Probe(ProbeReply::decode(value.bytes()?)?));
                }
                (4, value) => body = Some(ResponseBody::Pong(Pong::decode(value.bytes()?)?)),
                _ => {}
            }
        }
        Ok(Self { id, body: body.ok_or(DecodeError::Empty)? })
    }

    /// Writes the answer.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.body {
            ResponseBody::Probe(reply) => {
                let mut tail = Vec::new();
                reply.encode_tail(&mut tail);
                frame(&mut out, self.id.into(), reply.nonce, tail.len());
                out.extend_from_slice(&tail);
            }
            ResponseBody::Pong(pong) => {
                put_varint(&mut out, 1, self.id.into());
                put_message(&mut out, 4, |out| pong.encode(out));
            }
        }
        out
    }
}

/// Appends what a [`Response`] to a probe begins with: the request's id and nonce. The rest, of
/// `tail` bytes, is from [`ProbeReply::encode_tail`].
#[inline(always)]
pub fn frame(out: &mut Vec<u8>, id: Id, nonce: u64, tail: usize) {
    // Put together here, for a vector looks for room at each byte. What is written past the end
    // of each part is overwritten by the next one, or cut off.
    let start = out.len();
    out.extend_from_slice(&[0; 32]);
    let Some(head) = out.last_chunk_mut::<32>() else { return };
    let (word, mut len) = id.word();
    head[..8].copy_from_slice(&word.to_le_bytes());
    let nonce_len = if nonce == 0 { 0 } else { 1 + 8 };
    let (word, size) = varint_word((nonce_len + tail) as u32);
    let word = 2 << 3 | 2 | word << 8 | (3 << 3 | 1) << (8 + 8 * size);
    len %= 8; // it is 6 at most: now also for the compiler
    head[len..len + 8].copy_from_slice(&word.to_le_bytes());
    len += 1 + size % 8;
    if nonce != 0 {
        head[len + 1..len + 9].copy_from_slice(&nonce.to_le_bytes());
        len += 9;
    }
    out.truncate(start + len);
}

impl ProbeReply {
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reply = Self::default();
        let (mut nodes, mut rtts) = (Vec::new(), &[][..]);
        for field in Fields(body) {
            match field? {
                (1, value) => reply.hosts.extend(decode_host(value.bytes()?)?),
                (2, value) => reply.turn = decode_host(value.bytes()?)?,
                (3, value) => reply.nonce = value.fixed64()?,
                (4, value) => reply.cookie = value.bytes()?.to_vec(),
                (5, value) => reply.retry = value.boolean()?,
                (6, value) => nodes.push(Node::decode(value.bytes()?)?),
                (7, value) => reply.total = value.uint32()?,
                (8, value) => reply.name = Name::from_wire(value.bytes()?),
                (9, value) => reply.state = State::from_wire(value.varint()?),
                (10, value) => reply.version = value.fixed64()?,
                (11, value) => rtts = value.bytes()?,
                _ => {}
            }
        }
        let rtts = unpack_rtts(rtts).chain(std::iter::repeat(None));
        let nodes = nodes.into_iter().zip(rtts);
        reply.nodes = nodes.filter_map(|(node, rtt)| Some(Node { rtt, ..node? })).collect();
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
        self.nodes.iter().for_each(|node| node.put(out, true));
        put_varint(out, 7, self.total.into());
        if let Some(name) = &self.name {
            put_bytes(out, 8, name.as_str().as_bytes());
        }
        put_varint(out, 9, self.state as u64);
        put_fixed64(out, 10, self.version);
        if self.nodes.iter().any(|node| node.rtt.is_some()) {
            put_rtts(out, self.nodes.iter().map(Node::rtt_nibble));
        }
    }
}

impl Node {
    fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (mut addr, mut turn) = (&[][..], &[][..]);
        let (mut kind, mut name, mut hops) = (Some(Kind::Balance), None, 0);
        for field in Fields(body) {
            match field? {
                (1, value) => addr = value.bytes()?,
                (2, value) => kind = Kind::from_wire(value.varint()?),
                (3, value) => turn = value.bytes()?,
                (4, value) => name = Name::from_wire(value.bytes()?),
                (5, value) => hops = value.uint32()?,
                _ => {}
            }
        }
        Ok(unpack(addr, None).zip(kind).map(|(addr, kind)| {
            let turn = unpack(turn, Some(addr.ip())).filter(|_| kind == Kind::Leaf);
            Self { addr, kind, turn, name, hops, rtt: None }
        }))
    }

    /// Appends it as an answer has it, with its name or without, and without its time, which stands
    /// in another field.
    pub fn put(&self, out: &mut Vec<u8>, named: bool) {
        put_message(out, 6, |out| {
            put_packed(out, 1, self.addr, None);
            put_varint(out, 2, self.kind as u64);
            if let Some(turn) = self.turn {
                put_packed(out, 3, turn, Some(self.addr.ip()));
            }
            if let Some(name) = self.name.as_ref().filter(|_| named) {
                put_bytes(out, 4, name.as_str().as_bytes());
            }
            put_varint(out, 5, self.hops.into());
        });
    }

    /// Its round-trip time in half a byte: 0, not known; 1 to 14, within the unit that ends there;
    /// 15, beyond.
    pub fn rtt_nibble(&self) -> u8 {
        to_nibble(self.rtt)
    }

    /// A round-trip time as coarse as the wire makes it.
    pub fn rtt_on_wire(rtt: Duration) -> Duration {
        from_nibble(to_nibble(Some(rtt))).unwrap_or_default()
    }
}

/// What a node's round-trip time is told in: as fine as is of use beside the noise of an access
/// network (docs/selection.md), and coarse enough that half a byte goes up to a quarter of a second.
const RTT_UNIT: Duration = Duration::from_millis(16);

fn to_nibble(rtt: Option<Duration>) -> u8 {
    rtt.map_or(0, |rtt| 1 + (rtt.as_micros() / RTT_UNIT.as_micros()).min(14) as u8)
}

/// The middle of the unit.
fn from_nibble(nibble: u8) -> Option<Duration> {
    nibble.checked_sub(1).map(|units| RTT_UNIT * units.into() + RTT_UNIT / 2)
}

/// Appends a host as an answer to a bare peer has it.
pub fn put_host(out: &mut Vec<u8>, host: SocketAddr) {
    put_message(out, 1, |out| encode_host(out, host));
}

/// Writes what sends an asker away, to come back with a cookie.
pub fn put_retry(out: &mut Vec<u8>, cookie: &[u8]) {
    put_bytes(out, 4, cookie);
    put_varint(out, 5, 1);
}

/// Writes the round-trip times of nodes in their order, each of [`Node::rtt_nibble`], two a byte,
/// the first in the upper half.
pub fn put_rtts(out: &mut Vec<u8>, mut nibbles: impl ExactSizeIterator<Item = u8>) {
    put_raw(out, 11 << 3 | 2);
    put_raw(out, nibbles.len().div_ceil(2) as u64);
    while let Some(upper) = nibbles.next() {
        out.push(upper << 4 | nibbles.next().unwrap_or(0));
    }
}

fn unpack_rtts(packed: &[u8]) -> impl Iterator<Item = Option<Duration>> {
    packed.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(from_nibble)
}

impl Kind {
    /// None for a kind from the future: whoever does not know it cannot ask it.
    fn from_wire(value: u64) -> Option<Self> {
        [Self::Balance, Self::Leaf, Self::Turn].into_iter().find(|&kind| kind as u64 == value)
    }
}

impl State {
    /// A state from the future is one that offers nothing.
    fn from_wire(value: u64) -> Self {
        [Self::Offering, Self::Nothing, Self::TurnDown, Self::Full, Self::Draining]
            .into_iter()
            .find(|&state| state as u64 == value)
            .unwrap_or(Self::Nothing)
    }
}

impl Pong {
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut pong = Self::default();
        for field in Fields(body) {
            match field? {
                (1, value) => pong.seq = value.fixed64()?,
                (2, value) => pong.challenge = value.fixed64()?,
                (3, value) => pong.status = value.uint32()?,
                (4, value) => pong.last_seq = value.fixed64()?,
                _ => {}
            }
        }
        Ok(pong)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 1, self.seq);
        put_fixed64(out, 2, self.challenge);
        put_varint(out, 3, self.status.into());
        put_fixed64(out, 4, self.last_seq);
    }
}
