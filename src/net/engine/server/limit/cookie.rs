//! What shows that an asker really is at its address: a server's own tag on it, handed out there.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, Mac};
use rand::RngExt;
use sha2::Sha256;

use crate::net::engine::Rng;

/// A cookie: its version, the seconds since the server's start when it was made, and 16 bytes of
/// HMAC-SHA256 (RFC 2104) over both and the address, keyed with a secret of this start.
pub(super) type Cookie = [u8; 21];

const VERSION: u8 = 1;

/// How long a cookie is good: an address changes hands more slowly, and a client asks again sooner.
const LIFETIME: u64 = 3600;

/// Makes a server's cookies, and verifies them.
#[derive(Clone)]
pub(super) struct CookieKey {
    secret: [u8; 32],
}

impl CookieKey {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { secret: rng.random() }
    }

    /// A cookie for an address; `uptime` since the server's start.
    pub(super) fn issue(&self, uptime: Duration, ip: IpAddr) -> Cookie {
        let mut cookie = [0; 21];
        cookie[0] = VERSION;
        cookie[1..5].copy_from_slice(&(uptime.as_secs() as u32).to_be_bytes());
        if let Some(mac) = self.mac(&cookie[..5], ip) {
            cookie[5..].copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        cookie
    }

    /// Whether a cookie is this server's, for this address, and not too old.
    pub(super) fn verify(&self, cookie: &[u8], uptime: Duration, ip: IpAddr) -> bool {
        let Ok(cookie) = <&Cookie>::try_from(cookie) else { return false };
        let [version, a, b, c, d, tag @ ..] = cookie;
        let made = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        let age = uptime.as_secs().checked_sub(made);
        *version == VERSION
            && age.is_some_and(|age| age < LIFETIME)
            && self.mac(&cookie[..5], ip).is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
    }

    fn mac(&self, head: &[u8], ip: IpAddr) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(head);
        mac.update(&bearer(ip));
        Some(mac)
    }
}

/// Whom a cookie is for.
fn bearer(ip: IpAddr) -> [u8; 16] {
    planted!(CookieForAnybody => [0; 16]);
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_cookie_is_good_for_its_address_its_hour_and_its_start() {
        let secs = Duration::from_secs;
        let mut rng = Rng::seed_from_u64(1);
        let key = CookieKey::new(&mut rng);
        let ip: IpAddr = "203.0.113.7".parse().unwrap();
        let cookie = key.issue(secs(100), ip);
        assert!(key.verify(&cookie, secs(100), ip));
        assert!(key.verify(&cookie, secs(3699), "::ffff:203.0.113.7".parse().unwrap()));
        assert!(!key.verify(&cookie, secs(3700), ip), "too old");
        assert!(!key.verify(&cookie, secs(99), ip), "from the future");
        assert!(!key.verify(&cookie, secs(100), "203.0.113.8".parse().unwrap()));
        assert!(!CookieKey::new(&mut rng).verify(&cookie, secs(100), ip), "of another start");
        for at in 0..cookie.len() {
            let mut forged = cookie;
            forged[at] ^= 1;
            assert!(!key.verify(&forged, secs(200), ip), "{at}");
        }
        assert!(!key.verify(&cookie[..20], secs(100), ip));
        assert!(!key.verify(&[], secs(100), ip));
    }
}
