use super::DecodeError;
use super::fast::frame;
use super::heartbeat::{Notice, Pong};
use super::proto::{Fields, put_message, put_varint};
use super::reply::ProbeReply;

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
    /// To a heartbeat whose sender is not taken as it wants to be.
    Notice(Notice),
}

impl Response {
    /// Reads an answer. Hosts and nodes that are no address one could send to are left out.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_some(datagram, usize::MAX)
    }

    /// The same, but of its list no more than so many hosts and nodes: it takes no memory for the
    /// others, and only judges whether they are malformed.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode_some(datagram: &[u8], most: usize) -> Result<Self, DecodeError> {
        let mut id = 0;
        let mut body = None;
        for field in Fields(datagram) {
            match field? {
                (1, value) => id = value.uint32()?,
                (2, value) => {
                    body = Some(ResponseBody::Probe(ProbeReply::decode(value.bytes()?, most)?));
                }
                (4, value) => body = Some(ResponseBody::Pong(Pong::decode(value.bytes()?)?)),
                (5, value) => body = Some(ResponseBody::Notice(Notice::decode(value.bytes()?)?)),
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
            ResponseBody::Notice(notice) => {
                put_varint(&mut out, 1, self.id.into());
                put_message(&mut out, 5, |out| notice.encode(out));
            }
        }
        out
    }
}
