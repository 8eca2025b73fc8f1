use std::net::SocketAddr;

use super::addr::{decode_host, encode_host};
use super::proto::{Fields, put_bytes, put_fixed64, put_message, put_padding, put_varint};
use super::{DecodeError, Id};
use crate::types::Name;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Reads a whole request in the form that [`Request::encode`] gives to the probes that are
    /// answered most, in one go. None for any other form; [`Request::decode`] reads this one alike.
    #[inline(always)]
    pub fn decode_usual(datagram: &'a [u8]) -> Option<(Id, Self)> {
        let (id, rest) = Id::split(datagram)?;
        let ([0x12, len @ 9..0x80, 0x51, nonce @ ..], rest) = rest.split_first_chunk::<11>()?
        else {
            return None;
        };
        let (body, padding) = rest.split_at_checked(usize::from(*len) - 9)?;
        match padding {
            [] => {}
            [0x7a, low @ 0x80..=0xff, high @ ..0x80, zeros @ ..]
                if zeros.len() == usize::from(low & 0x7f) | usize::from(*high) << 7 => {}
            _ => return None,
        }
        let (cookie, body) = match body {
            [0x5a, len @ ..0x80, rest @ ..] => rest.split_at_checked(usize::from(*len))?,
            _ => (&[][..], body),
        };
        let (view, names) = match body {
            [] => (View::Flat, false),
            [0x68, 1] => (View::Flat, true),
            [0x60, 1] => (View::Subordinates, false),
            [0x60, 1, 0x68, 1] => (View::Subordinates, true),
            _ => return None,
        };
        Some((id, Self { nonce: u64::from_le_bytes(*nonce), cookie, view, names }))
    }

    fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut probe = Self::default();
        for field in Fields(body) {
            match field? {
                (number, _) if is_of_reply(number) => return Err(DecodeError::Reply),
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

/// Whether a field of a probe's body is one of an answer's.
fn is_of_reply(number: u32) -> bool {
    planted!(ReplyAnswered => false);
    matches!(number, 1..=9)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_alike(datagram: &[u8]) -> Result<(), TestCaseError> {
        if let Some((id, probe)) = Probe::decode_usual(datagram) {
            let request = Request { id: id.get(), body: RequestBody::Probe(probe) };
            prop_assert_eq!(Request::decode(datagram), Ok(request));
            prop_assert!(!crate::net::wire::stun::is_stun(datagram));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn the_usual_form_is_read_like_any(
            id: u32,
            bits in 0..=32u32,
            nonce: u64,
            cookie in proptest::collection::vec(any::<u8>(), 0..80),
            subordinates: bool,
            names: bool,
            size in 0..500usize,
            strokes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let id = id.checked_shr(bits).unwrap_or(0);
            let view = if subordinates { View::Subordinates } else { View::Flat };
            let probe = Probe { nonce, cookie: &cookie, view, names };
            let request = Request { id, body: RequestBody::Probe(probe) };
            let mut datagram = request.encode(size);
            let usual = Probe::decode_usual(&datagram);
            prop_assert_eq!(usual.is_some(), id != 0 && nonce != 0);
            prop_assert_eq!(Request::decode(&datagram), Ok(request));
            for end in 0..datagram.len() {
                read_alike(&datagram[..end])?;
            }
            for (at, byte) in strokes {
                // Near its beginning, where it has more than padding.
                let at = at.index(datagram.len().min(40));
                datagram[at] = byte;
                read_alike(&datagram)?;
            }
        }

        #[test]
        fn any_bytes_are_read_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            keys in proptest::collection::vec(
                prop::sample::select(&[0x08, 0x12, 0x51, 0x5a, 0x60, 0x68, 0x7a, 0, 1, 9, 0x80][..]),
                0..60,
            ),
        ) {
            read_alike(&bytes)?;
            read_alike(&keys)?;
            read_alike(&[&[0x08][..], &bytes].concat())?;
            read_alike(&[&[0x08, 1, 0x12, bytes.len() as u8 + 9, 0x51], &[7; 8][..], &keys].concat())?;
        }
    }
}
