//! What is read by its bytes is read as field by field.

use proptest::prelude::*;

use super::{Extras, Probe, Request, RequestBody, View, stun};

fn read_alike(datagram: &[u8]) -> Result<(), TestCaseError> {
    if let Some((id, probe)) = Probe::decode_usual(datagram) {
        let request = Request { id: id.get(), body: RequestBody::Probe(probe) };
        prop_assert_eq!(Request::decode(datagram), Ok(request));
        prop_assert!(!stun::is_stun(datagram));
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_usual_form_is_read_like_any(
        id: u32,
        bits in 0..=32u32,
        nonce: u64,
        cookie in proptest::collection::vec(any::<u8>(), 0..80),
        subordinates: bool,
        names: bool,
        extras: (bool, bool, bool, bool),
        size in 0..500usize,
        strokes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let id = id.checked_shr(bits).unwrap_or(0);
        let view = if subordinates { View::Subordinates } else { View::Flat };
        let (urls, down, labels, of) = extras;
        let urls_of = of.then(|| ([192, 0, 2, 7], 3478).into());
        let extras = Extras { urls, down, labels };
        let probe = Probe { nonce, cookie: &cookie, view, names, extras, urls_of };
        let request = Request { id, body: RequestBody::Probe(probe) };
        let mut datagram = request.encode(size);
        let usual = Probe::decode_usual(&datagram);
        let is_usual = id != 0 && nonce != 0 && !(urls || down || labels || of);
        prop_assert_eq!(usual.is_some(), is_usual);
        prop_assert_eq!(Request::decode(&datagram), Ok(request));
        for end in 0..datagram.len() {
            read_alike(&datagram[..end])?;
        }
        for (at, byte) in strokes {
            // Near its beginning, where it has more than padding.
            let at = at.index(datagram.len().min(40));
            datagram[at] = byte;
            read_alike(&datagram)?;
        }
    }

    #[test]
    fn any_bytes_are_read_alike(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        keys in proptest::collection::vec(
            prop::sample::select(&[0x08, 0x12, 0x51, 0x5a, 0x60, 0x68, 0x7a, 0, 1, 9, 0x80][..]),
            0..60,
        ),
    ) {
        read_alike(&bytes)?;
        read_alike(&keys)?;
        read_alike(&[&[0x08][..], &bytes].concat())?;
        read_alike(&[&[0x08, 1, 0x12, bytes.len() as u8 + 9, 0x51], &[7; 8][..], &keys].concat())?;
    }
}
