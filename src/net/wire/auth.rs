//! Who has sent a datagram: a tag at its end that only the holders of a key can make.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes that a tag adds: `Auth` as field 16, always the last one of its datagram.
pub const TRAILER: usize = 26;

/// What stands before the id of the key, and between that and the tag: field 16 with 23 bytes,
/// its fields 1 with 4 bytes and 2 with 16. All lengths are fixed, so these never differ.
const HEAD: [u8; 4] = [0x82, 0x01, 0x17, 0x0d];
const MIDDLE: [u8; 2] = [0x12, 0x10];

/// What a datagram is signed for: a tag made for one purpose is wrong for any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A heartbeat.
    Ping,
    /// The answer to a heartbeat that was refused.
    Pong,
    /// A check.
    Probe,
    /// The answer to a check.
    Reply,
}

impl Purpose {
    /// What is signed before the datagram itself. None begins with another.
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Ping => b"tb1 ping",
            Self::Pong => b"tb1 pong",
            Self::Probe => b"tb1 probe",
            Self::Reply => b"tb1 reply",
        }
    }
}

/// A secret that the servers of a cascade share, and its number. It is never shown.
#[derive(Clone)]
pub struct Key {
    id: u32,
    mac: Hmac<Sha256>,
}

impl Key {
    /// A key from its number and its secret.
    pub fn new(id: u32, secret: &[u8; 32]) -> Self {
        // HMAC fills a key up to a block with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self { id, mac: Hmac::new(&block.into()) }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether another one has the same number and the same secret.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let digest = |key: &Self| key.digest(b"which key is this?");
        self.id == other.id && digest(self) == digest(other)
    }

    /// Ends a datagram, which starts at `start` of these bytes, with a tag.
    pub fn sign(&self, purpose: Purpose, datagram: &mut Vec<u8>, start: usize) {
        let tag = self.tag(purpose, &datagram[start..]).finalize().into_bytes();
        datagram.extend_from_slice(&HEAD);
        datagram.extend_from_slice(&self.id.to_le_bytes());
        datagram.extend_from_slice(&MIDDLE);
        datagram.extend_from_slice(&tag[..16]);
    }

    /// A number that only this key makes of these bytes.
    pub(crate) fn digest(&self, bytes: &[u8]) -> u64 {
        let digest = self.mac.clone().chain_update(bytes).finalize().into_bytes();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn has_made(&self, tag: &[u8; 16], purpose: Purpose, message: &[u8]) -> bool {
        planted!(TagIgnored => true);
        self.tag(purpose, message).verify_truncated_left(tag).is_ok()
    }

    fn tag(&self, purpose: Purpose, message: &[u8]) -> Hmac<Sha256> {
        let mac = self.mac.clone().chain_update(purpose.prefix()).chain_update(message);
        mac.chain_update(self.id.to_le_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys of a server: the first one signs, all are accepted.
#[derive(Debug, Clone, Default)]
pub struct Keys(Arc<[Key]>);

/// What stands at the end of a datagram.
#[derive(Debug)]
pub enum Tag<'a> {
    /// No tag at all.
    Absent,
    /// One that is not made with any of the keys for this purpose.
    Wrong,
    /// One made with this key.
    Right(&'a Key),
}

impl Keys {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that signs.
    pub fn active(&self) -> Option<&Key> {
        self.0.first()
    }

    /// All, the one that signs first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// The one with this number.
    pub fn get(&self, id: u32) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }

    /// The one that a datagram says it is signed with.
    pub fn key_of(&self, datagram: &[u8]) -> Option<&Key> {
        let (_, id, _) = split(datagram)?;
        self.get(id)
    }

    /// The number of the key that a datagram says it is signed with, whether there is one here or not.
    pub fn number_of(&self, datagram: &[u8]) -> Option<u32> {
        split(datagram).map(|(_, id, _)| id)
    }

    /// Judges the tag of a datagram, in a time that says nothing of the tag that were right.
    pub fn judge(&self, purpose: Purpose, datagram: &[u8]) -> Tag<'_> {
        let Some((message, id, tag)) = split(datagram) else {
            return Tag::Absent;
        };
        match self.get(id) {
            Some(key) if key.has_made(tag, purpose, message) => Tag::Right(key),
            _ => Tag::Wrong,
        }
    }
}

/// The datagram before its tag, the number of the key, and the tag.
fn split(datagram: &[u8]) -> Option<(&[u8], u32, &[u8; 16])> {
    let (rest, tag) = datagram.split_last_chunk::<16>()?;
    let (rest, middle) = rest.split_last_chunk::<2>()?;
    let (rest, id) = rest.split_last_chunk::<4>()?;
    let (message, head) = rest.split_last_chunk::<4>()?;
    (*head == HEAD && *middle == MIDDLE).then(|| (message, u32::from_le_bytes(*id), tag))
}
