/// Requests a second of an address, and of the networks around it; twice as many at once. 0 is
/// without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// An IPv4 address.
    pub v4_32: u32,
    /// An IPv4 /24.
    pub v4_24: u32,
    /// An IPv6 /64, the least that a subscriber has (RFC 6177).
    pub v6_64: u32,
    /// An IPv6 /56.
    pub v6_56: u32,
    /// An IPv6 /48, the most that a subscriber has.
    pub v6_48: u32,
}

impl Default for Rates {
    /// A household, and what stands behind one address of a carrier, ask less; a flood that is
    /// sent from one address or forged to hit one is cut to this.
    fn default() -> Self {
        Self { v4_32: 20, v4_24: 640, v6_64: 20, v6_56: 60, v6_48: 200 }
    }
}
