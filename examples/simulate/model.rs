//! What the network does with a packet.

use std::time::Duration;

use clap::ValueEnum;
use rand::RngExt;
use rand_distr::{Distribution, Exp, LogNormal};
use turn_balance::net::engine::Rng;

use super::matrix::lognormal;
use super::{Args, Latencies};

/// How a client reaches the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Access {
    Home,
    Wifi,
    Dc,
    Clean,
}

/// One client's network, for one session.
pub(crate) struct Network<'a> {
    matrix: &'a Latencies,
    client: usize,
    /// The client's own delay, ms a round trip.
    own: f64,
    packet: Option<(LogNormal<f64>, f64, f64)>,
    excess: LogNormal<f64>,
    loss: f64,
    /// Where the link is down: starts and ends, ms.
    bursts: Vec<(f64, f64)>,
    pub(crate) rng: Rng,
}

impl<'a> Network<'a> {
    pub(crate) fn new(matrix: &'a Latencies, client: usize, args: &Args, mut rng: Rng) -> Self {
        let (own, packet) = match args.access {
            Access::Home => {
                let own = lognormal(10.0, 0.5).sample(&mut rng);
                (own, Some((lognormal(3.0, 0.8), 0.005, 50.0)))
            }
            Access::Wifi => (12.0, Some((lognormal(8.0, 0.8), 0.02, 80.0))),
            Access::Dc | Access::Clean => (0.0, None),
        };
        let bursts = bursts(args.burst, args.timeout * 1000.0, &mut rng);
        let excess = lognormal(0.5, 1.0);
        Self { matrix, client, own, packet, excess, loss: args.loss, bursts, rng }
    }

    /// By the matrix: what a choice is judged by.
    pub(crate) fn true_rtt(&self, host: usize) -> f64 {
        self.matrix.rtt(self.client, host)
    }

    /// The least that a round trip takes this client.
    pub(crate) fn least_rtt(&self, host: usize) -> f64 {
        self.true_rtt(host) + self.own
    }

    /// One way of a round trip from `now`, ms; none: lost.
    pub(crate) fn one_way(&mut self, now: f64, host: usize) -> Option<f64> {
        let down = |at: f64| self.bursts.iter().any(|(start, end)| (*start..*end).contains(&at));
        // What is sent is lost where the link is down then, what comes where it is on arrival:
        // the client's end of the way is the one that counts, and it is near.
        if down(now) || self.rng.random_bool(self.loss) {
            return None;
        }
        let mut rtt = self.least_rtt(host) + self.excess.sample(&mut self.rng).min(50.0);
        if let Some((each, share, spike)) = &self.packet {
            rtt += each.sample(&mut self.rng);
            if self.rng.random_bool(*share) {
                rtt += Exp::new(1.0 / spike).map_or(0.0, |spikes| spikes.sample(&mut self.rng));
            }
        }
        Some(rtt / 2.0)
    }

    /// Whether the link is up on arrival.
    pub(crate) fn arrives(&self, at: f64) -> bool {
        !self.bursts.iter().any(|(start, end)| (*start..*end).contains(&at))
    }
}

/// Times when the link is down: exponential, 80 ms on average, for this share of the time.
fn bursts(share: f64, until: f64, rng: &mut Rng) -> Vec<(f64, f64)> {
    const DOWN_MS: f64 = 80.0;
    let mut bursts = Vec::new();
    if share <= 0.0 {
        return bursts;
    }
    let draw = |mean: f64, rng: &mut Rng| Exp::new(1.0 / mean).map_or(mean, |exp| exp.sample(rng));
    let up = DOWN_MS * (1.0 - share) / share;
    // The session begins at a random moment, down with that share's chance.
    let mut at = if rng.random_bool(share) { 0.0 } else { draw(up, rng) };
    while at < until {
        let end = at + draw(DOWN_MS, rng);
        bursts.push((at, end));
        at = end + draw(up, rng);
    }
    bursts
}

/// Milliseconds as a duration.
pub(crate) fn ms(ms: f64) -> Duration {
    Duration::from_nanos((ms * 1e6) as u64)
}
