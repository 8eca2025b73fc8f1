use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use super::quoted::quoted;

/// The port of a balance server, where an address names none.
///
/// ```
/// use turn_balance::{DEFAULT_PORT, Endpoint};
///
/// let root: Endpoint = "203.0.113.7".parse()?;
/// assert_eq!(root, Endpoint::Addr(([203, 0, 113, 7], DEFAULT_PORT).into()));
/// # Ok::<(), turn_balance::EndpointError>(())
/// ```
pub const DEFAULT_PORT: u16 = 3001;

/// Where a balance server is reached: an IP address or a host name, and a port.
///
/// Written `HOST[:PORT]`, port 3001 if left out, IPv6 in brackets. A host name stands for all its
/// addresses.
///
/// ```
/// use turn_balance::Endpoint;
///
/// let endpoint: Endpoint = "root.example".parse()?;
/// assert_eq!(endpoint, Endpoint::Name("root.example".into(), 3001));
/// # Ok::<(), turn_balance::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A numeric address: nothing to look up.
    Addr(SocketAddr),
    /// A host name and a port.
    Name(String, u16),
}

/// A text that is no [`Endpoint`]; each has the part that is wrong.
///
/// Told by an [`Endpoint`] that is parsed, where an example is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is a URL, such as `udp://root.example`: it takes no scheme.
    #[error("{} is a URL, expected {}", quoted(.0), quoted(authority(.0)))]
    Url(String),
    /// What stands for a port is none.
    #[error("{} has a bad port, expected 1 to 65535", quoted(.0))]
    Port(String),
    /// It looks like an IPv4 address, and is none.
    #[error("{} is not an IP address", quoted(.0))]
    Ipv4(String),
    /// It looks like an IPv6 address, and is none.
    #[error("{} is not an IPv6 address", quoted(.0))]
    Ipv6(String),
    /// It is no host name (RFC 1123).
    #[error("{} is neither an IP address nor a host name", quoted(.0))]
    Host(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.contains("://") {
            return Err(EndpointError::Url(text.to_owned()));
        }
        if text.starts_with('[') || text.matches(':').count() > 1 {
            return ipv6(text).map(Self::from);
        }
        let (host, port) = match text.split_once(':') {
            Some((host, digits)) => {
                (host, port(digits).ok_or_else(|| EndpointError::Port(text.to_owned()))?)
            }
            None => (text, DEFAULT_PORT),
        };
        if let Ok(ip) = host.parse::<Ipv4Addr>() {
            return Ok(Self::Addr((ip, port).into()));
        }
        check_host(host)?;
        Ok(Self::Name(host.to_ascii_lowercase(), port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => write!(f, "{addr}"),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(unmapped(addr))
    }
}

/// What a URL has between its scheme and its path, or what that should be.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty()).unwrap_or("HOST[:PORT]")
}

/// An IPv4-mapped IPv6 address is the IPv4 address.
pub(crate) fn unmapped(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(ip) => (ip, v6.port()).into(),
            None => addr,
        },
        SocketAddr::V4(_) => addr,
    }
}

/// What separates a host name from an address gone wrong and from nonsense.
pub(crate) fn check_host(host: &str) -> Result<(), EndpointError> {
    // What the standards allow: RFC 1123 for the labels, RFC 1035 for the lengths.
    const MAX_HOST: usize = 253;
    const MAX_LABEL: usize = 63;

    let labels = host.strip_suffix('.').unwrap_or(host); // a dot at the end: the name is absolute
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last = labels.rsplit('.').next().unwrap_or_default();

    if !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) {
        Err(EndpointError::Ipv4(host.to_owned()))
    } else if labels.len() > MAX_HOST || !labels.split('.').all(is_label) {
        Err(EndpointError::Host(host.to_owned()))
    } else {
        Ok(())
    }
}

/// `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:3001`.
fn ipv6(text: &str) -> Result<SocketAddr, EndpointError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, DEFAULT_PORT),
        Some((host, rest)) => {
            let digits = rest.strip_prefix(':');
            let port = digits.and_then(port).ok_or_else(|| EndpointError::Port(text.to_owned()))?;
            (host, port)
        }
        None => (text, DEFAULT_PORT),
    };
    // With its scope (`fe80::1%2`) only a socket address is parsed.
    match format!("[{host}]:{port}").parse::<SocketAddrV6>() {
        Ok(addr) => Ok(unmapped(addr.into())),
        Err(_) => Err(EndpointError::Ipv6(text.to_owned())),
    }
}

/// A port in plain digits: `str::parse` alone would let a sign pass.
fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, addr) in [
            ("127.0.0.1", "127.0.0.1:3001"),
            ("203.0.113.7:4000", "203.0.113.7:4000"),
            ("203.0.113.7:0", "203.0.113.7:0"),
            ("::1", "[::1]:3001"),
            ("[::1]", "[::1]:3001"),
            ("[2001:db8::7]:4000", "[2001:db8::7]:4000"),
            ("2001:db8::7:4000", "[2001:db8::7:4000]:3001"),
            ("fe80::1%2", "[fe80::1%2]:3001"),
            ("[fe80::1%2]:4000", "[fe80::1%2]:4000"),
            ("::ffff:203.0.113.7", "203.0.113.7:3001"),
            ("[::ffff:203.0.113.7]:4000", "203.0.113.7:4000"),
        ] {
            assert_eq!(text.parse(), Ok(Endpoint::Addr(addr.parse().unwrap())));
        }
    }

    #[test]
    fn names() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        for (text, host, port) in [
            ("root.example", "root.example", 3001),
            ("Root.Example:4000", "root.example", 4000),
            ("localhost", "localhost", 3001),
            ("root.example.", "root.example.", 3001),
            ("4.3.2.1.in-addr.example", "4.3.2.1.in-addr.example", 3001),
            ("1a.2b", "1a.2b", 3001),
            (longest.as_str(), longest.as_str(), 3001),
        ] {
            assert_eq!(text.parse(), Ok(Endpoint::Name(host.into(), port)));
        }
    }

    #[test]
    fn nonsense() {
        let label = "a".repeat(64);
        let too_long = "a.".repeat(126) + "aa";
        for (text, message) in [
            ("udp://root.example", "`udp://root.example` is a URL, expected `root.example`"),
            ("udp://", "`udp://` is a URL, expected `HOST[:PORT]`"),
            ("http://[::1]:80/a?b", "`http://[::1]:80/a?b` is a URL, expected `[::1]:80`"),
            ("", "`` is neither an IP address nor a host name"),
            (":3001", "`` is neither an IP address nor a host name"),
            (".", "`.` is neither an IP address nor a host name"),
            ("256.1.1.1", "`256.1.1.1` is not an IP address"),
            ("1.2.3:3001", "`1.2.3` is not an IP address"),
            ("root.7", "`root.7` is not an IP address"),
            ("192.0.2.1:", "`192.0.2.1:` has a bad port, expected 1 to 65535"),
            ("root:+80", "`root:+80` has a bad port, expected 1 to 65535"),
            ("root:65536", "`root:65536` has a bad port, expected 1 to 65535"),
            ("[::1]3001", "`[::1]3001` has a bad port, expected 1 to 65535"),
            ("[::1]:", "`[::1]:` has a bad port, expected 1 to 65535"),
            ("[::1", "`[::1` is not an IPv6 address"),
            ("[root]:3001", "`[root]:3001` is not an IPv6 address"),
            ("[192.0.2.1]", "`[192.0.2.1]` is not an IPv6 address"),
            ("2001:db8::g", "`2001:db8::g` is not an IPv6 address"),
            ("a..b", "`a..b` is neither an IP address nor a host name"),
            ("-a.example", "`-a.example` is neither an IP address nor a host name"),
            ("a-.example", "`a-.example` is neither an IP address nor a host name"),
            ("a_b.example", "`a_b.example` is neither an IP address nor a host name"),
            (" root", "` root` is neither an IP address nor a host name"),
            ("röot", "`röot` is neither an IP address nor a host name"),
            ("ro\u{1b}[1mot", r"`ro\u{1b}[1mot` is neither an IP address nor a host name"),
            (&label, &format!("`{label}` is neither an IP address nor a host name")),
            (
                &too_long,
                &format!("`{}…` is neither an IP address nor a host name", &too_long[..100]),
            ),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
