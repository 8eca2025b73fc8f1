//! The roots that come late or not at all: names that are still looked up, and those that gave no
//! address.

use crate::types::{Unresolved, UnresolvedRoot};

/// The names among the roots of a descent, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct NamedRoots(Vec<NamedRoot>);

#[derive(Debug)]
struct NamedRoot {
    host: String,
    state: LookedUp,
}

#[derive(Debug)]
enum LookedUp {
    Awaited,
    Found,
    Unresolved(Unresolved),
}

impl NamedRoots {
    /// A name is being looked up.
    pub(super) fn expect(&mut self, host: String) {
        self.0.push(NamedRoot { host, state: LookedUp::Awaited });
    }

    /// What the look-up of a name has come to. Returns whether it was awaited.
    pub(super) fn settle(&mut self, host: &str, outcome: Result<(), Unresolved>) -> bool {
        let mut awaited = self.0.iter_mut().filter(|root| root.is_awaited());
        let Some(root) = awaited.find(|root| root.host == host) else { return false };
        root.state = match outcome {
            Ok(()) => LookedUp::Found,
            Err(reason) => LookedUp::Unresolved(reason),
        };
        true
    }

    /// Whether any name is still looked up.
    pub(super) fn are_awaited(&self) -> bool {
        self.0.iter().any(NamedRoot::is_awaited)
    }

    /// Those that have no address, if the descent ends now.
    pub(super) fn unresolved(&self) -> Vec<UnresolvedRoot> {
        let reason = |state: &LookedUp| match state {
            LookedUp::Awaited => Some(Unresolved::Late),
            LookedUp::Found => None,
            LookedUp::Unresolved(reason) => Some(reason.clone()),
        };
        let unresolved =
            |root: &NamedRoot| Some(UnresolvedRoot::new(&root.host, reason(&root.state)?));
        self.0.iter().filter_map(unresolved).collect()
    }
}

impl NamedRoot {
    fn is_awaited(&self) -> bool {
        matches!(self.state, LookedUp::Awaited)
    }
}
