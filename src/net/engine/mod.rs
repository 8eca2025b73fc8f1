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

use std::time::Duration;

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

/// A duration 10 % shorter to 10 % longer, so that many senders do not fall into step.
fn jitter(duration: Duration, rng: &mut Rng) -> Duration {
    duration.mul_f64(rng.random_range(0.9..=1.1))
}
