use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::quoted::quoted;
use super::turn_url::{TurnUrl, TurnUrlError, split};

/// Where a web server is reached inside of TLS: `https://HOST[:PORT][/PATH]`, IPv6 in brackets.
///
/// As a root it is a balance server's `[http]`, asked below the path for its list. Among the URLs of a
/// TURN server it is a web server beside that, whose time tells how far it is where no UDP passes.
///
/// ```
/// use turn_balance::HttpsUrl;
///
/// let url: HttpsUrl = "https://Root.example/balance/".parse()?;
/// assert_eq!((url.host(), url.port(), url.path()), ("root.example", 443, "/balance/"));
/// assert_eq!(url.to_string(), "https://root.example/balance/");
/// # Ok::<(), turn_balance::HttpsUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpsUrl {
    /// A name, or an IP address without brackets.
    host: Box<str>,
    port: Option<u16>,
    /// Empty, or with a slash before it.
    path: Box<str>,
}

/// A text that is no [`HttpsUrl`]; each has the part that is wrong.
///
/// ```
/// use turn_balance::{HttpsUrl, HttpsUrlError};
///
/// let error = "http://root.example".parse::<HttpsUrl>().unwrap_err();
/// assert_eq!(error.to_string(), "`http://root.example` is not secure, expected `https://`");
/// assert_eq!(error, HttpsUrlError::Insecure("http://root.example".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsUrlError {
    /// It does not begin with `https://`.
    #[error("{} does not begin with `https://`", quoted(.0))]
    Scheme(String),
    /// It begins with `http://`.
    #[error("{} is not secure, expected `https://`", quoted(.0))]
    Insecure(String),
    /// It has a user before its host. The text is not repeated: a password may stand there.
    #[error("an `https:` URL has no user or password here")]
    User,
    /// What stands for a host is none.
    #[error("{} is neither an IP address nor a host name", quoted(.0))]
    Host(String),
    /// An IPv6 address without brackets, or brackets around something else.
    #[error("{} is not an IPv6 address in brackets", quoted(.0))]
    Ipv6(String),
    /// What stands for a port is none.
    #[error("{} has a bad port, expected 1 to 65535", quoted(.0))]
    Port(String),
    /// It has a query or a fragment, or its path is too long or has what no path has.
    #[error("{} is no path: a query, a fragment or a character that is to be encoded", quoted(.0))]
    Path(String),
}

/// How a TURN server is reached, or what stands for it where that is asked: a URL that is told of it.
///
/// ```
/// use turn_balance::ServerUrl;
///
/// let url: ServerUrl = "turns:fra.turn.example".parse()?;
/// assert_eq!((url.turn().is_some(), url.port()), (true, 5349));
/// let beside: ServerUrl = "https://fra.turn.example/".parse()?;
/// assert_eq!((beside.turn(), beside.host()), (None, "fra.turn.example"));
/// # Ok::<(), turn_balance::ServerUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ServerUrl {
    /// What a WebRTC client is given.
    Turn(TurnUrl),
    /// A web server beside it, to be measured by those who have no UDP and cannot speak TURN themselves.
    Https(HttpsUrl),
}

/// A text that is no [`ServerUrl`], where an example is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerUrlError {
    /// It begins with anything but `https:`, and is no TURN server's.
    #[error(transparent)]
    Turn(#[from] TurnUrlError),
    /// It begins with `https:`, and is no such URL.
    #[error(transparent)]
    Https(#[from] HttpsUrlError),
}

const SCHEME: &str = "https://";

impl HttpsUrl {
    /// The longest path that can be read, in bytes: what is told of a TURN server has to fit into a datagram
    /// with others.
    pub const MAX_PATH: usize = 128;

    /// A host name in small letters, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address in its place of a host name, where there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port: where it names none, 443.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    /// The path, with a slash before it; empty where there is none.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same with what it leaves out.
    #[cfg(feature = "server")]
    pub(crate) fn in_full(&self) -> Self {
        let path = if self.path.is_empty() { "/".into() } else { self.path.clone() };
        Self { port: Some(self.port()), path, ..self.clone() }
    }
}

impl FromStr for HttpsUrl {
    type Err = HttpsUrlError;

    fn from_str(text: &str) -> Result<Self, HttpsUrlError> {
        let whole = || text.to_owned();
        let begins = |with: &str| {
            let begin = text.as_bytes().get(..with.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
        };
        if begins("http://") {
            return Err(HttpsUrlError::Insecure(whole()));
        }
        if !begins(SCHEME) {
            return Err(HttpsUrlError::Scheme(whole()));
        }
        let rest = &text[SCHEME.len()..];
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(HttpsUrlError::User);
        }
        if path.len() > Self::MAX_PATH || !path.bytes().all(is_of_a_path) {
            return Err(HttpsUrlError::Path(path.to_owned()));
        }
        let (host, port) = split(authority).map_err(|error| match error {
            TurnUrlError::Ipv6(part) => HttpsUrlError::Ipv6(part),
            TurnUrlError::Port(_) => HttpsUrlError::Port(whole()),
            TurnUrlError::Host(part) => HttpsUrlError::Host(part),
            _ => HttpsUrlError::Host(authority.to_owned()),
        })?;
        let port = port.map(|digits| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let port = digits.parse().ok().filter(|port: &u16| plain && *port != 0);
            port.ok_or_else(|| HttpsUrlError::Port(whole()))
        });
        Ok(Self { host, port: port.transpose()?, path: path.into() })
    }
}

/// What stands in a path as it is (RFC 3986, section 3.3), or encodes something else.
fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte)
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        match host.contains(':') {
            true => write!(f, "{SCHEME}[{host}]")?,
            false => write!(f, "{SCHEME}{host}")?,
        }
        if let Some(port) = port {
            write!(f, ":{port}")?;
        }
        f.write_str(path)
    }
}

impl ServerUrl {
    /// What a WebRTC client can be given.
    pub fn turn(&self) -> Option<&TurnUrl> {
        match self {
            Self::Turn(url) => Some(url),
            Self::Https(_) => None,
        }
    }

    /// A host name in small letters, or an IP address without brackets.
    pub fn host(&self) -> &str {
        match self {
            Self::Turn(url) => url.host(),
            Self::Https(url) => url.host(),
        }
    }

    /// The address in its place of a host name, where there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// The port, named or not.
    pub fn port(&self) -> u16 {
        match self {
            Self::Turn(url) => url.port(),
            Self::Https(url) => url.port(),
        }
    }

    /// Whether it is inside of TLS.
    pub fn is_secure(&self) -> bool {
        self.turn().is_none_or(TurnUrl::is_secure)
    }

    /// The same with what it leaves out.
    #[cfg(feature = "server")]
    pub(crate) fn in_full(&self) -> Self {
        match self {
            Self::Turn(url) => Self::Turn(url.in_full()),
            Self::Https(url) => Self::Https(url.in_full()),
        }
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        match text.split_once(':') {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                Ok(Self::Https(text.parse()?))
            }
            _ => Ok(Self::Turn(text.parse()?)),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn(url) => url.fmt(f),
            Self::Https(url) => url.fmt(f),
        }
    }
}

impl From<TurnUrl> for ServerUrl {
    fn from(url: TurnUrl) -> Self {
        Self::Turn(url)
    }
}

impl From<HttpsUrl> for ServerUrl {
    fn from(url: HttpsUrl) -> Self {
        Self::Https(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> HttpsUrl {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_url_means() {
        for (text, host, port, path) in [
            ("https://root.example", "root.example", 443, ""),
            ("https://root.example/", "root.example", 443, "/"),
            ("https://root.example:8443/a/b%20c", "root.example", 8443, "/a/b%20c"),
            ("https://203.0.113.7:1", "203.0.113.7", 1, ""),
            ("https://[2001:db8::7]:1/", "2001:db8::7", 1, "/"),
        ] {
            let url = url(text);
            assert_eq!((url.host(), url.port(), url.path()), (host, port, path));
            assert_eq!(url.to_string(), text);
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), text);
        }
        assert_eq!(url("HTTPS://Root.Example/A").to_string(), "https://root.example/A");
        assert_eq!(url("https://[::ffff:203.0.113.7]"), url("https://203.0.113.7"));
        assert_eq!(url("https://203.0.113.7").ip(), Some("203.0.113.7".parse().unwrap()));
    }

    #[test]
    fn nonsense() {
        let long = "/".repeat(HttpsUrl::MAX_PATH + 1);
        for (text, message) in [
            ("", "`` does not begin with `https://`"),
            ("root.example", "`root.example` does not begin with `https://`"),
            ("https:root.example", "`https:root.example` does not begin with `https://`"),
            ("wss://root.example", "`wss://root.example` does not begin with `https://`"),
            ("http://root.example", "`http://root.example` is not secure, expected `https://`"),
            ("https://", "`` is neither an IP address nor a host name"),
            ("https:///v1", "`` is neither an IP address nor a host name"),
            ("https://me:pw@a", "an `https:` URL has no user or password here"),
            ("https://a b", "`a b` is neither an IP address nor a host name"),
            ("https://röot", "`röot` is neither an IP address nor a host name"),
            ("https://1.2.3", "`1.2.3` is neither an IP address nor a host name"),
            ("https://2001:db8::7", "`2001:db8::7` is not an IPv6 address in brackets"),
            ("https://[fe80::1%2]", "`[fe80::1%2]` is not an IPv6 address in brackets"),
            ("https://a:", "`https://a:` has a bad port, expected 1 to 65535"),
            ("https://a:0", "`https://a:0` has a bad port, expected 1 to 65535"),
            ("https://a:+1/", "`https://a:+1/` has a bad port, expected 1 to 65535"),
            ("https://[::1]1", "`https://[::1]1` has a bad port, expected 1 to 65535"),
            (
                "https://a?b",
                "`?b` is no path: a query, a fragment or a character that is to be encoded",
            ),
            (
                "https://a/#b",
                "`/#b` is no path: a query, a fragment or a character that is to be encoded",
            ),
        ] {
            assert_eq!(text.parse::<HttpsUrl>().unwrap_err().to_string(), message, "{text}");
        }
        let error = format!("https://a{long}").parse::<HttpsUrl>();
        assert_eq!(error, Err(HttpsUrlError::Path(long)));
    }

    #[test]
    fn what_is_no_turn_server_s_is_told_as_what_it_looks_like() {
        let error = |text: &str| text.parse::<ServerUrl>().unwrap_err();
        assert!(matches!(error("https:a"), ServerUrlError::Https(HttpsUrlError::Scheme(_))));
        assert!(matches!(error("http://a"), ServerUrlError::Turn(TurnUrlError::Scheme(_))));
        assert!(matches!(error("turn://a"), ServerUrlError::Turn(TurnUrlError::Slashes(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(https?:)?/{0,2}[\\[\\]:?a-f0-9.=%@/# ]{0,20}") {
            if let Ok(url) = text.parse::<HttpsUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
