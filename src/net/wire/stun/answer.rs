//! What a Binding request is answered with. Nothing here allocates, but a [`BindingKey`].

use std::net::SocketAddr;

use stun_types::attribute::{
    AttributeType, ErrorCode, Fingerprint, MessageIntegrity, MessageIntegritySha256, RawAttribute,
    UnknownAttributes, Username, XorMappedAddress,
};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageHeader, MessageWrite,
    MessageWriteExt as _, MessageWriteMutSlice, ShortTermCredentials, StunWriteError,
};
use stun_types::prelude::{Attribute as _, AttributeStaticType as _};

use super::quietly;

/// What signs the connectivity checks of balance servers and the answers to them (RFC 8445, section
/// 7.2.2). Everybody knows it, so it proves nothing and protects nothing: it lets browsers measure.
pub const BINDING_PASSWORD: &str = "turnBalanceBindingCheck1";

/// What must be understood in a request and is, beside what signs it: PRIORITY and USE-CANDIDATE
/// (RFC 8445, section 16.1) ask for nothing here. From 0x8000 on nothing must be, as ICE-CONTROLLING.
const KNOWN: [AttributeType; 5] = [
    Username::TYPE,
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    AttributeType::new(0x0024),
    AttributeType::new(0x0025),
];

/// How many that are not known are told. Each has two bytes of the response, and four at least of
/// the request.
const MAX_UNKNOWN: usize = 8;

/// The longest response: an error that is told with all of those, signed by the longer algorithm.
const MAX_RESPONSE: usize = MessageHeader::LENGTH + 8 + (4 + 2 * MAX_UNKNOWN) + (4 + 32) + 8;

/// What checks and signs connectivity checks. There is a lock within: each thread has its own.
#[derive(Debug)]
pub struct BindingKey(IntegrityKey);

/// Why a datagram is no request that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingError {
    /// It is no Binding request, or not well formed.
    NoRequest,
    /// Its MESSAGE-INTEGRITY is not what the key makes.
    WrongIntegrity,
}

/// A Binding request that was read.
#[derive(Debug)]
pub struct BindingRequest<'a> {
    message: Message<'a>,
    /// How it is signed, and the response will be.
    signed: Option<IntegrityAlgorithm>,
}

impl BindingKey {
    /// The key that a password is (RFC 8489, section 9.1.1).
    pub fn new(password: &str) -> Self {
        Self(ShortTermCredentials::new(password.to_owned()).make_key())
    }
}

impl<'a> BindingRequest<'a> {
    /// Reads a request, and judges what signs it by `key`.
    ///
    /// # Errors
    /// Where there is nothing to answer.
    pub fn decode(datagram: &'a [u8], key: &BindingKey) -> Result<Self, BindingError> {
        quietly(|| Self::read(datagram, key))
    }

    fn read(datagram: &'a [u8], key: &BindingKey) -> Result<Self, BindingError> {
        let message = Message::from_bytes(datagram).map_err(|_| BindingError::NoRequest)?;
        let header = MessageHeader::from_bytes(datagram).map_err(|_| BindingError::NoRequest)?;
        let whole = MessageHeader::LENGTH + usize::from(header.data_length()) == datagram.len();
        if !whole || !message.has_class(MessageClass::Request) || !message.has_method(BINDING) {
            return Err(BindingError::NoRequest);
        }
        let signatures = [MessageIntegrity::TYPE, MessageIntegritySha256::TYPE];
        let signed = match signatures.into_iter().any(|kind| message.has_attribute(kind)) {
            true => Some(
                message
                    .validate_integrity_with_key(&key.0)
                    .map_err(|_| BindingError::WrongIntegrity)?,
            ),
            false => None,
        };
        Ok(Self { message, signed })
    }

    /// Writes the response to `out`, which must be empty: who asks (XOR-MAPPED-ADDRESS), or which
    /// attributes are not known, signed and with a fingerprint where the request is.
    pub fn respond(&self, from: SocketAddr, key: &BindingKey, out: &mut Vec<u8>) {
        out.resize(MAX_RESPONSE, 0);
        // It fits, so this writes nothing that it then takes back.
        let len = self.write(from, key, MessageWriteMutSlice::new(out)).unwrap_or(0);
        out.truncate(len);
    }

    fn write(
        &self,
        from: SocketAddr,
        key: &BindingKey,
        to: MessageWriteMutSlice<'_>,
    ) -> Result<usize, StunWriteError> {
        let mut unknown = [0; 2 * MAX_UNKNOWN];
        let unknown = self.unknown(&mut unknown);
        let mut response = if unknown.is_empty() {
            let mut response = Message::builder_success(&self.message, to);
            let id = self.message.transaction_id();
            response.add_attribute(&XorMappedAddress::new(from, id))?;
            response
        } else {
            let mut response = Message::builder_error(&self.message, to);
            response.add_attribute(&RawAttribute::new(ErrorCode::TYPE, &[0, 0, 4, 20]))?;
            response.add_attribute(&RawAttribute::new(UnknownAttributes::TYPE, unknown))?;
            response
        };
        if let Some(algorithm) = self.signed {
            response.add_message_integrity_with_key(&key.0, algorithm)?;
        }
        if self.message.has_attribute(Fingerprint::TYPE) {
            response.add_fingerprint()?;
        }
        Ok(response.finish())
    }

    /// Puts the types that must be understood and are not into `room`, as many as fit.
    fn unknown<'b>(&self, room: &'b mut [u8; 2 * MAX_UNKNOWN]) -> &'b [u8] {
        let kinds = self.message.iter_attributes().map(|(_, attribute)| attribute.get_type());
        let unknown = kinds.filter(|kind| kind.comprehension_required() && !KNOWN.contains(kind));
        let mut len = 0;
        for (kind, place) in unknown.zip(room.chunks_exact_mut(2)) {
            place.copy_from_slice(&kind.value().to_be_bytes());
            len += 2;
        }
        &room[..len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample request of RFC 5769, section 2.1, and the password that it is signed with.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\
        \xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\
        \x00\x24\x00\x04\x6e\x00\x01\xff\
        \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09evtj:h6vY   \
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    fn respond(request: &[u8], from: &str) -> Result<Vec<u8>, BindingError> {
        let (key, mut out) = (BindingKey::new(PASSWORD), Vec::new());
        BindingRequest::decode(request, &key)?.respond(from.parse().unwrap(), &key, &mut out);
        Ok(out)
    }

    #[test]
    fn the_sample_request_gets_the_attributes_of_the_sample_responses() {
        // RFC 5769, sections 2.2 and 2.3.
        let cases: [(&str, &[u8]); 2] = [
            ("192.0.2.1:32853", b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"),
            (
                "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
                b"\x00\x20\x00\x14\x00\x02\xa1\x47\
                  \x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9",
            ),
        ];
        for (from, mapped) in cases {
            let response = respond(SAMPLE, from).unwrap();
            let len = (mapped.len() + 24 + 8) as u8;
            assert_eq!(
                response[..4],
                [1, 1, 0, len],
                "signed, with a fingerprint: {response:02x?}"
            );
            assert_eq!(response[4..20], SAMPLE[4..20]);
            assert_eq!(response[20..][..mapped.len()], *mapped);
            // Which judges the fingerprint, too.
            let read = Message::from_bytes(&response).unwrap();
            assert!(read.has_attribute(Fingerprint::TYPE));
            let key = ShortTermCredentials::new(PASSWORD.to_owned()).make_key();
            assert!(read.validate_integrity_with_key(&key).is_ok());
        }
    }

    #[test]
    fn a_plain_request_gets_a_plain_response() {
        let request = super::super::binding_request(7);
        let response = respond(&request, "192.0.2.1:32853").unwrap();
        assert_eq!(response.len(), 32);
        assert_eq!(super::super::binding_response(&response), Some(7));
    }

    #[test]
    fn what_must_be_understood_and_is_not_is_told() {
        for count in 1..=20_u8 {
            let mut request = super::super::binding_request(7);
            for n in 1..=count {
                request.extend([0x7f, n, 0, 0]); // of a kind that nobody knows
                request.extend([0xff, n, 0, 0]); // nobody need know that one
            }
            request[3] = (request.len() - 20) as u8;
            let response = respond(&request, "192.0.2.1:32853").unwrap();
            assert_eq!(response[..2], [1, 0x11], "an error");
            assert_eq!(response[20..28], [0, 9, 0, 4, 0, 0, 4, 20]);
            let told = usize::from(count).min(MAX_UNKNOWN);
            assert_eq!(response[28..32], [0, 10, 0, 2 * told as u8]);
            assert_eq!(response[32..34], [0x7f, 1]);
            assert!(response.len() <= request.len() + 12);
        }
    }

    #[test]
    fn what_is_wrongly_signed_or_no_whole_request_gets_none() {
        let error = |request: &[u8]| respond(request, "192.0.2.1:1").unwrap_err();
        let changed = |at: usize, to: u8| {
            let mut request = SAMPLE.to_vec();
            request[at] = to;
            request
        };
        assert_eq!(error(&changed(107, 0)), BindingError::NoRequest, "another fingerprint");
        let unprinted = [&[0, 1, 0, 0x50], &SAMPLE[4..100]].concat();
        let mut response = respond(&unprinted, "192.0.2.1:1").unwrap();
        assert_eq!(response.len(), 56, "signed, and no fingerprint");
        assert_eq!(error(&response), BindingError::NoRequest, "a response");
        response.clear();
        let mut wrong = unprinted.clone();
        wrong[99] ^= 1;
        assert_eq!(error(&wrong), BindingError::WrongIntegrity);
        assert_eq!(error(&[SAMPLE, &[0; 4]].concat()), BindingError::NoRequest, "too long");
        assert_eq!(error(&SAMPLE[..100]), BindingError::NoRequest, "too short");
        assert_eq!(error(&changed(1, 0x11)), BindingError::NoRequest, "an indication");
        assert_eq!(error(&changed(1, 3)), BindingError::NoRequest, "Allocate");
    }
}
