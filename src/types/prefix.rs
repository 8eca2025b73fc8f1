use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of IP addresses, such as `10.0.0.0/8` or `2001:db8::/32`. An address alone is a range
/// of one.
///
/// ```
/// use turn_balance::Prefix;
///
/// let prefix: Prefix = "10.0.0.0/8".parse()?;
/// assert!(prefix.contains("10.1.2.3".parse().unwrap()));
/// # Ok::<(), turn_balance::PrefixError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    base: IpAddr,
    len: u8,
}

/// Text that is no [`Prefix`].
///
/// Told by a [`Prefix`] that is parsed, where an example is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// It does not read as an address and a length.
    #[error("a prefix is an IP address and a length, such as 10.0.0.0/8")]
    Malformed,
    /// The length is more than an address has bits.
    #[error("an address of this kind has {0} bits, no more")]
    TooLong(u8),
    /// The address has bits that the length leaves out.
    #[error("it has bits beyond its length: {0} is meant, or another length")]
    Beyond(Prefix),
}

impl Prefix {
    /// All of IPv4.
    pub const V4: Self = Self { base: IpAddr::V4(Ipv4Addr::UNSPECIFIED), len: 0 };

    /// All of IPv6.
    pub const V6: Self = Self { base: IpAddr::V6(Ipv6Addr::UNSPECIFIED), len: 0 };

    /// The addresses of a host itself.
    pub const LOOPBACK: [Self; 2] = [
        Self { base: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), len: 8 },
        Self { base: IpAddr::V6(Ipv6Addr::LOCALHOST), len: 128 },
    ];

    /// The range of this length that an address is in; `None`: an address has fewer bits. One that is
    /// IPv4-mapped counts as IPv4.
    pub(crate) fn around(ip: IpAddr, len: u8) -> Option<Self> {
        let base = mask(ip.to_canonical(), len)?;
        Some(Self { base, len })
    }

    /// Whether an address is in it. One that is IPv4-mapped counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                self.v4_bits().is_some_and(|(base, mask)| ip.to_bits() & mask == base)
            }
            IpAddr::V6(ip) => {
                self.v6_bits().is_some_and(|(base, mask)| ip.to_bits() & mask == base)
            }
        }
    }

    /// Its base and a mask of the bits that count, if it is one of IPv4 addresses.
    pub fn v4_bits(&self) -> Option<(u32, u32)> {
        let IpAddr::V4(base) = self.base else { return None };
        Some((base.to_bits(), !u32::MAX.checked_shr(self.len.into()).unwrap_or(0)))
    }

    /// Its base and a mask of the bits that count, if it is one of IPv6 addresses.
    pub fn v6_bits(&self) -> Option<(u128, u128)> {
        let IpAddr::V6(base) = self.base else { return None };
        Some((base.to_bits(), !u128::MAX.checked_shr(self.len.into()).unwrap_or(0)))
    }
}

impl From<IpAddr> for Prefix {
    /// An address alone; one that is IPv4-mapped is IPv4.
    fn from(ip: IpAddr) -> Self {
        let base = ip.to_canonical();
        Self { base, len: if base.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (ip, len) = match text.split_once('/') {
            Some((ip, len)) => (ip, Some(len)),
            None => (text, None),
        };
        let base: IpAddr = ip.parse().map_err(|_| PrefixError::Malformed)?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let plain = |len: &str| len.bytes().all(|byte| byte.is_ascii_digit());
        let len = match len {
            Some(len) if plain(len) => len.parse().map_err(|_| PrefixError::Malformed)?,
            Some(_) => return Err(PrefixError::Malformed),
            None => bits,
        };
        let masked = mask(base, len).ok_or(PrefixError::TooLong(bits))?;
        if masked != base {
            return Err(PrefixError::Beyond(Self { base: masked, len }));
        }
        // Addresses are unmapped before they are compared.
        match base.to_canonical() {
            IpAddr::V4(ip) if base.is_ipv6() && len >= 96 => {
                Ok(Self { base: ip.into(), len: len - 96 })
            }
            _ => Ok(Self { base, len }),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.len)
    }
}

/// The first `len` bits of an address; `None`: it has fewer.
fn mask(ip: IpAddr, len: u8) -> Option<IpAddr> {
    let len = u32::from(len);
    Some(match ip {
        IpAddr::V4(ip) => {
            let beyond = u32::MAX.checked_shr(len).unwrap_or(0);
            (len <= 32).then(|| Ipv4Addr::from_bits(ip.to_bits() & !beyond))?.into()
        }
        IpAddr::V6(ip) => {
            let beyond = u128::MAX.checked_shr(len).unwrap_or(0);
            (len <= 128).then(|| Ipv6Addr::from_bits(ip.to_bits() & !beyond))?.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_what_it_says() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("10.0.0.0/8", "a00::", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::", false),
            ("::/0", "192.0.2.1", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7/32", "192.0.2.6", false),
            ("fd00::/8", "fdff::1", true),
            ("2001:db8::1/128", "2001:db8::2", false),
        ];
        for (prefix, ip, inside) in cases {
            let prefix: Prefix = prefix.parse().unwrap();
            assert_eq!(prefix.contains(ip.parse().unwrap()), inside, "{ip} in {prefix}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_told_why() {
        for text in ["", "/8", "10.0.0.0/", "10/8", "10.0.0.0/+8", "10.0.0.0/256", "x/8", "::/a"] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError::Malformed), "{text}");
        }
        assert_eq!("10.0.0.0/33".parse::<Prefix>(), Err(PrefixError::TooLong(32)));
        assert_eq!("::/129".parse::<Prefix>(), Err(PrefixError::TooLong(128)));
        let error = "10.1.2.3/8".parse::<Prefix>().unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/8 is meant"), "{error}");
        assert_eq!("fd00::/8".parse::<Prefix>().unwrap().to_string(), "fd00::/8");
    }
}
