//! What the caller lets a descent send.

use crate::types::Prefix;

/// What a descent may send at most, however many candidates it is told of. The roots, which the
/// caller named, are not counted. Where that leaves nothing for what they list, it ends with
/// [`Failure::Limited`](crate::Failure::Limited).
///
/// ```
/// use turn_balance::Limits;
///
/// let limits = Limits::default().datagrams(64).allow(["10.0.0.0/8".parse()?]);
/// # Ok::<(), turn_balance::PrefixError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "they limit what they are given to"]
pub struct Limits {
    /// Datagrams; 16 of them are kept for the last round.
    pub datagrams: u32,
    /// Bytes of UDP payload.
    pub bytes: u64,
    /// Datagrams to one IP address (IPv6: /64) that has not answered yet. Further ones wait.
    pub unanswered: u32,
    /// The deepest level. No more than 8: nodes pass through 8 hops at most.
    pub depth: u8,
    /// Addresses that lists may name although they are nearer than the root: in a network that this
    /// host is in and the root is not, private, link-local or loopback ones. What is no host's
    /// stays refused.
    pub allow: Vec<Prefix>,
    /// Whether lists may name all private addresses.
    pub allow_private: bool,
}

impl Limits {
    /// Sends at most so many datagrams.
    pub fn datagrams(mut self, datagrams: u32) -> Self {
        self.datagrams = datagrams;
        self
    }

    /// Sends at most so many bytes of UDP payload.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sends at most so many datagrams to one IP address (IPv6: /64) that has not answered yet.
    pub fn unanswered(mut self, unanswered: u32) -> Self {
        self.unanswered = unanswered;
        self
    }

    /// Goes no deeper than this level.
    pub fn depth(mut self, depth: u8) -> Self {
        self.depth = depth;
        self
    }

    /// Lets lists name these addresses too, although they are nearer than the root.
    pub fn allow(mut self, prefixes: impl IntoIterator<Item = Prefix>) -> Self {
        self.allow.extend(prefixes);
        self
    }

    /// Whether lists may name all private addresses.
    pub fn allow_private(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            datagrams: 256,
            bytes: 64 * 1024,
            unanswered: 8,
            depth: 8,
            allow: Vec::new(),
            allow_private: false,
        }
    }
}
