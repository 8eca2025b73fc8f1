use std::fmt;
use std::str::FromStr;

use super::endpoint::Endpoint;
use super::endpoint_error::EndpointError;
use super::quoted::quoted;

/// Where a program on this host or nearby says what it is doing: `http://HOST[:PORT]/PATH`, IPv6 in
/// brackets.
///
/// ```
/// use turn_balance::MetricsUrl;
///
/// let url: MetricsUrl = "http://127.0.0.1:9641/metrics".parse()?;
/// assert_eq!((&*url.endpoint().to_string(), url.path()), ("127.0.0.1:9641", "/metrics"));
/// # Ok::<(), turn_balance::MetricsUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsUrl {
    endpoint: Endpoint,
    /// With a slash before it.
    path: Box<str>,
}

/// A text that is no [`MetricsUrl`].
///
/// ```
/// use turn_balance::MetricsUrl;
///
/// let error = "https://127.0.0.1:9641/metrics".parse::<MetricsUrl>().unwrap_err();
/// assert_eq!(error.to_string(), "`https://127.0.0.1:9641/metrics` does not begin with `http://`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsUrlError {
    /// It does not begin with `http://`.
    #[error("{} does not begin with `http://`", quoted(.0))]
    Scheme(String),
    /// It has a user before its host. The text is not repeated: a password may stand there.
    #[error("a metrics URL has no user or password here")]
    User,
    /// What stands for a host and a port is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Its path is too long, or has what no path has.
    #[error("{} is no path: it is too long, or has a character that is to be encoded", quoted(.0))]
    Path(String),
}

const SCHEME: &str = "http://";

/// The port of HTTP.
const PORT: u16 = 80;

/// The longest path.
const MAX_PATH: usize = 256;

impl MetricsUrl {
    /// Whom to ask.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// For what, with a slash before it.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for MetricsUrl {
    type Err = MetricsUrlError;

    fn from_str(text: &str) -> Result<Self, MetricsUrlError> {
        let rest = text.strip_prefix(SCHEME);
        let rest = rest.ok_or_else(|| MetricsUrlError::Scheme(text.to_owned()))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(MetricsUrlError::User);
        }
        let endpoint = Endpoint::at_port(authority, PORT)?;
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if path.len() > MAX_PATH || !plain {
            return Err(MetricsUrlError::Path(path.to_owned()));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { endpoint, path: path.into() })
    }
}

impl fmt::Display for MetricsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, path } = self;
        write!(f, "{SCHEME}{endpoint}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_means() {
        for (text, host, port, path) in [
            ("http://127.0.0.1:9641/metrics", "127.0.0.1", 9641, "/metrics"),
            ("http://turn.example/metrics?a=b", "turn.example", 80, "/metrics?a=b"),
            ("http://[::1]:1", "::1", 1, "/"),
        ] {
            let url: MetricsUrl = text.parse().unwrap();
            assert_eq!(
                (&*url.endpoint.host(), url.endpoint.port(), url.path()),
                (host, port, path)
            );
            assert_eq!(url.to_string().parse(), Ok(url));
        }
    }

    #[test]
    fn nonsense() {
        for (text, message) in [
            ("127.0.0.1:9641", "`127.0.0.1:9641` does not begin with `http://`"),
            ("http://me:pw@a/", "a metrics URL has no user or password here"),
            ("http://a:0/", "`a:0` has port 0, expected 1 to 65535"),
            (
                "http://a/b c",
                "`/b c` is no path: it is too long, or has a character that is to be encoded",
            ),
        ] {
            assert_eq!(text.parse::<MetricsUrl>().unwrap_err().to_string(), message, "{text}");
        }
    }
}
