use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use super::canonical::canonical;
use super::link_addr::LinkAddr;
use super::quoted::{ORDERS, escaped, quoted};

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
/// addresses; which names there are the system's resolver knows. A link-local address has its interface
/// behind it, by name or number: `fe80::7%eth0`.
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
    /// A host name and a port; a link-local address with the name of an interface is one too.
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
    /// It is the URI of a TURN or STUN server, such as `turn:turn.example`: it takes no scheme.
    #[error("{} is the URI of a TURN server, expected {}", quoted(.0), quoted(behind_scheme(.0)))]
    TurnUri(String),
    /// What stands for a port is none.
    #[error("{} has a bad port, expected 1 to 65535", quoted(.0))]
    Port(String),
    /// It has port 0, which stands for any port where one listens, and can be asked nowhere.
    #[error("{} has port 0, expected 1 to 65535", quoted(.0))]
    PortZero(String),
    /// It looks like an IPv4 address, and is none.
    #[error("{} is not an IP address", quoted(.0))]
    Ipv4(String),
    /// It looks like an IPv6 address, and is none.
    #[error("{} is not an IPv6 address", quoted(.0))]
    Ipv6(String),
    /// It has no port, where one must stand.
    #[error("{} has no port", quoted(.0))]
    NoPort(String),
    /// It is a host name, where only an address can stand.
    #[error("{} is a host name, expected an IP address and a port", quoted(.0))]
    Name(String),
    /// It names an interface, which only a link-local address has.
    #[error("{} names an interface, but is not link-local", quoted(.0))]
    Interface(String),
    /// It has what no host name has: blanks, control characters or what parts of a URL begin with.
    #[error("{} is neither an IP address nor a host name", quoted(.0))]
    Host(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::at_port(text, DEFAULT_PORT)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => write!(f, "{addr}"),
            Self::Name(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(canonical(addr))
    }
}

impl Endpoint {
    /// The same text, but with another port where it has none.
    pub(crate) fn at_port(text: &str, default: u16) -> Result<Self, EndpointError> {
        if text.contains("://") {
            return Err(EndpointError::Url(text.to_owned()));
        }
        let (mut endpoint, has_port) = parse(text)?;
        match &mut endpoint {
            Self::Addr(addr) if !has_port => addr.set_port(default),
            Self::Name(_, port) if !has_port => *port = default,
            _ => {}
        }
        match endpoint.port() {
            0 => Err(EndpointError::PortZero(text.to_owned())),
            _ => Ok(endpoint),
        }
    }

    /// What keeps it from being asked, whatever it was made of.
    pub(crate) fn check(&self) -> Result<(), EndpointError> {
        if let Self::Name(host, _) = self {
            check_host(host)?;
        }
        match self.port() {
            0 => Err(EndpointError::PortZero(self.to_string())),
            _ => Ok(()),
        }
    }

    /// What it is without the port, and without brackets.
    pub fn host(&self) -> String {
        match self {
            Self::Addr(SocketAddr::V6(addr)) if addr.scope_id() != 0 => {
                format!("{}%{}", addr.ip(), addr.scope_id())
            }
            Self::Addr(addr) => addr.ip().to_string(),
            Self::Name(host, _) => host.clone(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Addr(addr) => addr.port(),
            Self::Name(_, port) => *port,
        }
    }
}

/// What a text means, whichever port it has; and whether it has one.
pub(super) fn parse(text: &str) -> Result<(Endpoint, bool), EndpointError> {
    if is_turn_uri(text) {
        return Err(EndpointError::TurnUri(text.to_owned()));
    }
    let is_v6 = text.starts_with('[') || text.matches(':').count() > 1;
    let (host, rest) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        None if is_v6 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = rest.map(|digits| port(digits).ok_or_else(|| EndpointError::Port(text.to_owned())));
    let (port, has_port) = (port.unwrap_or(Ok(DEFAULT_PORT))?, rest.is_some());
    let endpoint = match host.parse::<Ipv4Addr>() {
        _ if is_v6 => v6(text, host, port)?,
        Ok(ip) => Endpoint::Addr((ip, port).into()),
        Err(_) => {
            check_host(host)?;
            Endpoint::Name(host.to_ascii_lowercase(), port)
        }
    };
    Ok((endpoint, has_port))
}

fn v6(text: &str, host: &str, port: u16) -> Result<Endpoint, EndpointError> {
    // With the number of its interface (`fe80::7%2`) only a socket address is parsed.
    if let Ok(addr) = format!("[{host}]:{port}").parse::<SocketAddrV6>() {
        return Ok(Endpoint::from(SocketAddr::from(addr)));
    }
    let addr: LinkAddr = host.parse().map_err(|()| EndpointError::Ipv6(text.to_owned()))?;
    if !addr.ip.is_unicast_link_local() {
        return Err(EndpointError::Interface(text.to_owned()));
    }
    Ok(Endpoint::Name(addr.to_string(), port))
}

/// What a URL has between its scheme and its path, or what that should be.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty()).unwrap_or("HOST[:PORT]")
}

/// Whether a text is one of RFC 7064 or 7065; `turn:3478` is a port of the host `turn`.
fn is_turn_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let schemes = ["turn", "turns", "stun", "stuns"];
    let is_port = rest.bytes().all(|b| b.is_ascii_digit());
    schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !is_port
}

/// What such a text has between its scheme and its transport.
fn behind_scheme(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.split('?').next().filter(|host| !host.is_empty()).unwrap_or("HOST[:PORT]")
}

/// What separates a host name from an address gone wrong and from nonsense. Whether a name is one, and
/// whose, the resolver knows: hosts files, container networks and DNS have names of all kinds.
pub(crate) fn check_host(host: &str) -> Result<(), EndpointError> {
    // What no host of a URL has (WHATWG's forbidden domain code points), with what lists are separated
    // by and a shell's orders.
    let is_forbidden = |c: char| c.is_whitespace() || "%/:@,".contains(c) || ORDERS.contains(c);

    // A program may write an address as a name.
    if host.parse::<IpAddr>().is_ok() || LinkAddr::of(host).is_some() {
        Ok(())
    } else if host.is_empty() || host.contains(is_forbidden) || escaped(host) != host {
        Err(EndpointError::Host(host.to_owned()))
    } else if host.split('.').all(|part| part.is_empty() || is_number(part)) {
        // Some resolvers take `1.2.3` and `0x1.2.3` for 1.2.0.3.
        Err(EndpointError::Ipv4(host.to_owned()))
    } else {
        Ok(())
    }
}

/// Whether a part of a host is a number to those who read IPv4 addresses as `inet_aton` does: in digits, or
/// in hexadecimal ones behind `0x`.
pub(super) fn is_number(part: &str) -> bool {
    let hex = part.strip_prefix("0x").or(part.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
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
            ("::1", "[::1]:3001"),
            ("[::1]", "[::1]:3001"),
            ("[2001:db8::7]:4000", "[2001:db8::7]:4000"),
            ("2001:db8::7:4000", "[2001:db8::7:4000]:3001"),
            ("fe80::1%2", "[fe80::1%2]:3001"),
            ("[fe80::1%2]:4000", "[fe80::1%2]:4000"),
            ("2001:db8::7%2", "[2001:db8::7]:3001"),
            ("::ffff:203.0.113.7", "203.0.113.7:3001"),
            ("[::ffff:203.0.113.7]:4000", "203.0.113.7:4000"),
        ] {
            assert_eq!(text.parse(), Ok(Endpoint::Addr(addr.parse().unwrap())));
        }
    }

    #[test]
    fn another_port_where_a_text_has_none() {
        for (text, addr) in [
            ("turn.example", "turn.example:3478"),
            ("turn.example:3001", "turn.example:3001"),
            ("203.0.113.7", "203.0.113.7:3478"),
            ("2001:db8::7", "[2001:db8::7]:3478"),
            ("[2001:db8::7]:3001", "[2001:db8::7]:3001"),
        ] {
            assert_eq!(Endpoint::at_port(text, 3478).unwrap().to_string(), addr);
        }
    }

    #[test]
    fn a_host_without_its_port() {
        for (text, host) in [
            ("203.0.113.7:4000", "203.0.113.7"),
            ("[2001:db8::7]:4000", "2001:db8::7"),
            ("[fe80::7%2]:4000", "fe80::7%2"),
            ("[fe80::7%eth0]:4000", "fe80::7%eth0"),
            ("root.example:4000", "root.example"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().host(), host);
        }
    }

    #[test]
    fn names() {
        let long = "a".repeat(300);
        for (text, host, port) in [
            ("root.example", "root.example", 3001),
            ("Root.Example:4000", "root.example", 4000),
            ("localhost", "localhost", 3001),
            ("root.example.", "root.example.", 3001),
            ("4.3.2.1.in-addr.example", "4.3.2.1.in-addr.example", 3001),
            ("1a.2b", "1a.2b", 3001),
            ("0xg.0x1", "0xg.0x1", 3001),
            // What hosts files and the names of containers have.
            ("my_root", "my_root", 3001),
            ("_sip.my_root.example:4000", "_sip.my_root.example", 4000),
            ("compose-turn_1", "compose-turn_1", 3001),
            ("-a-.example", "-a-.example", 3001),
            ("root.7", "root.7", 3001),
            ("a..b", "a..b", 3001),
            ("turn:4000", "turn", 4000),
            ("röot.example", "röot.example", 3001),
            ("日本", "日本", 3001),
            (long.as_str(), long.as_str(), 3001),
            ("fe80::1%eth0", "fe80::1%eth0", 3001),
            ("[FE80:0::1%Eth-0.7]:4000", "fe80::1%Eth-0.7", 4000),
        ] {
            let endpoint = Endpoint::Name(host.into(), port);
            assert_eq!(text.parse().as_ref(), Ok(&endpoint));
            assert_eq!(endpoint.check(), Ok(()));
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
    }

    #[test]
    fn nonsense() {
        for (text, message) in [
            ("udp://root.example", "`udp://root.example` is a URL, expected `root.example`"),
            ("udp://", "`udp://` is a URL, expected `HOST[:PORT]`"),
            ("http://[::1]:80/a?b", "`http://[::1]:80/a?b` is a URL, expected `[::1]:80`"),
            (
                "turn:203.0.113.7:3478",
                "`turn:203.0.113.7:3478` is the URI of a TURN server, expected `203.0.113.7:3478`",
            ),
            (
                "TURNS:nyc.example?transport=tcp",
                "`TURNS:nyc.example?transport=tcp` is the URI of a TURN server, expected `nyc.example`",
            ),
            ("stun:?", "`stun:?` is the URI of a TURN server, expected `HOST[:PORT]`"),
            ("", "`` is neither an IP address nor a host name"),
            (":3001", "`` is neither an IP address nor a host name"),
            (".", "`.` is not an IP address"),
            ("256.1.1.1", "`256.1.1.1` is not an IP address"),
            ("1.2.3:3001", "`1.2.3` is not an IP address"),
            ("1.2.3.4.", "`1.2.3.4.` is not an IP address"),
            ("0x7f.1", "`0x7f.1` is not an IP address"),
            ("0X7F000001:1", "`0X7F000001` is not an IP address"),
            ("0xa.0.0.1", "`0xa.0.0.1` is not an IP address"),
            ("192.0.2.1:", "`192.0.2.1:` has a bad port, expected 1 to 65535"),
            ("root:+80", "`root:+80` has a bad port, expected 1 to 65535"),
            ("203.0.113.7:0", "`203.0.113.7:0` has port 0, expected 1 to 65535"),
            ("my_root:00", "`my_root:00` has port 0, expected 1 to 65535"),
            ("[::1]:0", "`[::1]:0` has port 0, expected 1 to 65535"),
            ("root:65536", "`root:65536` has a bad port, expected 1 to 65535"),
            ("[::1]3001", "`[::1]3001` has a bad port, expected 1 to 65535"),
            ("[::1]:", "`[::1]:` has a bad port, expected 1 to 65535"),
            ("[::1", "`[::1` is not an IPv6 address"),
            ("[root]:3001", "`[root]:3001` is not an IPv6 address"),
            ("[192.0.2.1]", "`[192.0.2.1]` is not an IPv6 address"),
            ("fe80::1%", "`fe80::1%` is not an IPv6 address"),
            ("fe80::1%a b", "`fe80::1%a b` is not an IPv6 address"),
            ("fe80::g%eth0", "`fe80::g%eth0` is not an IPv6 address"),
            (
                "[2001:db8::7%eth0]:1",
                "`[2001:db8::7%eth0]:1` names an interface, but is not link-local",
            ),
            ("2001:db8::g", "`2001:db8::g` is not an IPv6 address"),
            (" root", "` root` is neither an IP address nor a host name"),
            ("my root", "`my root` is neither an IP address nor a host name"),
            ("root\u{a0}", r"`root\u{a0}` is neither an IP address nor a host name"),
            ("ro\u{1b}[1mot", r"`ro\u{1b}[1mot` is neither an IP address nor a host name"),
            ("ro\u{202e}ot", r"`ro\u{202e}ot` is neither an IP address nor a host name"),
            ("root/", "`root/` is neither an IP address nor a host name"),
            ("me@root", "`me@root` is neither an IP address nor a host name"),
            ("root?a=b", "`root?a=b` is neither an IP address nor a host name"),
            ("root;ls", "`root;ls` is neither an IP address nor a host name"),
            ("root$(ls)", "`root$(ls)` is neither an IP address nor a host name"),
            ("fe80::1%eth;ls", "`fe80::1%eth;ls` is not an IPv6 address"),
            ("root,leaf", "`root,leaf` is neither an IP address nor a host name"),
            ("192.0.2.1%eth0", "`192.0.2.1%eth0` is neither an IP address nor a host name"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
