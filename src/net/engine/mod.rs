//! Decisions, with no socket, clock, async or ambient randomness.
//!
//! Every engine speaks alike: `handle_*` takes an input and the moment it happened (a datagram
//! carries its receive time), `poll_transmit`, `poll_event` and `poll_timeout` give outputs until
//! they are empty. Deadlines are indexed, never scanned, and no order depends on a hash, so a
//! whole internet of engines runs in a test and one seed is one run.

#[cfg(feature = "client")]
pub mod client;
pub mod exchange;
mod loop_port;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "client", feature = "server"))]
pub mod turn;

use std::time::{Duration, Instant};

use rand::RngExt;

/// The random generator that every engine is given: seeded by the system in `io`, by a number in
/// a simulation.
pub type Rng = rand::rngs::ChaCha12Rng;

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub to: std::net::SocketAddr,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// That long after a moment, where a caller may give as much as a `Duration` holds: a clock counts
/// less, and whoever waits for longer than thirty years waits for ever.
fn later(moment: Instant, wait: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    moment + wait.min(FOR_EVER)
}

/// A duration 10 % shorter to 10 % longer, so that many senders do not fall into step.
fn jitter(duration: Duration, rng: &mut Rng) -> Duration {
    duration.mul_f64(rng.random_range(0.9..=1.1))
}
