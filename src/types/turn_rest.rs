//! Credentials of TURN servers, and how they are minted from a secret that is shared with one
//! (draft-uberti-behave-turn-rest-00, coturn's `use-auth-secret`).

use std::fmt;

use hmac::{Hmac, Mac};
use sha1::Sha1;

/// The user and the password that a TURN server asks for. The password is not shown.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnCredentials {
    /// The user; of minted ones `<unix time of their end>:<name>`.
    pub username: String,
    /// The password.
    pub password: String,
}

impl TurnCredentials {
    /// These two.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

impl fmt::Debug for TurnCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TurnCredentials");
        shown.field("username", &self.username).finish_non_exhaustive()
    }
}

/// A secret that is shared with a TURN server: who has it makes credentials that the server believes,
/// and that end by themselves. It is never shown.
///
/// ```
/// use turn_balance::TurnSecret;
///
/// let minted = TurnSecret::new("north-wind").mint(1_795_778_101, "tb");
/// assert_eq!(minted.username, "1795778101:tb");
/// assert_eq!(minted.password, "7Vp3O53nA5eDKBBRv3hr53fsI5k=");
/// ```
#[derive(Clone)]
pub struct TurnSecret(Hmac<Sha1>);

impl TurnSecret {
    /// The secret in these bytes: of coturn's `static-auth-secret` all between `=` and the end of the
    /// line.
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        Self(Hmac::new(&block_of(secret.as_ref())))
    }

    /// Credentials that end at a time (seconds since 1970), for whoever `name` is; it may be empty.
    pub fn mint(&self, expiry_unix: u64, name: &str) -> TurnCredentials {
        let username = match name {
            "" => expiry_unix.to_string(),
            name => format!("{expiry_unix}:{name}"),
        };
        let mac = self.0.clone().chain_update(&username).finalize().into_bytes();
        TurnCredentials { username, password: base64(&mac) }
    }
}

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnSecret").finish_non_exhaustive()
    }
}

/// The block that stands for a key (RFC 2104, section 2): filled up with zeros, and a longer one
/// hashed before.
fn block_of(secret: &[u8]) -> hmac::digest::Key<Hmac<Sha1>> {
    use sha1::Digest;
    let mut block = hmac::digest::Key::<Hmac<Sha1>>::default();
    let hashed = Sha1::digest(secret);
    let key = if secret.len() > block.len() { &hashed[..] } else { secret };
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}

/// Base64 with its padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let is_there = digit <= three.len();
            text.push(if is_there { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf USER | openssl dgst -sha1 -hmac SECRET -binary | base64`.
    #[test]
    fn credentials_are_those_that_openssl_makes() {
        let long: Vec<u8> = (0..100).collect();
        let vectors: [(&[u8], u64, &str, &str, &str); 3] = [
            (b"north-wind", 1_795_778_101, "tb", "1795778101:tb", "7Vp3O53nA5eDKBBRv3hr53fsI5k="),
            (b"north-wind", 1_795_778_101, "", "1795778101", "lG68IZ8TxPxncL/hx5DovrOXgGA="),
            (&long, 0, "a:b", "0:a:b", "SVd2FFy7fvK+/VGultG7nXN98po="),
        ];
        for (secret, expiry, name, username, password) in vectors {
            let minted = TurnSecret::new(secret).mint(expiry, name);
            assert_eq!(minted, TurnCredentials::new(username, password));
        }
    }

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let secret = TurnSecret::new("north-wind");
        let shown = format!("{secret:?} {:?}", secret.mint(1, "tb"));
        assert_eq!(shown, "TurnSecret { .. } TurnCredentials { username: \"1:tb\", .. }");
    }
}
