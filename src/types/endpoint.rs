use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use super::canonical::canonical;
use super::endpoint_error::EndpointError;
use super::host::{check_host, has_dot, is_service, is_srv};
use super::link_addr::LinkAddr;

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

/// Where balance servers are reached: an IP address or a host name, and a port; or what SRV records name.
///
/// Written `HOST[:PORT]`, port 3001 if left out, IPv6 in brackets. A host name stands for all its
/// addresses; which names there are the system's resolver knows. A link-local address has its interface
/// behind it, by name or number: `fe80::7%eth0`.
///
/// ```
/// use turn_balance::Endpoint;
///
/// let endpoint: Endpoint = "root.example:3001".parse()?;
/// assert_eq!(endpoint, Endpoint::Name("root.example".into(), 3001));
///
/// // With a dot and without a port: the records `_tb._udp.example.org` count too.
/// let domain: Endpoint = "example.org".parse()?;
/// assert_eq!(domain, Endpoint::Domain("example.org".into()));
/// # Ok::<(), turn_balance::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A numeric address: nothing to look up.
    Addr(SocketAddr),
    /// A host name and a port; a link-local address with the name of an interface is one too.
    Name(String, u16),
    /// A host name without a port. To a client, which has the feature `dns`, it is what the SRV records
    /// `_tb._udp` below it name, and the host itself at port 3001; to a server that host alone.
    Domain(String),
    /// What the SRV records of this name name: hosts, each with its port.
    Srv(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Ok(match Self::at_port(text, DEFAULT_PORT)? {
            Self::Name(host, _) if !text.contains(':') && is_srv(&host) => Self::Srv(host),
            Self::Name(host, _) if !text.contains(':') && has_dot(&host) => Self::Domain(host),
            endpoint => endpoint,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => write!(f, "{addr}"),
            Self::Name(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::Domain(host) | Self::Srv(host) => f.write_str(host),
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

    /// What SRV records of this name name.
    pub(crate) fn srv(text: &str) -> Result<Self, EndpointError> {
        match Self::at_port(text, DEFAULT_PORT)? {
            Self::Name(host, _) if !text.contains(':') && is_service(&host) => Ok(Self::Srv(host)),
            _ => Err(EndpointError::Srv(text.to_owned())),
        }
    }

    /// What keeps it from being asked, whatever it was made of.
    pub(crate) fn check(&self) -> Result<(), EndpointError> {
        if let Self::Name(host, _) | Self::Domain(host) | Self::Srv(host) = self {
            check_host(host)?;
        }
        if let Self::Srv(host) = self
            && !is_service(host)
        {
            return Err(EndpointError::Srv(host.clone()));
        }
        match self.port() {
            0 => Err(EndpointError::PortZero(self.to_string())),
            _ => Ok(()),
        }
    }

    /// As it is shown: without the dot at the end of a name, which keeps the system from trying others.
    #[cfg(feature = "server")]
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Name(host, port) => {
                Self::Name(host.trim_end_matches('.').to_owned(), *port).to_string()
            }
            other => other.to_string(),
        }
    }

    /// What it is without the port, and without brackets.
    pub fn host(&self) -> String {
        match self {
            Self::Addr(SocketAddr::V6(addr)) if addr.scope_id() != 0 => {
                format!("{}%{}", addr.ip(), addr.scope_id())
            }
            Self::Addr(addr) => addr.ip().to_string(),
            Self::Name(host, _) | Self::Domain(host) | Self::Srv(host) => host.clone(),
        }
    }

    /// Its port; where SRV records name others, that of a host without one.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Addr(addr) => addr.port(),
            Self::Name(_, port) => *port,
            Self::Domain(_) | Self::Srv(_) => DEFAULT_PORT,
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

/// Whether a text is one of RFC 7064 or 7065; `turn:3478` is a port of the host `turn`.
fn is_turn_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let schemes = ["turn", "turns", "stun", "stuns"];
    let is_port = rest.bytes().all(|b| b.is_ascii_digit());
    schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !is_port
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
            assert_eq!(Endpoint::at_port(text, 3001).as_ref(), Ok(&endpoint));
            assert_eq!(endpoint.check(), Ok(()));
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
    }

    #[test]
    fn without_a_port_a_name_of_dns_is_a_domain() {
        let domain = |host: &str| Endpoint::Domain(host.into());
        for (text, expected) in [
            ("Example.org", domain("example.org")),
            ("example.org.", domain("example.org.")),
            ("_sip.my_root.example", domain("_sip.my_root.example")),
            ("localhost", Endpoint::Name("localhost".into(), 3001)),
            ("localhost.", Endpoint::Name("localhost.".into(), 3001)),
            ("my_root", Endpoint::Name("my_root".into(), 3001)),
            ("_tb._udp.Example.org", Endpoint::Srv("_tb._udp.example.org".into())),
            ("_tb._udp.example.org:3001", Endpoint::Name("_tb._udp.example.org".into(), 3001)),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint, expected);
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint.clone()));
            assert_eq!((endpoint.check(), endpoint.port()), (Ok(()), 3001));
        }
    }

    #[cfg(feature = "server")]
    #[test]
    fn a_dot_at_the_end_is_not_shown() {
        for (text, plain) in [
            ("fra.example.org.:3001", "fra.example.org:3001"),
            ("fra.example.org:3002", "fra.example.org:3002"),
            ("[2001:db8::7]:3001", "[2001:db8::7]:3001"),
            ("_tb._udp.example.org", "_tb._udp.example.org"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().plain(), plain);
        }
    }

    #[test]
    fn names_of_srv_records() {
        for text in ["_tb._udp.example.org", "_tb._eu.service.example."] {
            assert_eq!(Endpoint::srv(text), Ok(Endpoint::Srv(text.into())));
        }
        for text in [
            "203.0.113.7",
            "2001:db8::7",
            "_tb._udp.example.org:3001",
            "fe80::1%eth0",
            "example.org",
            "_udp.example.org",
            "_tb._udp",
            "_._udp.example.org",
        ] {
            assert_eq!(Endpoint::srv(text), Err(EndpointError::Srv(text.into())));
        }
        assert!(matches!(Endpoint::srv("a b"), Err(EndpointError::Host(_))));
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
