use std::net::SocketAddr;

use super::DecodeError;
use super::addr::{put_packed, unpack};
use super::proto::{Fields, put_bytes, put_fixed64, put_varint};

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
    /// What else is welcome.
    pub extras: Extras,
    /// Of which TURN server the URLs are: one that the server checks itself; `None`: the one beside it.
    pub urls_of: Option<SocketAddr>,
}

/// What an answer holds besides a list, for who asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// The URLs of a TURN server.
    pub urls: bool,
    /// Nodes that are not offered, and why.
    pub down: bool,
    /// The labels of the server and of its nodes.
    pub labels: bool,
}

/// Which list a server is asked for.
///
/// [How options are given](crate#with-options-and-how-it-was-found).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum View {
    /// The flat list: nodes replaced by what they list, as far as the answer's size allows.
    #[default]
    Flat,
    /// The direct subordinates.
    Subordinates,
}

impl View {
    /// The word for it on the command line and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Subordinates => "subordinates",
        }
    }
}

impl<'a> Probe<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
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
                (14, value) => probe.extras.labels = value.boolean()?,
                (15, value) => probe.extras.urls = value.boolean()?,
                (16, value) => probe.extras.down = value.boolean()?,
                (17, value) => probe.urls_of = unpack(value.bytes()?, None),
                _ => {}
            }
        }
        Ok(probe)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 10, self.nonce);
        if !self.cookie.is_empty() {
            put_bytes(out, 11, self.cookie);
        }
        put_varint(out, 12, (self.view == View::Subordinates).into());
        put_varint(out, 13, self.names.into());
        put_varint(out, 14, self.extras.labels.into());
        put_varint(out, 15, self.extras.urls.into());
        put_varint(out, 16, self.extras.down.into());
        if let Some(turn) = self.urls_of {
            put_packed(out, 17, turn, None);
        }
    }
}

/// Whether a field of a probe's body is one of an answer's.
fn is_of_reply(number: u32) -> bool {
    planted!(ReplyAnswered => false);
    matches!(number, 1..=9)
}
