//! Which key a node's checks are signed with: while keys are changed it may not have the one that
//! signs here.

use crate::net::wire::auth::{Key, Keys};

/// The numbers of the keys that a node may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signer {
    /// The one that it has shown: in a heartbeat from its own address, or in its answer to a check.
    shown: Option<u32>,
    /// The one of whoever says from elsewhere that the node is there. It is right for a node whose
    /// heartbeats come through a NAT, and a lie of who has another key.
    claimed: Option<u32>,
}

impl Signer {
    /// The node has shown that it has this one.
    pub(super) fn show(&mut self, key: Option<u32>) {
        self.shown = key.or(self.shown);
    }

    /// The number of the key that it has, as far as is known.
    pub(super) fn number(&self) -> Option<u32> {
        self.shown.or(self.claimed)
    }

    /// Whether any of those that it may have is one that counts.
    pub(super) fn has_any(&self, counts: impl Fn(u32) -> bool) -> bool {
        [self.shown, self.claimed].into_iter().flatten().any(counts)
    }

    /// A heartbeat names the node that is signed with this one.
    pub(super) fn hear(&mut self, key: Option<u32>, from_itself: bool) {
        if proves_key(from_itself) {
            self.show(key);
        } else {
            self.claimed = key.or(self.claimed);
        }
    }

    /// The key of a check, of which so many went before it without answer: the one that was shown,
    /// and every second time the one that is claimed. So neither a lie nor a node that has changed
    /// its key keeps the node out.
    pub(super) fn key<'a>(&self, keys: &'a Keys, sent: usize) -> Option<&'a Key> {
        let [first, second] = match sent.is_multiple_of(2) {
            true => [self.shown, self.claimed],
            false => [self.claimed, self.shown],
        };
        let known = |id: Option<u32>| id.and_then(|id| keys.get(id));
        known(first).or_else(|| known(second)).or_else(|| keys.active())
    }
}

/// Whether a heartbeat shows which key a node has.
fn proves_key(from_itself: bool) -> bool {
    planted!(KeyFromAnybody => true);
    from_itself
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_was_shown_is_tried_first_and_another_one_second() {
        let keys = Keys::new([1, 2, 3].map(|id| Key::new(id, &[id as u8; 32])));
        let tried = |signer: Signer| [0, 1, 2].map(|sent| signer.key(&keys, sent).unwrap().id());
        let mut signer = Signer::default();
        assert_eq!(tried(signer), [1, 1, 1], "the one that signs here");
        signer.hear(Some(3), false);
        assert_eq!(tried(signer), [3, 3, 3], "nothing better is known");
        signer.hear(Some(2), true);
        assert_eq!(tried(signer), [2, 3, 2]);
        signer.show(Some(3));
        signer.hear(Some(9), false);
        assert_eq!(tried(signer), [3, 3, 3], "there is no such key");
        signer.hear(None, true);
        assert_eq!(tried(signer), [3, 3, 3], "one without a tag shows nothing");
    }
}
