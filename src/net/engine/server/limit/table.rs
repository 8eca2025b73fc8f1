//! Tables of fixed size: those that a keyed hash puts in one place share it. No stranger can find
//! out whose place is whose.

use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;

use rand::RngExt;
use siphasher::sip::SipHasher13;

use crate::net::engine::Rng;

/// The hash of this start.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyedHash {
    key: (u64, u64),
}

impl KeyedHash {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { key: (rng.random(), rng.random()) }
    }

    pub(super) fn of<const N: usize>(&self, words: [u64; N]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        words.into_iter().for_each(|word| hasher.write_u64(word));
        hasher.finish()
    }

    /// Of an address with its port.
    pub(super) fn of_addr(&self, addr: &SocketAddr) -> u64 {
        let ip = match addr.ip() {
            IpAddr::V4(ip) => ip.to_bits().into(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        self.of([(ip >> 64) as u64, ip as u64, addr.port().into()])
    }
}

/// As many places as the next power of two.
pub(super) fn table(places: usize) -> Box<[AtomicU64]> {
    let places = places.max(1).next_power_of_two();
    // Zeros come from the system untouched, and take no memory before they are.
    vec![0; places].into_iter().map(AtomicU64::new).collect()
}

/// What a hash falls on.
pub(super) fn place(table: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    table.get(hash as usize & table.len().wrapping_sub(1))
}
