//! What shows that an asker really is at its address: a server's own tag on it, handed out there.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hmac::{Hmac, Mac};
use rand::RngExt;
use sha2::Sha256;

use crate::net::engine::Rng;

/// A cookie: its version, the seconds since the server's start when it was made, and 16 bytes of
/// HMAC-SHA256 (RFC 2104) over both and the address and port, keyed with a secret of this start.
pub(super) type Cookie = [u8; 21];

const VERSION: u8 = 1;

/// How long a cookie is good, in seconds: a descent takes ten, and a NAT gives a port to another
/// after two minutes at the soonest (RFC 4787, REQ-5).
const LIFETIME: u64 = 120;

/// Makes a server's cookies, and verifies them.
#[derive(Clone)]
pub(super) struct CookieKey {
    secret: [u8; 32],
}

impl CookieKey {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { secret: rng.random() }
    }

    /// A cookie for an address and port; `uptime` since the server's start.
    pub(super) fn issue(&self, uptime: Duration, bearer: SocketAddr) -> Cookie {
        let mut cookie = [0; 21];
        cookie[0] = VERSION;
        cookie[1..5].copy_from_slice(&(uptime.as_secs() as u32).to_be_bytes());
        if let Some(mac) = self.mac(&cookie[..5], bearer) {
            cookie[5..].copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        cookie
    }

    /// Whether a cookie is this server's, for this address and port, and not too old.
    pub(super) fn verify(&self, cookie: &[u8], uptime: Duration, bearer: SocketAddr) -> bool {
        let Ok(cookie) = <&Cookie>::try_from(cookie) else { return false };
        let [version, a, b, c, d, tag @ ..] = cookie;
        let made = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        let age = uptime.as_secs().checked_sub(made);
        *version == VERSION
            && age.is_some_and(|age| age < LIFETIME)
            && self
                .mac(&cookie[..5], bearer)
                .is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
    }

    fn mac(&self, head: &[u8], bearer: SocketAddr) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(head);
        mac.update(&host(bearer));
        mac.update(&port(bearer));
        Some(mac)
    }
}

/// At which address a bearer is.
fn host(bearer: SocketAddr) -> [u8; 16] {
    planted!(CookieForAnybody => [0; 16]);
    match bearer.ip().to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// And at which port: behind one address may be many who do not know each other.
fn port(bearer: SocketAddr) -> [u8; 2] {
    planted!(CookieForAnyPort => [0; 2]);
    bearer.port().to_be_bytes()
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
    fn a_cookie_is_good_for_its_address_and_port_its_minutes_and_its_start() {
        let secs = Duration::from_secs;
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut rng = Rng::seed_from_u64(1);
        let key = CookieKey::new(&mut rng);
        let bearer = addr("203.0.113.7:5000");
        let cookie = key.issue(secs(100), bearer);
        assert!(key.verify(&cookie, secs(100), bearer));
        assert!(key.verify(&cookie, secs(219), addr("[::ffff:203.0.113.7]:5000")));
        assert!(!key.verify(&cookie, secs(220), bearer), "too old");
        assert!(!key.verify(&cookie, secs(99), bearer), "from the future");
        assert!(!key.verify(&cookie, secs(100), addr("203.0.113.8:5000")));
        assert!(!key.verify(&cookie, secs(100), addr("203.0.113.7:5001")));
        assert!(!CookieKey::new(&mut rng).verify(&cookie, secs(100), bearer), "of another start");
        for at in 0..cookie.len() {
            let mut forged = cookie;
            forged[at] ^= 1;
            assert!(!key.verify(&forged, secs(200), bearer), "{at}");
        }
        assert!(!key.verify(&cookie[..20], secs(100), bearer));
        assert!(!key.verify(&[], secs(100), bearer));
    }
}
