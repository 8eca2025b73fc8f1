//! What the network does with a datagram.

use std::time::Duration;

use rand::RngExt;
use rand_distr::{Distribution, Exp, LogNormal};
use turn_balance::internals::engine::Rng;

/// What a path does with datagrams, one way.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The least that it takes, ms.
    pub delay: f64,
    pub jitter: Jitter,
    /// The share that is lost.
    pub loss: f64,
    /// The share that arrives twice.
    pub twice: f64,
    /// The share that is late, and so overtaken by what was sent after it.
    pub late: f64,
    /// How late that is at most, ms.
    pub latest: f64,
    /// The share that arrives with a wrong byte.
    pub corrupt: f64,
}

/// What is added to the delay.
#[derive(Debug, Clone, Copy)]
pub enum Jitter {
    None,
    /// Evenly spread from 0 to this, ms.
    Even(f64),
    /// The path's excess, and what the client's access adds.
    Internet(Option<Access>),
}

/// What a client's access adds to each round trip.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    pub each: LogNormal<f64>,
    /// The share of spikes, and their mean, ms.
    pub spikes: f64,
    pub spike: f64,
}

impl Path {
    /// A path without faults.
    pub fn of(delay_ms: u64) -> Self {
        let delay = delay_ms as f64;
        let (loss, twice, late, corrupt) = (0.0, 0.0, 0.0, 0.0);
        Self { delay, jitter: Jitter::None, loss, twice, late, latest: 50.0, corrupt }
    }

    /// How long a datagram takes, ms; `None`: lost.
    pub fn one_way(&self, rng: &mut Rng) -> Option<f64> {
        if rng.random_bool(self.loss) {
            return None;
        }
        let late = self.late > 0.0 && rng.random_bool(self.late);
        let late = if late { rng.random_range(0.0..self.latest) } else { 0.0 };
        Some(self.jitter.over(2.0 * self.delay, rng) / 2.0 + late)
    }

    pub fn corrupt(&self, mut payload: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
        if self.corrupt > 0.0 && !payload.is_empty() && rng.random_bool(self.corrupt) {
            let at = rng.random_range(0..payload.len());
            payload[at] ^= rng.random_range(1..=255u8);
        }
        payload
    }
}

impl Jitter {
    /// A round trip, ms, that takes at least `rtt`.
    fn over(&self, rtt: f64, rng: &mut Rng) -> f64 {
        match self {
            Self::None => rtt,
            Self::Even(most) => rtt + 2.0 * most * rng.random::<f64>(),
            Self::Internet(access) => {
                let rtt = rtt + lognormal(0.5, 1.0).sample(rng).min(50.0);
                access.map_or(rtt, |access| access.over(rtt, rng))
            }
        }
    }
}

impl Access {
    fn over(&self, rtt: f64, rng: &mut Rng) -> f64 {
        let rtt = rtt + self.each.sample(rng);
        if rng.random_bool(self.spikes) { rtt + exponential(self.spike, rng) } else { rtt }
    }
}

/// When a link is down: starts and ends, ms.
#[derive(Debug, Clone, Default)]
pub struct Outages(Vec<(f64, f64)>);

impl Outages {
    /// Bursts of loss: the link is down for this share of the time, 80 ms on average.
    pub fn bursts(share: f64, until: Duration, rng: &mut Rng) -> Self {
        const DOWN: f64 = 80.0;
        let mut outages = Vec::new();
        if share <= 0.0 {
            return Self(outages);
        }
        let up = DOWN * (1.0 - share) / share;
        // The session begins at a random moment, down with that share's chance.
        let mut at = if rng.random_bool(share) { 0.0 } else { exponential(up, rng) };
        while at < until.as_secs_f64() * 1e3 {
            let end = at + exponential(DOWN, rng);
            outages.push((at, end));
            at = end + exponential(up, rng);
        }
        Self(outages)
    }

    pub fn hold(&self, at: f64) -> bool {
        self.0.iter().any(|(start, end)| (*start..*end).contains(&at))
    }
}

/// A lognormal distribution by its median.
pub fn lognormal(median: f64, sigma: f64) -> LogNormal<f64> {
    LogNormal::new(median.ln(), sigma).expect("sigma is finite")
}

fn exponential(mean: f64, rng: &mut Rng) -> f64 {
    Exp::new(1.0 / mean).map_or(mean, |exp| exp.sample(rng))
}

/// Milliseconds as a duration.
pub fn ms(ms: f64) -> Duration {
    Duration::from_nanos((ms * 1e6) as u64)
}
