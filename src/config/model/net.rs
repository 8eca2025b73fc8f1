use std::net::Ipv4Addr;
use std::time::Duration;

use crate::types::{DEFAULT_PORT, Labels, ListenAddr, Name};

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
    /// What it is labelled with, and so is whoever is below it: clients choose by it.
    pub labels: Labels,
    /// How many threads answer at each address, each with a socket of its own: 1 to 64.
    pub workers: u16,
    /// How long it goes on answering when it is asked to stop, and says that it is draining; `None`: 5 s
    /// where it has a superior to tell, otherwise not at all.
    pub drain: Option<Duration>,
}

impl Net {
    /// The longest [`Net::drain`]: whoever stops a service has lost patience long before.
    pub(crate) const MAX_DRAIN: Duration = Duration::from_secs(60 * 60);
}

impl Default for Net {
    /// Port 3001 of this host alone, one worker.
    fn default() -> Self {
        let bind = vec![(Ipv4Addr::LOCALHOST, DEFAULT_PORT).into()];
        Self { bind, name: None, labels: Labels::default(), workers: 1, drain: None }
    }
}
