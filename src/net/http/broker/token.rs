//! Tokens: what a back end makes for a page, so that it can ask by itself for a while.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far ahead a token may end: who finds one has it for no longer.
const LONGEST: u64 = 24 * 60 * 60;

/// The longest name of a user, and the longest token: more digits than a time has, a name, 43 of base64.
const MAX_USER: usize = 64;
const MAX_TOKEN: usize = 20 + 1 + MAX_USER + 1 + 43;

/// What tokens are made with. It is never shown.
#[derive(Clone)]
pub(super) struct TokenSecret(Hmac<Sha256>);

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenFault {
    /// It is none, or was not made with this secret.
    Forged,
    /// It was good.
    Expired,
    /// It would be good for more than a day.
    TooFar,
}

impl TokenSecret {
    /// The secret in these bytes.
    pub(super) fn new(secret: &[u8]) -> Self {
        // A key of any length is one (RFC 2104, section 2): the other one is never taken.
        let mac = Hmac::new_from_slice(secret);
        Self(mac.unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// Whose token it is, at this time (seconds since 1970): `EXPIRY.USER.MAC`, where the MAC is that of what
    /// stands before its dot, in base64url without padding.
    ///
    /// # Errors
    /// [`TokenFault`]. Of one that was not made with the secret nothing else is said.
    pub(super) fn judge<'a>(&self, token: &'a str, now: u64) -> Result<&'a str, TokenFault> {
        let (signed, mac) = token.rsplit_once('.').ok_or(TokenFault::Forged)?;
        let (expiry, user) = signed.split_once('.').ok_or(TokenFault::Forged)?;
        let mac = decoded(mac).ok_or(TokenFault::Forged)?;
        if token.len() > MAX_TOKEN || !is_user(user) {
            return Err(TokenFault::Forged);
        }
        let plain = !expiry.is_empty() && expiry.bytes().all(|byte| byte.is_ascii_digit());
        let expiry: u64 = expiry.parse().ok().filter(|_| plain).ok_or(TokenFault::Forged)?;
        // In constant time.
        let judged = self.0.clone().chain_update(signed).verify_slice(&mac);
        match judged {
            Err(_) => Err(TokenFault::Forged),
            Ok(()) if expiry <= now => Err(TokenFault::Expired),
            Ok(()) if expiry > now.saturating_add(LONGEST) => Err(TokenFault::TooFar),
            Ok(()) => Ok(user),
        }
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSecret").finish_non_exhaustive()
    }
}

/// Whether it may stand in a token.
fn is_user(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=MAX_USER).contains(&text.len()) && text.bytes().all(plain)
}

/// The 32 bytes that are written so (RFC 4648, section 5). Bits that stand for none must be 0: a MAC is
/// written in one way.
fn decoded(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().take(44).map(digit).collect::<Option<_>>()?;
    if digits.len() != 43 {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(32), 0_u32, 0);
    for digit in digits {
        (bits, held) = (bits << 6 | u32::from(digit), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes.try_into().ok().filter(|_| bits == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: &str, signed: &str) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let mac = mac.chain_update(signed).finalize().into_bytes();
        let bit = |at: usize| mac.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let digit = |at: usize| (0..6).fold(0, |value, of| value << 1 | bit(at * 6 + of));
        let mac: String = (0..43).map(|at| char::from(DIGITS[usize::from(digit(at))])).collect();
        format!("{signed}.{mac}")
    }

    #[test]
    fn only_who_has_the_secret_makes_one() {
        let secret = TokenSecret::new(b"north-wind-north-wind");
        let good = token("north-wind-north-wind", "1795778101.me");
        assert_eq!(secret.judge(&good, 1_795_778_100), Ok("me"));
        assert_eq!(secret.judge(&good, 1_795_778_101), Err(TokenFault::Expired));
        assert_eq!(secret.judge(&good, 1_795_778_101 - LONGEST), Ok("me"));
        assert_eq!(secret.judge(&good, 1_795_778_100 - LONGEST), Err(TokenFault::TooFar));
        let other = token("south-wind-south-wind", "1795778101.me");
        let (signed, mac) = good.rsplit_once('.').unwrap();
        for forged in [
            other,
            format!("1795778102.me.{mac}"),
            format!("1795778101.you.{mac}"),
            format!("1795778101..{mac}"),
            format!("{signed}.{}", &mac[..42]),
            format!("{signed}.{mac}="),
            format!("{signed}.{mac}A"),
            format!("{signed}."),
            signed.to_owned(),
            String::new(),
            "..".to_owned(),
            token("north-wind-north-wind", "+1795778101.me"),
            token("north-wind-north-wind", ".me"),
            token("north-wind-north-wind", "1795778101.m.e"),
            token("north-wind-north-wind", "1795778101.m:e"),
            token("north-wind-north-wind", &format!("1795778101.{}", "a".repeat(65))),
        ] {
            assert_eq!(secret.judge(&forged, 1_795_778_000), Err(TokenFault::Forged), "{forged}");
        }
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(secret.judge(&changed, 1_795_778_000).is_err(), "{changed}");
        }
        assert_eq!(format!("{secret:?}"), "TokenSecret { .. }");
    }
}
