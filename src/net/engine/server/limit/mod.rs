//! Who asks too often, and how much an answer may weigh: a server that answers strangers must not
//! be anybody's weapon.

mod cookie;

use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;
use siphasher::sip::SipHasher13;

use super::limit::cookie::{Cookie, CookieKey};
use crate::net::engine::Rng;
use crate::net::fault::{Fault, planted};
use crate::net::wire::MAX_ANSWER;
use crate::types::{Prefix, Rates};

/// How many times a request's size an answer may have, headers counted, where nothing shows that
/// the asker is at its address (RFC 9000, section 8.1, has the same).
const AMPLIFICATION: usize = 3;

/// How many times the budget of its address the bearer of a cookie has: it really is there, and may
/// be a network behind one address.
const BEARER: u64 = 10;

/// Heartbeats a second that are heard from one listed node: it sends five at most (docs/protocol.md).
const HEARTBEATS: u64 = 20;

/// The same bare id from one address and port is answered once in this time: two old servers that
/// answer each other's answers then come to an end.
const BARE_PAUSE: Duration = Duration::from_secs(1);

/// What strangers are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimiterSettings {
    /// Requests a second, for an address and for the networks around it; twice as many at once.
    pub rates: Rates,
    /// Who is neither limited nor suspected.
    pub exempt: Vec<Prefix>,
    /// Bytes a second, of all answers together, that may go beyond the amplification limit to bare
    /// requests; 0: none may.
    pub bare_bytes: u64,
    /// Places in each of nine tables, 8 bytes each; as many as the next power of two.
    pub places: usize,
}

impl Default for LimiterSettings {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            exempt: Prefix::LOOPBACK.into(),
            bare_bytes: 0,
            places: 1 << 16,
        }
    }
}

/// Counts what each address and network asks for, in tables of fixed size: those that a keyed hash
/// puts in one place share its budget. All workers share it, without a lock.
#[derive(Debug)]
pub struct Limiter {
    /// Who is exempt, by family, each prefix as its base and the bits of it that count.
    exempt_v4: Box<[(u32, u32)]>,
    exempt_v6: Box<[(u128, u128)]>,
    started: Instant,
    key: (u64, u64),
    cookies: CookieKey,
    v4_address: RateTable,
    v4_network: RateTable,
    v6_subnet: RateTable,
    v6_site: RateTable,
    v6_block: RateTable,
    v4_bearer: RateTable,
    v6_bearer: RateTable,
    node: RateTable,
    /// The last bare id of an address and port, and the millisecond of its answer.
    bare: Box<[AtomicU64]>,
    /// Bytes a second beyond the limit.
    bare_bytes: u64,
    /// When those will be paid back.
    bytes: AtomicU64,
}

/// The budgets of one kind.
#[derive(Debug)]
struct RateTable {
    /// What a request costs, in ns; 0: nothing.
    each: u64,
    /// By how much a hash is turned for its place here: who shares one budget with a stranger need
    /// not share the next.
    turn: u32,
    /// When what was taken from each will be paid back, in ns since the start (the generic cell
    /// rate algorithm: ITU-T I.371, annex A). Their number is a power of two.
    paid_back: Box<[AtomicU64]>,
}

impl Limiter {
    /// A limiter with all budgets full.
    pub fn new(policy: LimiterSettings, now: Instant, rng: &mut Rng) -> Self {
        let places = policy.places.max(1).next_power_of_two();
        let table = || std::iter::repeat_with(AtomicU64::default).take(places).collect();
        let budgets = |rate: u64, turn| {
            let each = SECOND.checked_div(rate).unwrap_or(0);
            RateTable { each, turn, paid_back: table() }
        };
        let LimiterSettings { rates, exempt, bare_bytes, .. } = policy;
        let [v4, v6] = [rates.v4_32, rates.v6_64].map(u64::from);
        Self {
            started: now,
            exempt_v4: exempt.iter().filter_map(Prefix::v4_bits).collect(),
            exempt_v6: exempt.iter().filter_map(Prefix::v6_bits).collect(),
            key: (rng.random(), rng.random()),
            cookies: CookieKey::new(rng),
            v4_address: budgets(v4, 0),
            v4_network: budgets(rates.v4_24.into(), 16),
            v6_subnet: budgets(v6, 0),
            v6_site: budgets(rates.v6_56.into(), 16),
            v6_block: budgets(rates.v6_48.into(), 32),
            v4_bearer: budgets(BEARER * v4, 0),
            v6_bearer: budgets(BEARER * v6, 0),
            // Who limits no address limits no node.
            node: budgets(if v4 == 0 && v6 == 0 { 0 } else { HEARTBEATS }, 0),
            bare: table(),
            bare_bytes,
            bytes: AtomicU64::new(0),
        }
    }

    /// Whether an address is neither limited nor suspected.
    #[inline]
    pub(super) fn is_exempt(&self, from: &SocketAddr) -> bool {
        match from {
            SocketAddr::V4(from) => self.is_exempt_v4(*from.ip()),
            SocketAddr::V6(from) => self.is_exempt_v6(from.ip()),
        }
    }

    #[inline]
    fn is_exempt_v4(&self, ip: Ipv4Addr) -> bool {
        self.exempt_v4.iter().any(|(base, mask)| ip.to_bits() & mask == *base)
    }

    #[inline(never)]
    fn is_exempt_v6(&self, ip: &Ipv6Addr) -> bool {
        match ip.to_ipv4_mapped() {
            Some(ip) => self.is_exempt_v4(ip),
            None => self.exempt_v6.iter().any(|(base, mask)| ip.to_bits() & mask == *base),
        }
    }

    /// When it came to be, on both clocks.
    pub(super) fn epoch(&self) -> (Instant, Duration) {
        (self.started, Duration::ZERO)
    }

    /// How long it has been there, which is what it tells time by.
    pub(super) fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Takes one request from the budgets of an address and its networks. Returns whether all of
    /// them had one left.
    #[inline(always)]
    pub(super) fn take(&self, uptime: Duration, from: &SocketAddr) -> bool {
        let now = nanos(uptime);
        match from {
            SocketAddr::V4(from) => self.take_v4(now, from.ip().to_bits().into()),
            SocketAddr::V6(from) => self.take_v6(now, (from.ip().to_bits() >> 64) as u64),
        }
    }

    // One hash does for an address and all networks around it.
    #[inline(always)]
    fn take_v4(&self, now: u64, bits: u64) -> bool {
        let network = self.hash([bits >> 8]);
        (planted(Fault::NoAddressBudget) || self.v4_address.take(now, network, bits & 0xff))
            && (planted(Fault::NoNetworkBudget) || self.v4_network.take(now, network, 0))
    }

    #[inline(never)]
    fn take_v6(&self, now: u64, bits: u64) -> bool {
        let block = self.hash([bits >> 16]);
        (planted(Fault::NoAddressBudget) || self.v6_subnet.take(now, block, bits & 0xffff))
            && (planted(Fault::NoNetworkBudget)
                || self.v6_site.take(now, block, bits >> 8 & 0xff)
                    && self.v6_block.take(now, block, 0))
    }

    /// The same for one who bears a cookie: ten times the budget, of the address alone, that
    /// nobody else can use up in its name.
    pub(super) fn take_bearer(&self, uptime: Duration, from: &SocketAddr) -> bool {
        let (budgets, bits) = match from {
            SocketAddr::V4(from) => (&self.v4_bearer, from.ip().to_bits().into()),
            SocketAddr::V6(from) => (&self.v6_bearer, (from.ip().to_bits() >> 64) as u64),
        };
        budgets.take(nanos(uptime), self.hash([bits]), 0)
    }

    /// The same for a listed node, whose heartbeats have a budget of their own: hundreds of nodes may
    /// stand in one network.
    pub(super) fn take_node(&self, uptime: Duration, from: &SocketAddr) -> bool {
        self.node.take(nanos(uptime), self.hash_of(from), 0)
    }

    /// Whether a bare request repeats the last one from this address and port too soon.
    pub(super) fn repeats(&self, uptime: Duration, from: &SocketAddr, id: u32) -> bool {
        // Never 0, which stands where nobody has asked.
        let ms = (uptime.as_millis() as u32).max(1);
        let Some(place) = place(&self.bare, self.hash_of(from)) else { return false };
        let before = place.load(Ordering::Relaxed);
        let since = u128::from(ms.wrapping_sub(before as u32));
        let again = before >> 32 == u64::from(id) && !planted(Fault::RepeatAnswered);
        if again && before != 0 && since < BARE_PAUSE.as_millis() {
            return true;
        }
        place.store(u64::from(id) << 32 | u64::from(ms), Ordering::Relaxed);
        false
    }

    /// Takes bytes from the budget of those beyond the amplification limit.
    pub(super) fn take_bytes(&self, uptime: Duration, bytes: usize) -> bool {
        let cost = (bytes as u64 * SECOND).checked_div(self.bare_bytes);
        cost.is_some_and(|cost| take(&self.bytes, nanos(uptime), cost, SECOND))
    }

    /// A cookie for an address.
    pub(super) fn cookie(&self, uptime: Duration, from: &SocketAddr) -> Cookie {
        self.cookies.issue(uptime, from.ip())
    }

    /// Whether a cookie is one of these.
    pub(super) fn knows(&self, uptime: Duration, from: &SocketAddr, cookie: &[u8]) -> bool {
        self.cookies.verify(cookie, uptime, from.ip())
    }

    fn hash_of(&self, from: &SocketAddr) -> u64 {
        let ip = match from.ip() {
            IpAddr::V4(ip) => ip.to_bits().into(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        self.hash([(ip >> 64) as u64, ip as u64, from.port().into()])
    }

    fn hash<const N: usize>(&self, words: [u64; N]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        words.into_iter().for_each(|word| hasher.write_u64(word));
        hasher.finish()
    }
}

impl RateTable {
    /// Takes from the budget of what has this place within a network. All that is in one network
    /// lies side by side.
    #[inline(always)]
    fn take(&self, now: u64, network: u64, within: u64) -> bool {
        let hash = network.rotate_right(self.turn).wrapping_add(within);
        // Twice the rate at once: the last of them may be paid back two seconds from now.
        self.each == 0
            || place(&self.paid_back, hash).is_none_or(|at| take(at, now, self.each, 2 * SECOND))
    }
}

/// What a hash falls on.
fn place(table: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    table.get(hash as usize & table.len().wrapping_sub(1))
}

fn nanos(uptime: Duration) -> u64 {
    uptime.as_nanos() as u64
}

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// Takes from one budget, all in nanoseconds: what it costs, and how much may be taken at once.
fn take(paid_back: &AtomicU64, now: u64, cost: u64, most: u64) -> bool {
    let mut before = paid_back.load(Ordering::Relaxed);
    loop {
        let after = before.max(now) + cost;
        if after > now + most {
            return false;
        }
        match paid_back.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(changed) => before = changed,
        }
    }
}

/// The most bytes of UDP payload that may answer a request of `len` bytes from `from`: IP and UDP
/// headers count on both sides (28 bytes for IPv4, 48 for IPv6).
pub(super) fn room(from: &SocketAddr, len: usize) -> usize {
    let headers = if from.is_ipv4() { 28 } else { 48 };
    let times = if planted(Fault::Amplification) { 10 } else { AMPLIFICATION };
    (times * (headers + len) - headers).min(MAX_ANSWER)
}
