use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::canonical::canonical;
use super::host::{check_host, is_number};
use super::quoted::quoted;

/// Where a STUN or TURN server is reached, and how: the URI of RFC 7064 and RFC 7065.
///
/// `stun:HOST[:PORT]`, `stuns:HOST[:PORT]`, `turn:HOST[:PORT][?transport=udp|tcp]`, and `turns:` likewise;
/// IPv6 in brackets. Written as it was read, but for capitals.
///
/// ```
/// use turn_balance::{TurnScheme, TurnTransport, TurnUrl};
///
/// let url: TurnUrl = "turns:fra.turn.example?transport=tcp".parse()?;
/// assert_eq!((url.scheme(), url.host(), url.port()), (TurnScheme::Turns, "fra.turn.example", 5349));
/// assert_eq!(url.transport(), TurnTransport::Tcp);
/// assert_eq!(url.to_string(), "turns:fra.turn.example?transport=tcp");
/// # Ok::<(), turn_balance::TurnUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnUrl {
    scheme: TurnScheme,
    /// A name, or an IP address without brackets.
    host: Box<str>,
    port: Option<u16>,
    transport: Option<TurnTransport>,
}

/// What is spoken at a [`TurnUrl`], and whether inside of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TurnScheme {
    /// STUN.
    Stun,
    /// STUN inside of TLS.
    Stuns,
    /// TURN.
    Turn,
    /// TURN inside of TLS.
    Turns,
}

/// What a [`TurnUrl`] is reached by. With a scheme that is inside of TLS, TCP is TLS and UDP is DTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TurnTransport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

/// A text that is no [`TurnUrl`]; each has the part that is wrong.
///
/// ```
/// use turn_balance::{TurnUrl, TurnUrlError};
///
/// let error = "https:turn.example".parse::<TurnUrl>().unwrap_err();
/// assert_eq!(error, TurnUrlError::Scheme("https:turn.example".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TurnUrlError {
    /// It does not begin with one of the four schemes.
    #[error("{} begins with none of `turn:`, `turns:`, `stun:` and `stuns:`", quoted(.0))]
    Scheme(String),
    /// It has the slashes of a web address behind its scheme.
    #[error("{} has slashes behind its scheme, where none belong", quoted(.0))]
    Slashes(String),
    /// What stands for a host is none: RFC 3986 has letters, digits and `-._~` for its name.
    #[error("{} is neither an IP address nor a host name", quoted(.0))]
    Host(String),
    /// An IPv6 address without brackets, or brackets around something else.
    #[error("{} is not an IPv6 address in brackets", quoted(.0))]
    Ipv6(String),
    /// What stands for a port is none.
    #[error("{} has a bad port, expected 1 to 65535", quoted(.0))]
    Port(String),
    /// What stands behind the `?` is not the transport of a TURN server.
    #[error("{} is not a transport, expected {}", quoted(.0), QUERIES)]
    Query(String),
    /// A STUN server's has no transport.
    #[error("{} has a transport, which only `turn:` and `turns:` have", quoted(.0))]
    StunTransport(String),
}

const QUERIES: &str = "`transport=udp` or `transport=tcp`";

/// The longest name of a host that DNS knows (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

impl TurnUrl {
    /// The longest that can be read, in bytes.
    pub const MAX_LEN: usize = "turns:".len() + MAX_HOST + ":65535?transport=tcp".len();

    /// Of a TURN server at this address, asked over UDP.
    ///
    /// ```
    /// let url = turn_balance::TurnUrl::udp("203.0.113.52:3478".parse().unwrap());
    /// assert_eq!(url.to_string(), "turn:203.0.113.52:3478?transport=udp");
    /// ```
    pub fn udp(addr: SocketAddr) -> Self {
        let addr = canonical(addr);
        Self {
            scheme: TurnScheme::Turn,
            host: addr.ip().to_string().into(),
            port: Some(addr.port()),
            transport: Some(TurnTransport::Udp),
        }
    }

    /// What is spoken there.
    pub fn scheme(&self) -> TurnScheme {
        self.scheme
    }

    /// A host name in small letters, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address in its place of a host name, where there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port: where it names none, 3478, or 5349 inside of TLS.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_secure() { 5349 } else { 3478 })
    }

    /// What it is reached by: where it does not say so, UDP, or TCP inside of TLS.
    pub fn transport(&self) -> TurnTransport {
        let default = if self.is_secure() { TurnTransport::Tcp } else { TurnTransport::Udp };
        self.transport.unwrap_or(default)
    }

    /// Whether it is inside of TLS.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme, TurnScheme::Stuns | TurnScheme::Turns)
    }

    /// Whether it is a TURN server's.
    pub fn is_turn(&self) -> bool {
        matches!(self.scheme, TurnScheme::Turn | TurnScheme::Turns)
    }

    /// The same with what it leaves out.
    pub(crate) fn in_full(&self) -> Self {
        let transport = self.is_turn().then_some(self.transport());
        Self { port: Some(self.port()), transport, ..self.clone() }
    }
}

impl TurnScheme {
    const ALL: [Self; 4] = [Self::Stun, Self::Stuns, Self::Turn, Self::Turns];

    /// The word for it, without the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }
}

impl TurnTransport {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl FromStr for TurnUrl {
    type Err = TurnUrlError;

    fn from_str(text: &str) -> Result<Self, TurnUrlError> {
        let whole = || text.to_owned();
        let (scheme, rest) = text.split_once(':').ok_or_else(|| TurnUrlError::Scheme(whole()))?;
        let scheme = TurnScheme::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(scheme));
        let scheme = scheme.ok_or_else(|| TurnUrlError::Scheme(whole()))?;
        if rest.starts_with("//") {
            return Err(TurnUrlError::Slashes(whole()));
        }
        let (authority, query) =
            rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
        let (host, port) = split(authority)?;
        let port = port.map(|digits| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let port = digits.parse().ok().filter(|port: &u16| plain && *port != 0);
            port.ok_or_else(|| TurnUrlError::Port(whole()))
        });
        let url = Self { scheme, host, port: port.transpose()?, transport: None };
        let Some(query) = query else { return Ok(url) };
        if !url.is_turn() {
            return Err(TurnUrlError::StunTransport(whole()));
        }
        let transport = [TurnTransport::Udp, TurnTransport::Tcp].into_iter().find(|transport| {
            let value = query.strip_prefix("transport=");
            value.is_some_and(|value| value.eq_ignore_ascii_case(transport.as_str()))
        });
        match transport {
            Some(_) => Ok(Self { transport, ..url }),
            None => Err(TurnUrlError::Query(query.to_owned())),
        }
    }
}

impl fmt::Display for TurnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, transport } = self;
        match host.contains(':') {
            true => write!(f, "{scheme}:[{host}]")?,
            false => write!(f, "{scheme}:{host}")?,
        }
        if let Some(port) = port {
            write!(f, ":{port}")?;
        }
        match transport {
            Some(transport) => write!(f, "?transport={transport}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TurnScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for TurnTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The host, the one way that compares, and the digits of a port.
pub(super) fn split(authority: &str) -> Result<(Box<str>, Option<&str>), TurnUrlError> {
    let v6 = || TurnUrlError::Ipv6(authority.to_owned());
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(v6)?;
        let ip: Ipv6Addr = host.parse().map_err(|_| v6())?;
        let ip = canonical((ip, 0).into()).ip();
        return match rest.strip_prefix(':') {
            Some(port) => Ok((ip.to_string().into(), Some(port))),
            None if rest.is_empty() => Ok((ip.to_string().into(), None)),
            None => Err(TurnUrlError::Port(authority.to_owned())),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((_, rest)) if rest.contains(':') => return Err(v6()),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_name = |host: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        // What ends in a number is an IPv4 address to a browser, or nothing (WHATWG, "ends in a number").
        let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next();
        let named = host.parse::<Ipv4Addr>().is_ok() || !last.is_some_and(is_number);
        host.len() <= MAX_HOST && host.bytes().all(plain) && named && check_host(host).is_ok()
    };
    match is_name(host) {
        true => Ok((host.to_ascii_lowercase().into(), port)),
        false => Err(TurnUrlError::Host(host.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> TurnUrl {
        text.parse().unwrap()
    }

    /// The examples of RFC 7064, appendix A, and RFC 7065, appendix A, and others.
    #[test]
    fn what_a_url_means() {
        use TurnTransport::{Tcp, Udp};
        for (text, secure, port, transport) in [
            ("stun:example.org", false, 3478, Udp),
            ("stuns:example.org", true, 5349, Tcp),
            ("stun:example.org:8000", false, 8000, Udp),
            ("turn:example.org", false, 3478, Udp),
            ("turns:example.org", true, 5349, Tcp),
            ("turn:example.org:8000", false, 8000, Udp),
            ("turn:example.org?transport=udp", false, 3478, Udp),
            ("turn:example.org?transport=tcp", false, 3478, Tcp),
            ("turns:example.org?transport=tcp", true, 5349, Tcp),
            ("turns:example.org:443?transport=udp", true, 443, Udp),
            ("turn:203.0.113.7:1", false, 1, Udp),
            ("turn:[2001:db8::7]:1?transport=tcp", false, 1, Tcp),
            ("turn:[2001:db8::7]", false, 3478, Udp),
        ] {
            let url = url(text);
            assert_eq!((url.is_secure(), url.port(), url.transport()), (secure, port, transport));
            assert_eq!(url.to_string(), text);
            assert_eq!(url.is_turn(), text.starts_with("turn"));
        }
        assert_eq!(url("TURNS:Example.ORG?transport=TCP"), url("turns:example.org?transport=tcp"));
        assert_eq!(url("turn:[::ffff:203.0.113.7]"), url("turn:203.0.113.7"));
        assert_eq!(url("turn:[2001:db8:0::7]").ip(), Some("2001:db8::7".parse().unwrap()));
        assert_eq!(url("turn:a.example").ip(), None);
    }

    #[test]
    fn two_ways_to_write_one_url() {
        let full = url("turn:a.example:3478?transport=udp");
        assert_ne!(url("turn:a.example"), full);
        assert_eq!(url("turn:a.example").in_full(), full);
        assert_eq!(url("stun:a.example").in_full(), url("stun:a.example:3478"));
        let addr: SocketAddr = "[2001:db8::7]:1".parse().unwrap();
        assert_eq!(TurnUrl::udp(addr), url("turn:[2001:db8::7]:1?transport=udp"));
    }

    #[test]
    fn nonsense() {
        let long = format!("turn:{}", "a".repeat(MAX_HOST + 1));
        for (text, message) in [
            ("", "`` begins with none of `turn:`, `turns:`, `stun:` and `stuns:`"),
            ("turn", "`turn` begins with none of `turn:`, `turns:`, `stun:` and `stuns:`"),
            (
                "a.example:1",
                "`a.example:1` begins with none of `turn:`, `turns:`, `stun:` and `stuns:`",
            ),
            ("turn://a", "`turn://a` has slashes behind its scheme, where none belong"),
            ("turn:", "`` is neither an IP address nor a host name"),
            ("turn:?transport=udp", "`` is neither an IP address nor a host name"),
            ("turn:me@a", "`me@a` is neither an IP address nor a host name"),
            ("turn:a b", "`a b` is neither an IP address nor a host name"),
            ("turn:a/b", "`a/b` is neither an IP address nor a host name"),
            ("turn:röot", "`röot` is neither an IP address nor a host name"),
            ("turn:1.2.3", "`1.2.3` is neither an IP address nor a host name"),
            ("turn:0x7f.1", "`0x7f.1` is neither an IP address nor a host name"),
            ("turn:0x7F000001", "`0x7F000001` is neither an IP address nor a host name"),
            ("turn:a.0xa.", "`a.0xa.` is neither an IP address nor a host name"),
            ("turn:a.7", "`a.7` is neither an IP address nor a host name"),
            ("turn:2001:db8::7", "`2001:db8::7` is not an IPv6 address in brackets"),
            ("turn:[a]", "`[a]` is not an IPv6 address in brackets"),
            ("turn:[::1", "`[::1` is not an IPv6 address in brackets"),
            ("turn:[fe80::1%2]", "`[fe80::1%2]` is not an IPv6 address in brackets"),
            ("turn:[::1]1", "`[::1]1` has a bad port, expected 1 to 65535"),
            ("turn:a:", "`turn:a:` has a bad port, expected 1 to 65535"),
            ("turn:a:0", "`turn:a:0` has a bad port, expected 1 to 65535"),
            ("turn:a:+1", "`turn:a:+1` has a bad port, expected 1 to 65535"),
            ("turn:a:65536", "`turn:a:65536` has a bad port, expected 1 to 65535"),
            ("turn:a?x", "`x` is not a transport, expected `transport=udp` or `transport=tcp`"),
            (
                "turn:a?transport=tls",
                "`transport=tls` is not a transport, expected `transport=udp` or `transport=tcp`",
            ),
            (
                "stun:a?transport=udp",
                "`stun:a?transport=udp` has a transport, which only `turn:` and `turns:` have",
            ),
        ] {
            assert_eq!(text.parse::<TurnUrl>().unwrap_err().to_string(), message);
        }
        assert_eq!(long.parse::<TurnUrl>(), Err(TurnUrlError::Host(long[5..].to_owned())));
    }

    #[test]
    fn it_ends() {
        let longest = format!("turns:{}:65535?transport=tcp", "a".repeat(MAX_HOST));
        assert_eq!(longest.len(), TurnUrl::MAX_LEN);
        assert_eq!(url(&longest).to_string(), longest);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            scheme in "stuns?|turns?|TURN",
            host in "[a-zA-Z]([a-zA-Z0-9-]{0,9}\\.){0,3}[a-z]{1,5}|203\\.0\\.113\\.[1-9]|\\[2001:db8::[1-9a-f]{1,4}\\]",
            port in proptest::option::of(1..=u16::MAX),
            transport in proptest::option::of("udp|tcp"),
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let transport = transport.filter(|_| scheme.to_lowercase().starts_with("turn"));
            let query = transport.map(|transport| format!("?transport={transport}"));
            let text = format!("{scheme}:{host}{port}{}", query.unwrap_or_default());
            let url = url(&text);
            prop_assert_eq!(url.to_string(), text.to_ascii_lowercase());
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(stuns?|turns?)?:?[\\[\\]:?a-f0-9.=% ]{0,20}") {
            if let Ok(url) = text.parse::<TurnUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
