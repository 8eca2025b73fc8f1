use super::proto::varint_word;

/// The id of a request, as it stands in the datagram: what goes back is not read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// Field 1 with its key as the lowest bytes.
    word: u64,
    /// How many bytes of it count; none where the id is 0 and left out.
    len: usize,
}

impl Id {
    /// Bytes that it takes at most.
    pub const MAX_LEN: usize = 6;

    /// Splits it off the beginning of a datagram, without a turn for each byte. None where that begins
    /// with anything else, and where fewer than eight bytes are left.
    #[inline(always)]
    pub(super) fn split(datagram: &[u8]) -> Option<(Self, &[u8])> {
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

    /// Its bytes, behind which there are zeros, and how many they are.
    pub(super) fn word(self) -> (u64, usize) {
        (self.word, self.len)
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
