//! Where messages end in a stream (RFC 8656, section 3.3).

use stun_types::message::{MAGIC_COOKIE, MessageHeader};

use super::MAX_TURN_MESSAGE;

/// What a stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// A beginning.
    Part,
    /// A message of this length.
    Message(usize),
    /// Data of a channel, of this length with its padding.
    ChannelData(usize),
    /// What is neither, or longer than is read.
    Strange,
}

/// What stands first in what has come by a stream.
pub fn framed(stream: &[u8]) -> Framed {
    let &[first, _, high, low, ref rest @ ..] = stream else {
        let strange = stream.first().is_some_and(|first| *first >= 0x80);
        return if strange { Framed::Strange } else { Framed::Part };
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    let begins = |cookie: [u8; 4]| cookie.starts_with(&rest[..rest.len().min(4)]);
    let (whole, framed): (_, fn(usize) -> Framed) = match first >> 6 {
        0 if len.is_multiple_of(4) && begins(MAGIC_COOKIE.to_be_bytes()) => {
            (MessageHeader::LENGTH + len, Framed::Message)
        }
        1 => (4 + len.next_multiple_of(4), Framed::ChannelData),
        _ => return Framed::Strange,
    };
    match whole {
        whole if whole > MAX_TURN_MESSAGE => Framed::Strange,
        whole if whole > stream.len() => Framed::Part,
        whole => framed(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_where_they_say() {
        let binding = super::super::binding_request(7);
        for cut in 0..binding.len() {
            assert_eq!(framed(&binding[..cut]), Framed::Part, "{cut}");
        }
        assert_eq!(framed(&[&binding[..], &[9]].concat()), Framed::Message(20));
        let data = [0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0];
        assert_eq!(framed(&data), Framed::Part);
        assert_eq!(framed(&[&data[..], &[0, 0]].concat()), Framed::ChannelData(12));
    }

    #[test]
    fn what_is_no_message_is_seen_soon() {
        let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        assert_eq!(framed(http), Framed::Strange, "longer than any");
        assert_eq!(framed(b"\x80"), Framed::Strange);
        assert_eq!(framed(b"\x01\x01\0\x01"), Framed::Strange, "no multiple of 4");
        assert_eq!(framed(b"\x01\x01\0\x04\x21\x13"), Framed::Strange, "another cookie");
        assert_eq!(framed(b"\x01\x01\xf0\0\x21\x12\xa4\x42"), Framed::Strange, "too long");
    }
}
