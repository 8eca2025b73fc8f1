//! Only who has the key makes a tag, and it holds for these bytes and this purpose alone.

use turn_balance::internals::wire::auth::{Key, Keys, Purpose, TRAILER, Tag};
use turn_balance::internals::wire::{DecodeError, Request, Response};

use super::input::Input;

const PURPOSES: [Purpose; 4] = [Purpose::Ping, Purpose::Pong, Purpose::Probe, Purpose::Reply];

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (signer, purpose) = (input.below(3), PURPOSES[input.below(4)]);
    let (at, stroke) = (input.number() as usize, input.byte());
    let message = input.bytes();
    let all = [Key::new(1, &[1; 32]), Key::new(2, &[2; 32]), Key::new(1, &[3; 32])];
    let keys = Keys::new(all[..2].iter().cloned());
    let right = |purpose, datagram: &[u8]| match keys.judge(purpose, datagram) {
        Tag::Right(key) => Some(key.id()),
        Tag::Wrong | Tag::Absent => None,
    };
    for purpose in PURPOSES {
        assert_eq!(right(purpose, message), None, "nobody has signed it");
    }

    let mut signed = b"before".to_vec();
    signed.extend_from_slice(message);
    all[signer].sign(purpose, &mut signed, 6);
    let mut signed = signed.split_off(6);
    assert_eq!(signed.len(), message.len() + TRAILER);
    let expected = (signer < 2).then(|| all[signer].id());
    for judged in PURPOSES {
        assert_eq!(right(judged, &signed), expected.filter(|_| judged == purpose));
    }
    assert!(matches!(Keys::default().judge(purpose, &signed), Tag::Wrong));
    // Who has no keys reads it as it was, unless it ended within a field.
    let plain = (Request::decode(message), Response::decode(message));
    if plain.0 != Err(DecodeError::Malformed) {
        assert_eq!(Request::decode(&signed), plain.0);
    }
    if plain.1 != Err(DecodeError::Malformed) {
        assert_eq!(Response::decode(&signed), plain.1);
    }

    let at = at % signed.len();
    signed[at] ^= stroke;
    assert_eq!(right(purpose, &signed), expected.filter(|_| stroke == 0), "{stroke} at {at}");
    signed[at] ^= stroke;
    signed.truncate(at);
    assert_eq!(right(purpose, &signed), None, "{at} bytes of it");
}
