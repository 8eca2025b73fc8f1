//! What heartbeats that advertise other addresses draw on those who have never agreed to be asked.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::rules::Rule;

/// Within any minute.
const WHILE: Duration = Duration::from_secs(60);

/// How long a heartbeat may pay for something.
const PAYS: Duration = Duration::from_secs(13);

#[derive(Debug, Default)]
pub(crate) struct Hearsay {
    agreed: BTreeSet<SocketAddr>,
    /// Bytes of heartbeats that advertise something, and of checks of who has not agreed, with headers.
    sent: VecDeque<(Instant, usize)>,
    drawn: VecDeque<(Instant, usize)>,
}

impl Hearsay {
    /// Somebody has shown that it reads what is sent there.
    pub(crate) fn agrees(&mut self, addr: SocketAddr) {
        self.agreed.insert(addr);
    }

    /// A heartbeat that advertises something was taken in.
    pub(crate) fn pays(&mut self, now: Instant, from: SocketAddr, len: usize) {
        self.sent.push_back((now, headers(from) + len));
    }

    /// It was not.
    pub(crate) fn takes_back(&mut self) {
        self.sent.pop_back();
    }

    /// Somebody is checked. Returns what is wrong with that.
    pub(crate) fn draws(
        &mut self,
        now: Instant,
        to: SocketAddr,
        len: usize,
    ) -> Option<(Rule, String)> {
        if self.agreed.contains(&to) {
            return None;
        }
        self.drawn.push_back((now, headers(to) + len));
        let since = |bytes: &mut VecDeque<(Instant, usize)>, time| {
            while bytes.front().is_some_and(|(at, _)| *at + time < now) {
                bytes.pop_front();
            }
            bytes.iter().map(|(_, bytes)| bytes).sum::<usize>()
        };
        let (sent, drawn) = (since(&mut self.sent, WHILE + PAYS), since(&mut self.drawn, WHILE));
        let what = || format!("{sent} bytes draw {drawn}, now on {to}");
        (drawn > 3 * sent).then(|| (Rule::Hearsay, what()))
    }
}

fn headers(addr: SocketAddr) -> usize {
    if addr.is_ipv4() { 28 } else { 48 }
}
