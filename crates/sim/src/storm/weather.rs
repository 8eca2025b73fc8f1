//! What the network does to everybody: loss, duplication, reordering, corruption, partitions.

use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use turn_balance::internals::engine::Rng;

use crate::{Jitter, Path};

#[derive(Debug, Clone, Default)]
pub(crate) struct Weather {
    loss: f64,
    twice: f64,
    late: f64,
    latest: f64,
    corrupt: f64,
    jitter: f64,
    /// Ways that lead nowhere. None stands for everybody.
    cuts: Vec<Cut>,
}

/// From whom nothing comes to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut(pub(crate) Option<IpAddr>, pub(crate) Option<IpAddr>);

impl Weather {
    /// Other weather, with the same partitions.
    pub(crate) fn turn(&mut self, corrupts: bool, rng: &mut Rng) {
        let mut some = |chance, most| match rng.random_bool(chance) {
            true => rng.random_range(0.0..most),
            false => 0.0,
        };
        let most = [0.05, 0.2, 0.4][(some(1.0, 3.0)) as usize];
        self.loss = some(0.7, most);
        self.twice = some(0.5, 0.2);
        self.late = some(0.5, 0.2);
        self.latest = some(1.0, 2000.0).max(1.0);
        self.corrupt = if corrupts { some(0.7, 0.05) } else { 0.0 };
        self.jitter = some(0.5, 10.0);
    }

    pub(crate) fn calm(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn cut(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    pub(crate) fn heal(&mut self, cut: Cut) {
        self.cuts.retain(|other| *other != cut);
    }

    pub(crate) fn path(&self, from: SocketAddr, to: SocketAddr) -> Path {
        if from.ip() == to.ip() {
            return Path { delay: 0.1, ..Path::of(0) };
        }
        let cut = |cut: &Cut| {
            cut.0.is_none_or(|ip| ip == from.ip()) && cut.1.is_none_or(|ip| ip == to.ip())
        };
        let lost = self.cuts.iter().any(cut);
        Path {
            delay: delay(from.ip(), to.ip()),
            jitter: Jitter::Even(self.jitter),
            loss: if lost { 1.0 } else { self.loss },
            twice: self.twice,
            late: self.late,
            latest: self.latest.max(1.0),
            corrupt: self.corrupt,
        }
    }
}

/// How far two are from each other, one way, ms: 1 to 60.
fn delay(a: IpAddr, b: IpAddr) -> f64 {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64 ^ ip.to_bits() as u64,
    };
    let mix = |bits: u64| bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let both = mix(mix(bits(a)) ^ mix(bits(b))) ^ mix(mix(bits(a)).wrapping_add(mix(bits(b))));
    1.0 + (both % 60) as f64
}
