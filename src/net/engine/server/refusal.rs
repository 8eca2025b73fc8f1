//! What of a peer is not believed for its tag, and why.

use std::fmt;

use super::drop::DropReason;
use crate::net::wire::auth::Keys;

/// What is wrong with the tag of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagFault {
    /// There is none.
    Absent,
    /// It is made with a key of this number, and none here has it.
    Unknown(u32),
    /// The key of this number has not made it.
    Wrong(u32),
}

/// What a peer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaggedMessage {
    /// A node, to its superior.
    Heartbeat,
    /// A node, to the check of its superior.
    Answer,
    /// A superior, to a heartbeat.
    Pong,
    /// A superior, to a node.
    Check,
}

/// Something that a peer has sent, and is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagRefusal {
    /// What it is.
    pub message: TaggedMessage,
    /// Why.
    pub fault: TagFault,
}

impl TagFault {
    /// What is wrong with a datagram that none of these keys has rightly signed.
    pub(super) fn of(keys: &Keys, datagram: &[u8]) -> Self {
        match keys.number_of(datagram) {
            None => Self::Absent,
            Some(id) if keys.get(id).is_none() => Self::Unknown(id),
            Some(id) => Self::Wrong(id),
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "no-tag",
            Self::Unknown(_) => "unknown-key",
            Self::Wrong(_) => "wrong-tag",
        }
    }
}

/// The rest of a sentence that begins with its tag.
impl fmt::Display for TagFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is missing"),
            Self::Unknown(id) => write!(f, "is made with key {id}, which is none of those here"),
            Self::Wrong(id) => write!(f, "is not what key {id} makes here"),
        }
    }
}

impl TaggedMessage {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Answer => "answer to a check",
            Self::Pong => "answer to a heartbeat",
            Self::Check => "check",
        }
    }
}

impl TagRefusal {
    /// Why it is dropped.
    pub fn reason(self) -> DropReason {
        match self {
            Self { message: TaggedMessage::Heartbeat, fault: TagFault::Absent } => {
                DropReason::Unsigned
            }
            _ => DropReason::WrongTag,
        }
    }
}
