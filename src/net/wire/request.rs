use super::DecodeError;
use super::heartbeat::Ping;
use super::probe::Probe;
use super::proto::{Fields, put_message, put_padding, put_varint};

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
