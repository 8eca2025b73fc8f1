//! What the look-ups of roots come to.

use std::net::SocketAddr;
use std::time::Instant;

use super::Descent;
use crate::types::Unresolved;

impl Descent {
    /// The name of one more root is being looked up. Before it is known what of, nobody is called
    /// silent for good.
    pub fn await_root(&mut self, host: String) {
        self.roots.expect(host, false);
    }

    /// The SRV records of one more root are being looked up, or those beside the addresses of a host.
    pub fn await_srv(&mut self, host: String) {
        self.roots.expect(host, true);
    }

    /// What the look-up of a name has come to. Its addresses are asked if the race is still on.
    pub fn handle_root(
        &mut self,
        now: Instant,
        host: &str,
        found: Result<Vec<SocketAddr>, Unresolved>,
    ) {
        self.handle_found(now, (host, false), found.map(|addrs| vec![addrs]));
    }

    /// What SRV records have come to: servers of each priority, the lowest first. Each are asked where those
    /// before them are silent for a second, or lead nowhere.
    pub fn handle_srv(
        &mut self,
        now: Instant,
        host: &str,
        found: Result<Vec<Vec<SocketAddr>>, Unresolved>,
    ) {
        self.handle_found(now, (host, true), found);
    }

    fn handle_found(
        &mut self,
        now: Instant,
        (host, srv): (&str, bool),
        found: Result<Vec<Vec<SocketAddr>>, Unresolved>,
    ) {
        let (groups, outcome) = match found {
            Ok(groups) => (groups, Ok(())),
            Err(reason) => (Vec::new(), Err(reason)),
        };
        if self.is_finished() || !self.roots.settle(host, srv, outcome) {
            return;
        }
        let mut groups = groups.into_iter();
        self.take_roots(now, &groups.next().unwrap_or_default());
        self.roots.spare(now, groups);
        self.advance(now);
    }

    /// When servers of the next priority are to be asked, as long as nobody has answered.
    pub(super) fn spare_due(&self) -> Option<Instant> {
        let due = self.roots.next_due().filter(|_| self.is_racing())?;
        let silent = self.race.candidates().iter().all(|(_, entry)| entry.rtt.is_none());
        silent.then_some(due)
    }

    /// Asks them, if it is time for that.
    pub(super) fn ask_spare(&mut self, now: Instant) {
        while self.spare_due().is_some_and(|due| due <= now) {
            self.ask_any_spare(now);
        }
    }

    /// Asks them at once: there is nobody else. Returns whether there are any.
    pub(super) fn ask_any_spare(&mut self, now: Instant) -> bool {
        let Some(addrs) = self.roots.next_spare() else { return false };
        self.take_roots(now, &addrs);
        true
    }

    fn take_roots(&mut self, now: Instant, addrs: &[SocketAddr]) {
        self.race.add_roots(addrs);
        if self.is_racing() {
            self.race.ask_new_roots(now);
        }
    }
}
