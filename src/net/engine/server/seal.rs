//! What a server knows the nonces of its own checks by.

/// Makes and knows the nonces of a server's own checks: one that comes back as a request says that
/// the node that was checked is this server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seal(u64);

impl Seal {
    /// A seal with this secret.
    pub(super) fn new(secret: u64) -> Self {
        Self(secret)
    }

    /// A nonce from 32 random bits; the others are made from them and the secret. Never 0.
    pub(super) fn nonce(self, random: u32) -> u64 {
        let mixed = (u64::from(random) ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(self.0 | 1);
        (u64::from(random) << 32 | mixed >> 32).max(1)
    }

    /// Whether a nonce is one of these; of other nonces one in four thousand million is.
    pub(super) fn is_own(self, nonce: u64) -> bool {
        self.nonce((nonce >> 32) as u32) == nonce
    }
}
