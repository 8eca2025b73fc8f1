//! What stands in a key file.

use std::path::Path;

use super::error::KeyError;

/// More than a key in any form takes, with what editors and shells add.
pub(super) const MAX_BYTES: usize = 128;

/// The secret in a file that has this content, or the first bytes of it.
pub(super) fn secret(file: &Path, content: &[u8]) -> Result<[u8; 32], KeyError> {
    let bytes = bytes(content).ok_or_else(|| what_is_wrong(file, content))?;
    if bytes == [0; 32] {
        return Err(KeyError::Zero { file: file.to_owned() });
    }
    Ok(bytes)
}

fn bytes(content: &[u8]) -> Option<[u8; 32]> {
    if let Ok(raw) = content.try_into() {
        return Some(raw);
    }
    let digits = content.strip_suffix(b"\n").unwrap_or(content);
    digits_of(digits.strip_suffix(b"\r").unwrap_or(digits))
}

fn digits_of(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    let bytes: Option<Vec<_>> = pairs.iter().map(byte).collect();
    bytes?.try_into().ok().filter(|_| rest.is_empty())
}

fn what_is_wrong(file: &Path, content: &[u8]) -> KeyError {
    let (file, trimmed) = (file.to_owned(), content.trim_ascii_end());
    match trimmed {
        _ if content.len() > MAX_BYTES => KeyError::Length { file, bytes: None },
        text if is_base64(text) => KeyError::Base64 { file },
        text if digits_of(text).is_some() => KeyError::Blanks { file, key: 64 },
        _ if content.get(32..).is_some_and(is_line_end) => KeyError::Blanks { file, key: 32 },
        text if text.len() == 64 => KeyError::NoKey { file },
        _ => KeyError::Length { file, bytes: Some(content.len()) },
    }
}

/// Whether this is what an editor or a shell ends a line with, and a blank perhaps.
fn is_line_end(rest: &[u8]) -> bool {
    (1..=3).contains(&rest.len()) && rest.trim_ascii().is_empty()
}

/// Whether it is 32 bytes in base64 (RFC 4648, section 4), with the padding or without.
fn is_base64(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len() == 43 && text.iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_digits_are_keys() {
        let key: [u8; 32] = std::array::from_fn(|index| 0xf0 ^ index as u8);
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes(&key), Some(key));
        for end in ["", "\n", "\r\n"] {
            assert_eq!(bytes(format!("{digits}{end}").as_bytes()), Some(key));
            assert_eq!(bytes(format!("{}{end}", digits.to_uppercase()).as_bytes()), Some(key));
        }
        let wrong = ["\n\n", " ", "0", "00", "zz"].map(|end| format!("{digits}{end}"));
        for text in wrong.iter().chain([&digits[1..].to_owned(), &"g".repeat(64)]) {
            assert_eq!(bytes(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(bytes(&key[1..]), None);
        assert_eq!(bytes(&[0; 33]), None);
    }
}
