//! The part of Protocol Buffers' encoding that the wire uses
//! (protobuf.dev, "Encoding"): no groups, which proto3 does not have.

use super::DecodeError;

/// The value of one field.
pub(super) enum FieldValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> FieldValue<'a> {
    pub(super) fn uint32(self) -> Result<u32, DecodeError> {
        // Readers of a uint32 keep the low 32 bits ("Encoding", updating a message type).
        self.varint().map(|value| value as u32)
    }

    pub(super) fn boolean(self) -> Result<bool, DecodeError> {
        self.varint().map(|value| value != 0)
    }

    pub(super) fn varint(self) -> Result<u64, DecodeError> {
        if let Self::Varint(value) = self { Ok(value) } else { Err(DecodeError::Malformed) }
    }

    pub(super) fn fixed64(self) -> Result<u64, DecodeError> {
        if let Self::Fixed64(value) = self { Ok(value) } else { Err(DecodeError::Malformed) }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], DecodeError> {
        if let Self::Bytes(value) = self { Ok(value) } else { Err(DecodeError::Malformed) }
    }
}

/// Iterates over the fields of a message.
///
/// All of it is put in line, which makes it twice as fast: else each field goes through memory.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, FieldValue<'a>), DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() { None } else { Some(self.field()) }
    }
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn field(&mut self) -> Result<(u32, FieldValue<'a>), DecodeError> {
        let key = u32::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
        let value = match key & 7 {
            0 => FieldValue::Varint(self.varint()?),
            1 => FieldValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
                FieldValue::Bytes(self.take(len)?)
            }
            5 => {
                self.take(4)?;
                FieldValue::Fixed32
            }
            _ => return Err(DecodeError::Malformed),
        };
        match key >> 3 {
            0 => Err(DecodeError::Malformed),
            number => Ok((number, value)),
        }
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        // Keys and most lengths are one byte.
        match self.0 {
            [byte @ ..0x80, rest @ ..] => {
                self.0 = rest;
                Ok((*byte).into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        let mut rest = self.0;
        let mut shift = 0;
        while let [byte, after @ ..] = rest {
            rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                if shift == 63 && *byte > 1 {
                    break; // more than 64 bits
                }
                self.0 = rest;
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                break;
            }
        }
        Err(DecodeError::Malformed)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(head)
    }
}

/// Writes a field of 7-bit groups; the default, 0, is left out.
pub(super) fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_raw(out, u64::from(number << 3));
        put_raw(out, value);
    }
}

/// Writes a field of 8 bytes; the default, 0, is left out.
pub(super) fn put_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_raw(out, u64::from(number << 3 | 1));
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Writes a field of bytes, also where they are none: an empty message is a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_raw(out, u64::from(number << 3 | 2));
    put_raw(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a message as a field, in place: its body behind a byte for its length, as most take one.
pub(super) fn put_message(out: &mut Vec<u8>, number: u32, body: impl FnOnce(&mut Vec<u8>)) {
    put_raw(out, u64::from(number << 3 | 2));
    let at = out.len();
    out.push(0);
    body(out);
    let len = out.len() - at - 1;
    if len < 0x80 {
        out[at] = len as u8;
    } else {
        let mut length = Vec::new();
        put_raw(&mut length, len as u64);
        out.splice(at..=at, length);
    }
}

/// Writes a bare varint.
pub(super) fn put_raw(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes bytes as a field, exactly `gap` bytes of it. One or two bytes cannot be a field with
/// content, so a gap that small stays empty.
pub(super) fn put_padding(out: &mut Vec<u8>, number: u32, gap: usize) {
    let Some(len @ 0..=0x3fff) = gap.checked_sub(3) else {
        return;
    };
    put_raw(out, u64::from(number << 3 | 2));
    // Always two bytes of length, so that each gap can be met.
    out.extend_from_slice(&[len as u8 | 0x80, (len >> 7) as u8]);
    out.resize(out.len() + len, 0);
}
