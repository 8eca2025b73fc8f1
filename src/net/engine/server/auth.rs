//! Whom a server believes: its keys, and what they open.

use std::net::SocketAddr;
use std::sync::Arc;

use super::drop::DropReason;
use super::refusal::{TagFault, TagRefusal, TaggedMessage};
use super::trouble::Unfit;
use crate::net::wire::auth::{Key, Keys, Purpose, Tag};
use crate::net::wire::{Notice, Ping, Pong, Response, ResponseBody};
use crate::types::Prefix;

/// What keys a server has, and what they are asked for.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The first one signs, all are accepted.
    pub keys: Keys,
    /// Whether heartbeats and answers to checks must be signed.
    pub require: bool,
    /// Who may join without being listed; `None`: nobody.
    pub join: Option<JoinPolicy>,
}

/// Who may join without being listed.
#[derive(Debug, Clone)]
pub struct JoinPolicy {
    /// How many nodes there may be, with those that are listed.
    pub max_nodes: usize,
    /// Where they may be; empty: anywhere.
    pub prefixes: Arc<[Prefix]>,
}

impl JoinPolicy {
    /// Why no node may be there; `None`: one may.
    pub(super) fn unfit(&self, addr: SocketAddr) -> Option<Unfit> {
        let ip = addr.ip();
        let nobody = ip.is_unspecified() || ip.is_multicast() || addr.port() == 0;
        let allowed = self.prefixes.is_empty() || self.prefixes.iter().any(|p| p.contains(ip));
        match nobody {
            true => Some(Unfit::Nobody),
            false => (!allowed).then_some(Unfit::Prefix),
        }
    }
}

/// A datagram that is answered later, if at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerMessage {
    /// From below.
    Heartbeat(Heartbeat),
    /// From above: a heartbeat was refused. It is rightly signed with the key of this number.
    Pong(Pong, u32),
    /// From above: who runs this server is told why it is no node there. It is rightly signed with the key
    /// of this number.
    Notice(Notice, u32),
    /// From a node of the configuration, or a superior, and not believed: who runs this server is told.
    Refused(TagRefusal),
}

impl PeerMessage {
    /// The number of the key that it is rightly signed with.
    pub fn key(&self) -> Option<u32> {
        match self {
            Self::Heartbeat(heartbeat) => heartbeat.key,
            Self::Pong(_, key) | Self::Notice(_, key) => Some(*key),
            Self::Refused(_) => None,
        }
    }
}

/// A heartbeat, and who has signed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// What it says.
    pub ping: Ping,
    /// The number of the key that it is rightly signed with.
    pub key: Option<u32>,
    /// Its length: no answer to it is longer.
    pub len: usize,
}

impl Trust {
    /// Whether any heartbeat could be of use; `listed`: from a node of the configuration. Who has a key and may
    /// not join is told of.
    pub(super) fn hears(&self, listed: bool) -> bool {
        listed || self.join.is_some() || !self.keys.is_empty()
    }

    /// Judges a heartbeat by its tag; `listed`: it comes from a node of the configuration.
    pub(super) fn heartbeat(
        &self,
        listed: bool,
        ping: Ping,
        datagram: &[u8],
    ) -> Result<PeerMessage, DropReason> {
        let key = match self.keys.judge(Purpose::Ping, datagram) {
            Tag::Right(key) => Some(key.id()),
            _ if !listed && self.join.is_none() => return self.stranger(ping, datagram),
            Tag::Wrong if !self.keys.is_empty() => {
                return self.refuse(TaggedMessage::Heartbeat, listed, datagram);
            }
            _ if self.requires_tags() => {
                return self.refuse(TaggedMessage::Heartbeat, listed, datagram);
            }
            _ if !listed => return Err(DropReason::StrangeHeartbeat),
            _ => None,
        };
        Ok(PeerMessage::Heartbeat(Heartbeat { ping, key, len: datagram.len() }))
    }

    /// Judges a heartbeat of whom nothing is known.
    fn stranger(&self, ping: Ping, datagram: &[u8]) -> Result<PeerMessage, DropReason> {
        planted!(StrangerTold => {
            let key = self.keys.active().map(Key::id);
            Ok(PeerMessage::Heartbeat(Heartbeat { ping, key, len: datagram.len() }))
        });
        Err(DropReason::StrangeHeartbeat)
    }

    /// Refuses what is not rightly signed. Of a peer it is told: there somebody may have the wrong key.
    fn refuse(
        &self,
        message: TaggedMessage,
        peer: bool,
        datagram: &[u8],
    ) -> Result<PeerMessage, DropReason> {
        let refusal = TagRefusal { message, fault: TagFault::of(&self.keys, datagram) };
        if peer { Ok(PeerMessage::Refused(refusal)) } else { Err(refusal.reason()) }
    }

    fn requires_tags(&self) -> bool {
        planted!(RequireIgnored => false);
        self.require
    }

    /// Whether a node's answers to checks must be signed; `joined`: it is not listed.
    pub(super) fn requires_signed_answers(&self, joined: bool) -> bool {
        planted!(UnsignedAnswer => false);
        self.require || joined
    }

    /// Whether there is a tag to judge.
    pub(super) fn is_tagged(&self, datagram: &[u8]) -> bool {
        self.keys.key_of(datagram).is_some()
    }

    /// Judges what is no request: nothing but a signed answer to a heartbeat is of use; `superior`: it
    /// comes from one.
    pub(super) fn answer(
        &self,
        superior: bool,
        datagram: &[u8],
    ) -> Result<PeerMessage, DropReason> {
        let Ok(Response { body: body @ (ResponseBody::Pong(_) | ResponseBody::Notice(_)), .. }) =
            Response::decode(datagram)
        else {
            return Err(DropReason::Empty);
        };
        match (body, self.keys.judge(Purpose::Pong, datagram)) {
            (ResponseBody::Pong(pong), Tag::Right(key)) => Ok(PeerMessage::Pong(pong, key.id())),
            (ResponseBody::Notice(notice), Tag::Right(key)) => {
                Ok(PeerMessage::Notice(notice, key.id()))
            }
            _ => self.refuse(TaggedMessage::Pong, superior, datagram),
        }
    }

    /// The answer to a heartbeat, signed with the key that its sender is known to have.
    ///
    /// # Errors
    /// There is no such key, or the heartbeat is shorter.
    pub(super) fn sign_answer(
        &self,
        body: ResponseBody,
        heartbeat: &Heartbeat,
    ) -> Result<Vec<u8>, DropReason> {
        let key = heartbeat.key.and_then(|id| self.keys.get(id)).ok_or(DropReason::WrongTag)?;
        let mut answer = Response { id: 0, body }.encode();
        key.sign(Purpose::Pong, &mut answer, 0);
        if is_longer(&answer, heartbeat) {
            return Err(DropReason::ShortHeartbeat);
        }
        Ok(answer)
    }

    /// The key that a check is rightly signed with, and its answer is to be.
    #[inline]
    pub(super) fn checker(&self, datagram: &[u8]) -> Option<&Key> {
        if self.keys.is_empty() {
            return None;
        }
        match self.keys.judge(Purpose::Probe, datagram) {
            Tag::Right(key) => Some(key),
            _ => None,
        }
    }
}

fn is_longer(answer: &[u8], heartbeat: &Heartbeat) -> bool {
    planted!(PongLarger => false);
    answer.len() > heartbeat.len
}
