use std::net::SocketAddr;

use super::DecodeError;
use super::addr::{put_packed, unpack};
use super::node::Kind;
use super::proto::{Fields, put_bytes, put_message, put_varint};
use super::state::State;
use crate::types::{Name, TurnFault};

/// A node that is not offered, for who asks why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// Where clients would reach it.
    pub addr: SocketAddr,
    /// What it is taken for.
    pub kind: Kind,
    /// What it is called.
    pub name: Option<Name>,
    /// What it says of itself, or NOTHING.
    pub state: State,
    /// Why; `None`: that is not known.
    pub fault: Option<TurnFault>,
}

impl Down {
    pub(super) fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (mut addr, mut name) = (&[][..], None);
        let (mut kind, mut state, mut fault) = (Some(Kind::Balance), State::Offering, None);
        for field in Fields(body) {
            match field? {
                (1, value) => addr = value.bytes()?,
                (2, value) => kind = Kind::from_wire(value.varint()?),
                (4, value) => name = Name::from_wire(value.bytes()?),
                (5, value) => state = State::from_wire(value.varint()?),
                (6, value) => fault = TurnFault::from_number(value.uint32()?),
                _ => {}
            }
        }
        let node = unpack(addr, None).zip(kind);
        Ok(node.map(|(addr, kind)| Self { addr, kind, name, state, fault }))
    }

    /// Appends it as an answer has it.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_message(out, 20, |out| {
            put_packed(out, 1, self.addr, None);
            put_varint(out, 2, self.kind as u64);
            if let Some(name) = &self.name {
                put_bytes(out, 4, name.as_str().as_bytes());
            }
            put_varint(out, 5, self.state as u64);
            put_varint(out, 6, self.fault.map_or(0, TurnFault::number).into());
        });
    }
}
