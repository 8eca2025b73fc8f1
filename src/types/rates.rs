/// Requests a second of an address, and of the networks around it; twice as many at once. 0: without
/// limit.
///
/// ```
/// use turn_balance::Rates;
///
/// let rates = Rates::default().v4_32(50);
/// assert_eq!((rates.v4_32, rates.v6_64), (50, 20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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

impl Rates {
    /// No limit anywhere.
    pub const UNLIMITED: Self = Self { v4_32: 0, v4_24: 0, v6_64: 0, v6_56: 0, v6_48: 0 };

    /// Sets the rate of an IPv4 address.
    #[must_use]
    pub const fn v4_32(mut self, rate: u32) -> Self {
        self.v4_32 = rate;
        self
    }

    /// Sets the rate of an IPv4 /24.
    #[must_use]
    pub const fn v4_24(mut self, rate: u32) -> Self {
        self.v4_24 = rate;
        self
    }

    /// Sets the rate of an IPv6 /64.
    #[must_use]
    pub const fn v6_64(mut self, rate: u32) -> Self {
        self.v6_64 = rate;
        self
    }

    /// Sets the rate of an IPv6 /56.
    #[must_use]
    pub const fn v6_56(mut self, rate: u32) -> Self {
        self.v6_56 = rate;
        self
    }

    /// Sets the rate of an IPv6 /48.
    #[must_use]
    pub const fn v6_48(mut self, rate: u32) -> Self {
        self.v6_48 = rate;
        self
    }
}

impl Default for Rates {
    /// A household, and what stands behind one address of a carrier, ask less; a flood that is
    /// sent from one address or forged to hit one is cut to this.
    fn default() -> Self {
        Self { v4_32: 20, v4_24: 640, v6_64: 20, v6_56: 60, v6_48: 200 }
    }
}
