//! What was sent to addresses that have not answered: a list may name all ports of a victim.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// How many datagrams to an address (IPv6: /64) that has not answered: as many as a descent sends.
const MOST: u32 = 8;

/// How many went to each; `None`: it has answered.
#[derive(Debug, Default)]
pub(super) struct Unanswered(BTreeMap<IpAddr, Option<u32>>);

impl Unanswered {
    /// Whether no more may go there.
    pub(super) fn is_spent(&self, addr: SocketAddr) -> bool {
        let sent = self.0.get(&network(addr)).copied().flatten();
        sent.is_some_and(|sent| sent >= MOST)
    }

    /// One was sent.
    pub(super) fn sent(&mut self, addr: SocketAddr) {
        let sent = self.0.entry(network(addr)).or_insert(Some(0));
        *sent = sent.map(|sent| sent + 1);
    }

    /// It has answered.
    pub(super) fn answered(&mut self, addr: SocketAddr) {
        self.0.insert(network(addr), None);
    }
}

/// The hosts that are taken for one.
fn network(addr: SocketAddr) -> IpAddr {
    match addr.ip() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
    }
}
