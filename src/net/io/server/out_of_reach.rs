//! Addresses of names that no socket can send to. Those that the configuration has by address are
//! errors there.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tracing::info;

use crate::types::Family;

/// Of how many the log tells: names have hundreds of addresses, and nodes that join advertise any.
const MOST_TOLD: usize = 100;

/// Those that the log has told of.
#[derive(Debug, Default)]
pub(super) struct OutOfReach(BTreeSet<SocketAddr>);

impl OutOfReach {
    /// Tells of one, once. `what` it is, and is never asked.
    pub(super) fn tell(&mut self, what: &'static str, addr: SocketAddr) {
        let Self(told) = self;
        if told.len() < MOST_TOLD && told.insert(addr) {
            let family = Family::of(addr);
            info!(%addr, "a {what} is never asked: `net.bind` has no {family} address");
        }
    }
}
