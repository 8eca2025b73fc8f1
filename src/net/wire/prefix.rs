use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses that begin alike, as `203.0.113.0/24`; an address alone stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    ip: IpAddr,
    len: u8,
}

impl Prefix {
    /// The addresses of the host itself.
    pub const LOOPBACK: [Self; 2] = [
        Self { ip: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), len: 8 },
        Self { ip: IpAddr::V6(Ipv6Addr::LOCALHOST), len: 128 },
    ];

    /// Whether an address begins so.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let rest = |bits: u32| bits - u32::from(self.len).min(bits);
        match (self.ip, ip.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (a.to_bits() ^ b.to_bits()).unbounded_shr(rest(32)) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (a.to_bits() ^ b.to_bits()).unbounded_shr(rest(128)) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (ip, len) = match text.split_once('/') {
            Some((ip, len)) => (ip, Some(len.parse::<u8>().map_err(|_| PrefixError)?)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| PrefixError)?;
        let whole = if ip.is_ipv4() { 32 } else { 128 };
        let len = len.unwrap_or(whole);
        if len <= whole { Ok(Self { ip, len }) } else { Err(PrefixError) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.len)
    }
}

/// A text that is no [`Prefix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address and how many bits of it count, as `203.0.113.0/24`")]
pub struct PrefixError;
