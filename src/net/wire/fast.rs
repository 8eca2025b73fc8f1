//! What is read and written by its bytes: an answer takes a few hundred instructions in all. The
//! rest of the codec goes field by field, and reads and writes this alike.
//!
//! A probe, as [`Request::encode`](super::Request::encode) writes all but those with the id 0 or
//! without a nonce (hexadecimal, with the numbers of the fields below):
//!
//! ```text
//!   08 i..    12 b    51 n n n n n n n n   5a c ....   60 01     68 01   7a p p 00 00 ...
//! +---------+-------+--------------------+-----------+---------+-------+-----------------+
//! | 1: id,  | 2:    | 10: nonce,         | 11:       | 12: the | 13:   | 15: padding,    |
//! | as a    | body, | lowest byte first  | cookie,   | direct  | names | p bytes, a      |
//! | varint  | b long|                    | c long    | list    |       | 2-byte varint   |
//! +---------+-------+--------------------+-----------+---------+-------+-----------------+
//!                   |<------------------------ b --------------------->|
//!   always    always  always               or absent   or absent or absent or absent
//! ```
//!
//! An answer. All but its frame is a copy of what was encoded before anybody asked:
//!
//! ```text
//!   08 i..    12 b...  19 n n n n n n n n   ...
//! +---------+---------+-------------------+----------------------------------------------+
//! | 1: id,  | 2: body,| 3: nonce, absent  | tail: the list, its total, the server's name,|
//! | as it   | b long, | where it is 0     | state and version, the round-trip times      |
//! | came    | 1 to 3  |                   |                                              |
//! +---------+---------+-------------------+----------------------------------------------+
//!                     |<----------------------------- b -------------------------------->|
//! |<------ frame, 18 bytes at most ------>|
//! ```

use super::probe::{Extras, Probe, View};

/// The bytes before the tail of an answer at most: its id, the body's key and length, the nonce.
pub const FRAME: usize = BARE_FRAME + NONCE;

/// Those of an answer without a nonce.
pub const BARE_FRAME: usize = 6 + 1 + 2;

/// Bytes of a nonce with its key.
const NONCE: usize = 1 + 8;

impl<'a> Probe<'a> {
    /// Reads a whole request that has the form of the picture, in one go. `None`: it has another,
    /// and may still be a probe.
    #[inline(always)]
    pub fn decode_usual(datagram: &'a [u8]) -> Option<(Id, Self)> {
        let (id, rest) = Id::split(datagram)?;
        let ([0x12, len @ 9..0x80, 0x51, nonce @ ..], rest) = rest.split_first_chunk::<11>()?
        else {
            return None;
        };
        let (body, padding) = rest.split_at_checked(usize::from(*len) - 9)?;
        match padding {
            [] => {}
            [0x7a, low @ 0x80..=0xff, high @ ..0x80, zeros @ ..]
                if zeros.len() == usize::from(low & 0x7f) | usize::from(*high) << 7 => {}
            _ => return None,
        }
        let (cookie, body) = match body {
            [0x5a, len @ ..0x80, rest @ ..] => rest.split_at_checked(usize::from(*len))?,
            _ => (&[][..], body),
        };
        let (view, names) = match body {
            [] => (View::Flat, false),
            [0x68, 1] => (View::Flat, true),
            [0x60, 1] => (View::Subordinates, false),
            [0x60, 1, 0x68, 1] => (View::Subordinates, true),
            _ => return None,
        };
        let nonce = u64::from_le_bytes(*nonce);
        Some((id, Self { nonce, cookie, view, names, extras: Extras::default(), urls_of: None }))
    }
}

/// Appends the frame of an answer, for a tail of so many bytes.
#[inline(always)]
pub fn frame(out: &mut Vec<u8>, id: Id, nonce: u64, tail: usize) {
    // Put together here, for a vector looks for room at each byte. What is written past the end
    // of each part is overwritten by the next one, or cut off.
    let start = out.len();
    out.extend_from_slice(&[0; 32]);
    let Some(head) = out.last_chunk_mut::<32>() else { return };
    head[..8].copy_from_slice(&id.word.to_le_bytes());
    let mut len = id.len;
    let nonce_len = if nonce == 0 { 0 } else { NONCE };
    let (word, size) = varint_word((nonce_len + tail) as u32);
    let word = 2 << 3 | 2 | word << 8 | (3 << 3 | 1) << (8 + 8 * size);
    len %= 8; // it is 6 at most: now also for the compiler
    head[len..len + 8].copy_from_slice(&word.to_le_bytes());
    len += 1 + size % 8;
    if nonce != 0 {
        head[len + 1..len + 9].copy_from_slice(&nonce.to_le_bytes());
        len += NONCE;
    }
    out.truncate(start + len);
}

/// The id of a request, as it stands in the datagram: what goes back is not read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// Field 1 with its key as the lowest bytes.
    word: u64,
    /// How many bytes of it count; 0 where the id is 0 and left out.
    len: usize,
}

impl Id {
    /// Splits it off the beginning of a datagram, without a loop over its bytes. `None`: that begins
    /// with anything else, or has fewer than eight bytes.
    #[inline(always)]
    fn split(datagram: &[u8]) -> Option<(Self, &[u8])> {
        let word = u64::from_le_bytes(*datagram.first_chunk()?);
        let ends = !word & 0x8080_8080_8000; // those of five bytes that say they are the last
        if word as u8 != 0x08 || ends == 0 {
            return None;
        }
        let len = ends.trailing_zeros() as usize / 8 + 1;
        Some((Self { word: word & (ends ^ (ends - 1)), len }, datagram.get(len..)?))
    }

    /// The number that it is.
    pub fn get(self) -> u32 {
        // Readers of a uint32 keep the low 32 bits (protobuf.dev, "Encoding").
        (0..5).fold(0, |id, n| id | (self.word >> (8 * n + 8) & 0x7f) << (7 * n)) as u32
    }
}

impl From<u32> for Id {
    fn from(id: u32) -> Self {
        let (word, len) = varint_word(id);
        if id == 0 {
            Self { word: 0, len: 0 }
        } else {
            Self { word: 0x08 | word << 8, len: 1 + len }
        }
    }
}

/// A varint as the low bytes of a word, and how many they are.
#[inline(always)]
fn varint_word(value: u32) -> (u64, usize) {
    let value = u64::from(value);
    match value {
        0..0x80 => (value, 1),
        0x80..0x4000 => (value & 0x7f | 0x80 | value >> 7 << 8, 2),
        _ => {
            let len = (value.ilog2() as usize) / 7 + 1;
            let groups = (0..5).fold(0, |word, n| word | (value >> (7 * n) & 0x7f) << (8 * n));
            (groups | 0x80_8080_8080 & ((1 << (8 * (len - 1))) - 1), len)
        }
    }
}
