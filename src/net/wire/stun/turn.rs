//! TURN (RFC 8656), as far as it takes to see whether a server relays: what is asked of it, and what
//! it says. Nothing here decides anything.

use std::fmt;
use std::net::SocketAddr;

use stun_types::AddressFamily;
use stun_types::attribute::{
    AlternateServer, AttributeType, ErrorCode, MessageIntegrity, MessageIntegritySha256, Nonce,
    RawAttribute, Realm, Username,
};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, IntegrityKey, LongTermKeyCredentials, Message, MessageClass,
    MessageHeader, MessageType, MessageWrite as _, MessageWriteExt as _, MessageWriteVec, Method,
    StunWriteError, TransactionId,
};
use stun_types::prelude::{AttributeStaticType as _, AttributeWrite};
use turn_types::attribute::{
    Data, Lifetime, RequestedAddressFamily, RequestedTransport, XorPeerAddress, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CREATE_PERMISSION, DATA, REFRESH, SEND};

use super::quietly;

/// The longest message that is read from a TURN server, in bytes: four texts of the longest kind
/// (realm, nonce, reason and software), and what else an answer has.
pub const MAX_TURN_MESSAGE: usize = 4096;

/// The longest realm and the longest nonce that is taken, in bytes (RFC 8489, sections 14.9 and 14.10).
const MAX_TURN_TEXT: usize = 763;

/// What is asked of a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnRequest {
    /// Who asks.
    Binding,
    /// An address to relay at.
    Allocate {
        /// Whether it is to be an IPv6 one; without it the server gives what it has, IPv4 first.
        v6: bool,
    },
    /// To relay what comes from this host.
    CreatePermission(SocketAddr),
    /// To let the allocation go: Refresh with a lifetime of 0.
    Release,
}

/// What a long-term credential makes of a user, a password and a realm (RFC 8489, section 9.2.2).
pub struct TurnKey(IntegrityKey);

/// How a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct TurnSignature<'a> {
    /// Who asks.
    pub username: &'a str,
    /// Of which realm.
    pub realm: &'a str,
    /// What the server handed out.
    pub nonce: &'a [u8],
    /// What it is signed with.
    pub key: &'a TurnKey,
}

/// What a TURN server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnMessage {
    /// It answers a request.
    Response {
        /// Which.
        transaction: u128,
        /// What was asked, by its method (RFC 8489, section 18.2).
        method: u16,
        /// How it went.
        outcome: TurnOutcome,
    },
    /// It hands on what came to the relayed address.
    Data(Vec<u8>),
}

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// As asked.
    Granted {
        /// The relayed address of an allocation.
        relayed: Option<SocketAddr>,
    },
    /// Not.
    Refused {
        /// Why (RFC 8656, section 19).
        code: u16,
        /// Whose credentials are wanted.
        realm: Option<String>,
        /// What the next request is to return.
        nonce: Option<Vec<u8>>,
        /// Whom to ask in its place (RFC 8489, section 14.15).
        alternate: Option<SocketAddr>,
    },
}

/// What a message is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// With the key.
    Right,
    /// With another one.
    Wrong,
    /// Not at all.
    Absent,
}

impl TurnRequest {
    /// Its bytes. Only the low 96 bits of the transaction id go out.
    pub fn encode(self, transaction: u128, signature: Option<&TurnSignature<'_>>) -> Vec<u8> {
        let class = MessageType::from_class_method(MessageClass::Request, self.stun_method());
        let mut request = Message::builder(class, transaction.into(), MessageWriteVec::new());
        match self {
            Self::Binding => {}
            Self::Allocate { v6 } => {
                put(&mut request, &RequestedTransport::new(RequestedTransport::UDP));
                if v6 {
                    put(&mut request, &RequestedAddressFamily::new(AddressFamily::IPV6));
                }
            }
            Self::CreatePermission(peer) => {
                put(&mut request, &XorPeerAddress::new(peer, transaction.into()));
            }
            Self::Release => put(&mut request, &Lifetime::new(0)),
        }
        if let Some(signature) = signature {
            put(&mut request, &RawAttribute::new(Username::TYPE, signature.username.as_bytes()));
            put(&mut request, &RawAttribute::new(Realm::TYPE, signature.realm.as_bytes()));
            put(&mut request, &RawAttribute::new(Nonce::TYPE, signature.nonce));
            let TurnKey(key) = signature.key;
            quietly(|| {
                written(request.add_message_integrity_with_key(key, IntegrityAlgorithm::Sha1))
            });
        }
        request.finish()
    }

    /// Its method: what an answer to it has too.
    pub fn method(self) -> u16 {
        self.stun_method().value()
    }

    fn stun_method(self) -> Method {
        match self {
            Self::Binding => BINDING,
            Self::Allocate { .. } => ALLOCATE,
            Self::CreatePermission(_) => CREATE_PERMISSION,
            Self::Release => REFRESH,
        }
    }
}

impl TurnKey {
    /// The key of these credentials.
    pub fn new(username: &str, password: &str, realm: &str) -> Self {
        let [username, password, realm] = [username, password, realm].map(str::to_owned);
        let credentials = LongTermKeyCredentials::new(username, password, realm);
        Self(credentials.make_key(IntegrityAlgorithm::Sha1))
    }

    /// Whether a message that was read is signed with this key.
    pub fn judge(&self, datagram: &[u8]) -> Integrity {
        quietly(|| {
            let Ok(message) = Message::from_bytes(datagram) else { return Integrity::Wrong };
            let kinds = [MessageIntegrity::TYPE, MessageIntegritySha256::TYPE];
            if !kinds.into_iter().any(|kind| message.has_attribute(kind)) {
                return Integrity::Absent;
            }
            let judged = message.validate_integrity_with_key(&self.0);
            if judged.is_ok() { Integrity::Right } else { Integrity::Wrong }
        })
    }
}

/// A key is shown to nobody.
impl fmt::Debug for TurnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnKey")
    }
}

impl TurnMessage {
    /// Reads a message, which has to be whole; `None`: it is none that a TURN server sends.
    pub fn decode(datagram: &[u8]) -> Option<Self> {
        let readable = (MessageHeader::LENGTH..=MAX_TURN_MESSAGE).contains(&datagram.len());
        readable.then(|| quietly(|| Self::read(datagram)))?
    }

    fn read(datagram: &[u8]) -> Option<Self> {
        let message = Message::from_bytes(datagram).ok()?;
        let header = MessageHeader::from_bytes(datagram).ok()?;
        if MessageHeader::LENGTH + usize::from(header.data_length()) != datagram.len() {
            return None;
        }
        let id = message.transaction_id();
        let outcome = match message.class() {
            MessageClass::Success => TurnOutcome::Granted { relayed: relayed(&message, id) },
            MessageClass::Error => TurnOutcome::Refused {
                code: code(&message)?,
                realm: text(&message, Realm::TYPE).and_then(|text| String::from_utf8(text).ok()),
                nonce: text(&message, Nonce::TYPE),
                alternate: message.attribute::<AlternateServer>().ok().map(|it| it.server()),
            },
            MessageClass::Indication if message.has_method(DATA) => {
                return message
                    .attribute::<Data<'_>>()
                    .ok()
                    .map(|data| Self::Data(data.data().into()));
            }
            _ => return None,
        };
        let method = message.method().value();
        Some(Self::Response { transaction: id.into(), method, outcome })
    }
}

/// A Send indication: the server is to relay this to a peer.
pub fn send_indication(transaction: u128, peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    let class = MessageType::from_class_method(MessageClass::Indication, SEND);
    let mut message = Message::builder(class, transaction.into(), MessageWriteVec::new());
    put(&mut message, &XorPeerAddress::new(peer, transaction.into()));
    put(&mut message, &RawAttribute::new(AttributeType::new(DATA_ATTRIBUTE), data));
    message.finish()
}

/// DATA, which turn-types refuses to make of more than it can hold, by panicking.
const DATA_ATTRIBUTE: u16 = 0x0013;

/// Adds what is there once, before what signs it.
fn put(message: &mut MessageWriteVec, attribute: &dyn AttributeWrite) {
    written(message.add_attribute(attribute));
}

/// Only an attribute that is there already, or stands behind a signature, is refused: none is.
fn written(result: Result<(), StunWriteError>) {
    debug_assert!(result.is_ok(), "{result:?}");
}

fn relayed(message: &Message<'_>, id: TransactionId) -> Option<SocketAddr> {
    message.attribute::<XorRelayedAddress>().ok().map(|relayed| relayed.addr(id))
}

/// The number of an error: the reason beside it is text from outside, which nobody needs.
fn code(message: &Message<'_>) -> Option<u16> {
    let attribute = message.raw_attribute(ErrorCode::TYPE)?;
    let [_, _, class, number, ..] = *attribute.value else { return None };
    let (class, number) = (u16::from(class & 7), u16::from(number));
    ((3..=6).contains(&class) && number < 100).then_some(class * 100 + number)
}

/// A realm or a nonce that is no longer than it may be.
fn text(message: &Message<'_>, kind: AttributeType) -> Option<Vec<u8>> {
    let text = message.raw_attribute(kind)?.value.to_vec();
    (1..=MAX_TURN_TEXT).contains(&text.len()).then_some(text)
}
