use std::net::SocketAddr;

use super::DecodeError;
use super::addr::{decode_host, encode_host, put_packed, unpack};
use super::proto::{Fields, put_bytes, put_fixed64, put_message, put_varint};
use crate::types::Name;

/// Where the numbers of heartbeats end: this one and those above are none. What counts up from 1
/// does not come near, so that only a liar names one.
pub const SEQ_END: u64 = 1 << 63;

/// The body of a heartbeat; empty from a bare peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ping {
    /// Rises with every heartbeat to a superior, and is less than [`SEQ_END`].
    pub seq: u64,
    /// The superior's last challenge.
    pub challenge: u64,
    /// Changes whenever what the sender offers changes, and at every start; 0 from a bare peer.
    pub version: u64,
    /// Where a sender that is not in the superior's list wants to be reached.
    pub advertise: Option<SocketAddr>,
    /// What the sender is called.
    pub name: Option<Name>,
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

/// What a superior says to a heartbeat whose sender it does not take as a node, or not where it advertises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notice {
    /// The heartbeat's.
    pub seq: u64,
    /// Which address it does not take: where the heartbeat came from, or what that advertises.
    pub addr: Option<SocketAddr>,
    /// Why.
    pub why: u32,
}

impl Ping {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut ping = Self::default();
        for field in Fields(body) {
            match field? {
                (1, value) => ping.seq = value.fixed64()?,
                (2, value) => ping.challenge = value.fixed64()?,
                (3, value) => ping.version = value.fixed64()?,
                (4, value) => ping.advertise = decode_host(value.bytes()?)?,
                (5, value) => ping.name = Name::from_wire(value.bytes()?),
                _ => {}
            }
        }
        Ok(ping)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 1, self.seq);
        put_fixed64(out, 2, self.challenge);
        put_fixed64(out, 3, self.version);
        if let Some(advertise) = self.advertise {
            put_message(out, 4, |out| encode_host(out, advertise));
        }
        if let Some(name) = &self.name {
            put_bytes(out, 5, name.as_str().as_bytes());
        }
    }
}

impl Pong {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
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

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 1, self.seq);
        put_fixed64(out, 2, self.challenge);
        put_varint(out, 3, self.status.into());
        put_fixed64(out, 4, self.last_seq);
    }
}

impl Notice {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut notice = Self::default();
        for field in Fields(body) {
            match field? {
                (1, value) => notice.seq = value.fixed64()?,
                (2, value) => notice.addr = unpack(value.bytes()?, None),
                (3, value) => notice.why = value.uint32()?,
                _ => {}
            }
        }
        Ok(notice)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 1, self.seq);
        if let Some(addr) = self.addr {
            put_packed(out, 2, addr, None);
        }
        put_varint(out, 3, self.why.into());
    }
}
