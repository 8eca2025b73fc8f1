use std::net::Ipv4Addr;

use crate::types::{DEFAULT_PORT, ListenAddr, Name};

/// `[net]`: where the server listens.
///
/// Part of a [`Config`](crate::Config), where an example is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Net {
    /// Addresses to listen on. Port 0 is any port.
    pub bind: Vec<ListenAddr>,
    /// What traces show.
    pub name: Option<Name>,
    /// How many threads answer at each address, each with a socket of its own: 1 to 64.
    pub workers: u16,
}

impl Default for Net {
    /// Port 3001 of this host alone, one worker.
    fn default() -> Self {
        Self { bind: vec![(Ipv4Addr::LOCALHOST, DEFAULT_PORT).into()], name: None, workers: 1 }
    }
}
