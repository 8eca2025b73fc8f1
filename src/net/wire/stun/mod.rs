//! STUN Binding (RFC 8489): asked of TURN servers themselves, and answered for who measures a
//! balance server with it; and TURN, asked of servers that are to prove that they relay.

mod answer;
mod framing;
mod turn;

use stun_types::message::{
    BINDING, MAGIC_COOKIE, Message, MessageClass, MessageType, MessageWrite, MessageWriteVec,
    TransactionId,
};
use tracing::{Dispatch, dispatcher};

pub use answer::{BINDING_PASSWORD, BindingError, BindingKey, BindingRequest};
pub use framing::{Framed, framed};
pub use turn::{
    Integrity, MAX_TURN_MESSAGE, TurnKey, TurnMessage, TurnOutcome, TurnRequest, TurnSignature,
    send_indication,
};

/// Whether a datagram is STUN: its first two bits are 0 and bytes 4 to 8 the magic cookie
/// (RFC 8489, section 6).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= 20 && datagram[0] < 0x40 && datagram[4..8] == MAGIC_COOKIE.to_be_bytes()
}

/// A Binding request without attributes. Only the low 96 bits of the transaction id go out
/// (RFC 8489, section 5).
pub fn binding_request(transaction: u128) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    let id = TransactionId::from(transaction);
    Message::builder(kind, id, MessageWriteVec::with_capacity(20)).finish()
}

/// The transaction that a datagram answers, where it is a response to a Binding request. An
/// error response is an answer too: a server that wants credentials is alive.
pub fn binding_response(datagram: &[u8]) -> Option<u128> {
    let message = quietly(|| Message::from_bytes(datagram)).ok()?;
    let answers = message.is_response() && message.has_method(BINDING);
    answers.then(|| message.transaction_id().into())
}

/// Without what the codec says to the log: it warns of each datagram that is not well formed, and
/// anybody can send some thousand a second.
fn quietly<T>(read: impl FnOnce() -> T) -> T {
    dispatcher::with_default(&Dispatch::none(), read)
}
