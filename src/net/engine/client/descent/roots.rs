//! The roots that come late or not at all: names that are still looked up, those that gave no address, and
//! what SRV records have for the case that others are silent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::types::{Unresolved, UnresolvedRoot};

/// How long servers of one priority may be silent until those of the next are asked too. By then they were
/// asked five times (`schedule`), and an answer that comes later is rare even by satellite.
const NEXT_PRIORITY: Duration = Duration::from_secs(1);

/// The names among the roots of a descent, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct NamedRoots {
    names: Vec<NamedRoot>,
    /// Servers of further priorities, and from when on each are asked.
    spare: VecDeque<(Instant, Vec<SocketAddr>)>,
}

#[derive(Debug)]
struct NamedRoot {
    host: String,
    /// Whether its SRV records are looked up, not its addresses.
    srv: bool,
    state: LookedUp,
}

#[derive(Debug)]
enum LookedUp {
    Awaited,
    Found,
    Unresolved(Unresolved),
}

impl NamedRoots {
    /// A name is being looked up: its addresses, or its SRV records.
    pub(super) fn expect(&mut self, host: String, srv: bool) {
        self.names.push(NamedRoot { host, srv, state: LookedUp::Awaited });
    }

    /// What the look-up of a name has come to. Returns whether it was awaited.
    pub(super) fn settle(
        &mut self,
        host: &str,
        srv: bool,
        outcome: Result<(), Unresolved>,
    ) -> bool {
        let mut awaited = self.names.iter_mut().filter(|root| root.is_awaited());
        let root = awaited.find(|root| root.host == host && root.srv == srv);
        let Some(root) = root else { return false };
        root.state = match outcome {
            Ok(()) => LookedUp::Found,
            Err(reason) => LookedUp::Unresolved(reason),
        };
        true
    }

    /// Keeps servers of further priorities, each to be asked later than those before it.
    pub(super) fn spare(
        &mut self,
        now: Instant,
        groups: impl IntoIterator<Item = Vec<SocketAddr>>,
    ) {
        let times = (1..).map(|step| now + NEXT_PRIORITY * step);
        self.spare.extend(times.zip(groups));
        self.spare.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    /// The next that are kept.
    pub(super) fn next_spare(&mut self) -> Option<Vec<SocketAddr>> {
        self.spare.pop_front().map(|(_, group)| group)
    }

    /// When there are some to be asked.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.spare.front().map(|(at, _)| *at)
    }

    /// Whether any name is still looked up.
    pub(super) fn are_awaited(&self) -> bool {
        self.names.iter().any(NamedRoot::is_awaited)
    }

    /// Those that have no address, if the descent ends now. A host that has one by its SRV records or by
    /// itself needs no other.
    pub(super) fn unresolved(&self) -> Vec<UnresolvedRoot> {
        let has = |host: &str, what: fn(&NamedRoot) -> bool| {
            self.names.iter().any(|root| root.host == host && what(root))
        };
        let is_beside = |root: &NamedRoot| root.srv && has(&root.host, |other| !other.srv);
        let unresolved = |root: &NamedRoot| {
            let reason = match &root.state {
                LookedUp::Awaited => Unresolved::Late,
                LookedUp::Found => return None,
                LookedUp::Unresolved(reason) => reason.clone(),
            };
            let found = has(&root.host, |other| other.srv && other.is_found());
            (!found && !is_beside(root)).then(|| UnresolvedRoot::new(&root.host, reason))
        };
        self.names.iter().filter_map(unresolved).collect()
    }
}

impl NamedRoot {
    fn is_awaited(&self) -> bool {
        matches!(self.state, LookedUp::Awaited)
    }

    fn is_found(&self) -> bool {
        matches!(self.state, LookedUp::Found)
    }
}
