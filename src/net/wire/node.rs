use std::net::SocketAddr;
use std::time::Duration;

use super::DecodeError;
use super::addr::{put_packed, unpack};
use super::proto::{Fields, put_bytes, put_message, put_varint};
use super::{load, rtt};
use crate::types::{Labels, Load, Name};

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
    /// `None`: that is not known.
    pub rtt: Option<Duration>,
    /// How full the TURN server beside it is, as a [`Node::load_on_wire`] has it; `None`: that is not known.
    pub load: Option<Load>,
    /// How much that one can serve beside others; 0: it is not told, and as good as 1.
    pub weight: u32,
    /// Who is asked for the URLs of a TURN server that has some and was passed on; `None`: whoever lists
    /// it.
    pub checker: Option<SocketAddr>,
    /// What it is labelled with, as whoever lists it knows.
    pub labels: Labels,
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

impl Node {
    /// One of which nothing else is known.
    pub fn new(addr: SocketAddr, kind: Kind) -> Self {
        Self {
            addr,
            kind,
            turn: None,
            name: None,
            hops: 0,
            rtt: None,
            load: None,
            weight: 0,
            checker: None,
            labels: Labels::default(),
        }
    }

    pub(super) fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (mut addr, mut turn, mut checker) = (&[][..], &[][..], &[][..]);
        let (mut kind, mut name, mut hops, mut weight) = (Some(Kind::Balance), None, 0, 0);
        for field in Fields(body) {
            match field? {
                (1, value) => addr = value.bytes()?,
                (2, value) => kind = Kind::from_wire(value.varint()?),
                (3, value) => turn = value.bytes()?,
                (4, value) => name = Name::from_wire(value.bytes()?),
                (5, value) => hops = value.uint32()?,
                (6, value) => weight = value.uint32()?,
                (7, value) => checker = value.bytes()?,
                _ => {}
            }
        }
        // A list with labels leaves out what the TURN server beside a leaf says as well.
        let kind = if turn.is_empty() { kind } else { kind.map(Kind::beside_turn) };
        Ok(unpack(addr, None).zip(kind).map(|(addr, kind)| {
            let turn = unpack(turn, Some(addr.ip())).filter(|_| kind == Kind::Leaf);
            let checker = unpack(checker, None).filter(|_| kind == Kind::Turn);
            Self { turn, name, hops, weight, checker, ..Self::new(addr, kind) }
        }))
    }

    /// Judges whether one is malformed.
    pub(super) fn skim(body: &[u8]) -> Result<(), DecodeError> {
        Fields(body).try_for_each(|field| match field? {
            (1 | 3 | 4 | 7, value) => value.bytes().map(drop),
            (2 | 5 | 6, value) => value.varint().map(drop),
            _ => Ok(()),
        })
    }

    /// Appends it as an answer has it, with its name, weight and checker or without, and without its time,
    /// load and labels, which stand in other fields.
    pub fn put(&self, out: &mut Vec<u8>, detailed: bool) {
        self.put_as(out, self.kind, detailed);
    }

    /// The same as an answer with labels has it: two bytes shorter where it is a leaf, which makes room for
    /// them.
    pub fn put_short(&self, out: &mut Vec<u8>, detailed: bool) {
        let is_leaf = self.kind == Kind::Leaf && self.turn.is_some();
        self.put_as(out, if is_leaf { Kind::Balance } else { self.kind }, detailed);
    }

    fn put_as(&self, out: &mut Vec<u8>, kind: Kind, detailed: bool) {
        put_message(out, 6, |out| {
            put_packed(out, 1, self.addr, None);
            put_varint(out, 2, kind as u64);
            if let Some(turn) = self.turn {
                put_packed(out, 3, turn, Some(self.addr.ip()));
            }
            if let Some(name) = self.name.as_ref().filter(|_| detailed) {
                put_bytes(out, 4, name.as_str().as_bytes());
            }
            put_varint(out, 5, self.hops.into());
            put_varint(out, 6, if detailed { self.weight.into() } else { 0 });
            if let Some(checker) = self.checker.filter(|_| detailed) {
                put_packed(out, 7, checker, None);
            }
        });
    }

    /// Its round-trip time in half a byte: 0, not known; 1 to 14, within the unit that ends there;
    /// 15, beyond.
    pub fn rtt_nibble(&self) -> u8 {
        rtt::to_nibble(self.rtt)
    }

    /// A round-trip time as coarse as the wire makes it.
    pub fn rtt_on_wire(rtt: Duration) -> Duration {
        rtt::from_nibble(rtt::to_nibble(Some(rtt))).unwrap_or_default()
    }

    /// Its load in half a byte: 0, not known; 1 to 14, within the fourteenth that ends there; 15, full.
    pub fn load_nibble(&self) -> u8 {
        load::to_nibble(self.load)
    }

    /// A load as coarse as the wire makes it.
    pub fn load_on_wire(load: Load) -> Load {
        load::from_nibble(load::to_nibble(Some(load))).unwrap_or(load)
    }
}

impl Kind {
    /// The kind of one that has a TURN server beside it.
    fn beside_turn(self) -> Self {
        if self == Self::Balance { Self::Leaf } else { self }
    }

    /// `None`: a kind from the future. Whoever does not know it cannot ask it.
    pub(super) fn from_wire(value: u64) -> Option<Self> {
        [Self::Balance, Self::Leaf, Self::Turn].into_iter().find(|&kind| kind as u64 == value)
    }
}
