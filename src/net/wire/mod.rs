//! Bytes <-> messages. docs/protocol.md describes the wire; nothing here decides anything.
//!
//! One UDP datagram carries one Protocol Buffers (proto3) message, [`Request`] or [`Response`],
//! or a STUN message ([`stun`]).

mod addr;
pub mod auth;
mod down;
mod fast;
mod heartbeat;
mod label_sets;
mod load;
mod nibbles;
mod node;
mod probe;
mod proto;
mod reply;
mod request;
mod response;
mod rtt;
mod state;
pub mod stun;
#[cfg(test)]
mod tests;

pub use down::Down;
pub use fast::{BARE_FRAME, FRAME, Id, frame};
pub use heartbeat::{Notice, Ping, Pong, SEQ_END};
pub use label_sets::LabelSets;
pub use node::{Kind, Node};
pub use probe::{Extras, Probe, View};
pub use reply::{MAX_DOWN, MAX_URLS, ProbeReply, put_host, put_retry, put_url};
pub use request::{Request, RequestBody};
pub use response::{Response, ResponseBody};
pub use rtt::put_rtts;
pub use state::State;

/// The largest answer, in bytes of UDP payload: IPv6's minimum MTU of 1,280 (RFC 8200, section 5)
/// less 40 bytes of IPv6 and 8 of UDP header, so that no path has to fragment it.
pub const MAX_ANSWER: usize = 1232;

/// The longest request that is read, in bytes of UDP payload: IPv6's minimum MTU, more than any
/// request needs.
pub const MAX_REQUEST: usize = 1280;

/// The longest cookie that is returned to whoever handed it out, in bytes.
pub const MAX_COOKIE: usize = 64;

/// The size that requests to balance servers are padded to, in bytes of UDP payload: with IPv4
/// and UDP headers 420, a third of the largest answer's 1,260, so that answers amplify by 3 at most.
pub const PADDED_REQUEST: usize = 392;

/// The size that all other requests are padded to: more than a retry reply ever takes, 42, for a
/// server sends none that is longer than its request.
pub const SHORT_REQUEST: usize = 44;

/// The same of those that ask for labels: a third of all that a leaf says of itself with eight of the longest,
/// its address of IPv6, its name and all else that it may have beside, 325.
pub const LABELLED_REQUEST: usize = 92;

/// The least size of a heartbeat with a tag, in bytes of UDP payload: more than an answer to one ever
/// takes, 59.
pub const SIGNED_HEARTBEAT: usize = 64;

/// A datagram that is no message of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends early, or a field has the wrong type.
    #[error("not a message")]
    Malformed,
    /// It has no body that is known.
    #[error("a message without a body")]
    Empty,
    /// A reply, where a request was due.
    #[error("a reply, not a request")]
    Reply,
}
