//! Why a datagram is dropped.

use crate::net::wire::DecodeError;

/// Why a datagram is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// It is no message.
    Malformed,
    /// It has no body that is known.
    Empty,
    /// It is a reply.
    Reply,
    /// It is STUN, and no Binding request.
    Stun,
    /// STUN whose MESSAGE-INTEGRITY is not what the published password makes.
    WrongIntegrity,
    /// It is longer than the buffer.
    Truncated,
    /// It is longer than any request need be.
    TooLong,
    /// From port 0, where no answer can go.
    PortZero,
    /// From the address that it was sent to.
    OwnAddress,
    /// From a port whose service answers everything.
    LoopPort,
    /// A bare probe from a node or superior, which may be an old server's empty reply.
    PeerProbe,
    /// A check of its own: a node in its configuration is this server.
    OwnCheck,
    /// A bare probe where there is nothing to offer.
    NothingToOffer,
    /// A heartbeat from an address that is no node's.
    StrangeHeartbeat,
    /// From an address or a network that asks too often.
    Limited,
    /// A bare request with the id of the one before it: a loop, perhaps.
    Repeated,
    /// A request so short that no answer may be given to it.
    NoRoom,
    /// A tag that none of the keys makes.
    WrongTag,
    /// A heartbeat without a tag, where one is required.
    Unsigned,
    /// A heartbeat that was heard before.
    Replayed,
    /// A heartbeat that is shorter than the answer that it would get.
    ShortHeartbeat,
    /// A heartbeat from a place where no node may join.
    Unwanted,
    /// A heartbeat for which there is no room among the nodes.
    TooManyNodes,
    /// An answer to a heartbeat that was not sent, or was answered.
    StrayPong,
}

impl DropReason {
    /// All of them, in order.
    pub const ALL: [Self; 24] = [
        Self::Malformed,
        Self::Empty,
        Self::Reply,
        Self::Stun,
        Self::WrongIntegrity,
        Self::Truncated,
        Self::TooLong,
        Self::PortZero,
        Self::OwnAddress,
        Self::LoopPort,
        Self::PeerProbe,
        Self::OwnCheck,
        Self::NothingToOffer,
        Self::StrangeHeartbeat,
        Self::Limited,
        Self::Repeated,
        Self::NoRoom,
        Self::WrongTag,
        Self::Unsigned,
        Self::Replayed,
        Self::ShortHeartbeat,
        Self::Unwanted,
        Self::TooManyNodes,
        Self::StrayPong,
    ];

    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Reply => "reply",
            Self::Stun => "stun",
            Self::WrongIntegrity => "wrong-integrity",
            Self::Truncated => "truncated",
            Self::TooLong => "too-long",
            Self::PortZero => "port-zero",
            Self::OwnAddress => "own-address",
            Self::LoopPort => "loop-port",
            Self::PeerProbe => "peer-probe",
            Self::OwnCheck => "own-check",
            Self::NothingToOffer => "nothing-to-offer",
            Self::StrangeHeartbeat => "strange-heartbeat",
            Self::Limited => "limited",
            Self::Repeated => "repeated",
            Self::NoRoom => "no-room",
            Self::WrongTag => "wrong-tag",
            Self::Unsigned => "unsigned",
            Self::Replayed => "replayed",
            Self::ShortHeartbeat => "short-heartbeat",
            Self::Unwanted => "unwanted",
            Self::TooManyNodes => "too-many-nodes",
            Self::StrayPong => "stray-pong",
        }
    }
}

impl From<DecodeError> for DropReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed => Self::Malformed,
            DecodeError::Empty => Self::Empty,
            DecodeError::Reply => Self::Reply,
        }
    }
}
