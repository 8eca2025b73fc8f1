//! Bytes as decisions. Where they end, all further ones are 0.

use std::net::{IpAddr, SocketAddr};

pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Once in so many times.
    pub(crate) fn one_in(&mut self, times: u8) -> bool {
        self.byte() % times == times - 1
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(crate) fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Up to four times as many bytes as one byte can count.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = (usize::from(self.byte()) * 4).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    pub(crate) fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        let index = self.below(among.len());
        among.get(index).cloned()
    }

    /// An address that a list may name: mostly one for documentation, else any.
    pub(crate) fn addr(&mut self, port: u16) -> SocketAddr {
        let ip = match self.byte() % 8 {
            0..4 => IpAddr::from([203, 0, 113, self.byte()]),
            4..6 => IpAddr::from([0x2001, 0xdb8, self.byte().into(), 0, 0, 0, 0, 1]),
            6 => IpAddr::from([self.byte(), self.byte(), self.byte(), self.byte()]),
            _ => IpAddr::from(
                (u128::from(self.number()) << 64 | u128::from(self.number())).to_be_bytes(),
            ),
        };
        SocketAddr::new(ip, port)
    }
}

/// A seed that no fuzzer can steer: what is random cannot be guessed.
pub(crate) fn seed(bytes: &[u8]) -> u64 {
    // FNV-1a (the IETF draft of it), and a last stir.
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
