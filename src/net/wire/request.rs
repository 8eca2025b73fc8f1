use std::net::SocketAddr;

use super::addr::{decode_host, encode_host};
use super::proto::{Fields, put_bytes, put_fixed64, put_message, put_padding, put_varint};
use super::{DecodeError, Name};

/// What a client, a check or a subordinate sends (`BalanceRequest`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// Comes back in the answer.
    pub id: u32,
    /// What is asked or told.
    pub body: RequestBody<'a>,
}

/// The body of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody<'a> {
    /// What do you offer?
    Probe(Probe<'a>),
    /// I am here: a heartbeat.
    Ping(Ping),
}

/// The body of a probe; empty from a bare peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe<'a> {
    /// Comes back in the answer; 0 from a bare peer.
    pub nonce: u64,
    /// What a server handed out for its bearer to return.
    pub cookie: &'a [u8],
    /// The list that is asked for.
    pub view: View,
    /// Whether names are welcome in the list.
    pub names: bool,
}

/// The body of a heartbeat; empty from a bare peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ping {
    /// Rises with every heartbeat of a server.
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

/// Which list a server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The flat list: nodes replaced by what they list, as far as the answer's size allows.
    #[default]
    Flat,
    /// The direct subordinates.
    Subordinates,
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`DecodeError`]; a datagram whose probe body has any of the fields 1 to 9 is a reply.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let mut id = 0;
        let mut body = None;
        for field in Fields(datagram) {
            match field? {
                (1, value) => id = value.uint32()?,
                (2, value) => body = Some(RequestBody::Probe(Probe::decode(value.bytes()?)?)),
                (3, value) => body = Some(RequestBody::Ping(Ping::decode(value.bytes()?)?)),
                _ => {}
            }
        }
        Ok(Self { id, body: body.ok_or(DecodeError::Empty)? })
    }

    /// Writes the request, padded with zeros to `size` bytes where it is shorter.
    pub fn encode(&self, size: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(size.max(48));
        put_varint(&mut out, 1, self.id.into());
        match &self.body {
            RequestBody::Probe(probe) => put_message(&mut out, 2, |out| probe.encode(out)),
            RequestBody::Ping(ping) => put_message(&mut out, 3, |out| ping.encode(out)),
        }
        let gap = size.saturating_sub(out.len());
        put_padding(&mut out, 15, gap);
        out
    }
}

impl<'a> Probe<'a> {
    fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut probe = Self::default();
        for field in Fields(body) {
            match field? {
                (1..=9, _) => return Err(DecodeError::Reply),
                (10, value) => probe.nonce = value.fixed64()?,
                (11, value) => probe.cookie = value.bytes()?,
                (12, value) => {
                    let subordinates = value.varint()? == 1;
                    probe.view = if subordinates { View::Subordinates } else { View::Flat };
                }
                (13, value) => probe.names = value.boolean()?,
                _ => {}
            }
        }
        Ok(probe)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 10, self.nonce);
        if !self.cookie.is_empty() {
            put_bytes(out, 11, self.cookie);
        }
        put_varint(out, 12, (self.view == View::Subordinates).into());
        put_varint(out, 13, self.names.into());
    }
}

impl Ping {
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
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

    fn encode(&self, out: &mut Vec<u8>) {
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
