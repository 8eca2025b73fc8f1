use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use turn_balance::{
    Endpoint, EndpointError, HttpsUrl, HttpsUrlError, TurnUrl, TurnUrlError, escaped,
};

use super::comma_separated::{CommaSeparated, ListError};

/// A balance server, and what its user calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    text: String,
    pub(crate) endpoint: Endpoint,
}

impl Default for Target {
    fn default() -> Self {
        let addr = SocketAddr::from(([127, 0, 0, 1], 3001));
        Self { text: addr.to_string(), endpoint: addr.into() }
    }
}

#[cfg(test)]
impl FromStr for Target {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Ok(Self { text: text.to_owned(), endpoint: text.parse()? })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A root of a descent, and what its user calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RootTarget {
    text: String,
    pub(crate) at: RootPlace,
}

/// Where a root is asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootPlace {
    Udp(Endpoint),
    Https(HttpsUrl),
}

/// A text that stands for no root.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RootError {
    #[error("{0}: `tb ping` checks one")]
    Turn(EndpointError),
    #[error(transparent)]
    Udp(EndpointError),
    #[error(transparent)]
    Https(#[from] HttpsUrlError),
}

impl From<EndpointError> for RootError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::TurnUri(_) => Self::Turn(error),
            _ => Self::Udp(error),
        }
    }
}

impl Default for RootTarget {
    fn default() -> Self {
        let Target { text, endpoint } = Target::default();
        Self { text, at: RootPlace::Udp(endpoint) }
    }
}

impl FromStr for RootTarget {
    type Err = RootError;

    fn from_str(text: &str) -> Result<Self, RootError> {
        let at = match is_web(text) {
            true => RootPlace::Https(text.parse::<HttpsUrl>()?),
            false => RootPlace::Udp(text.parse::<Endpoint>()?),
        };
        Ok(Self { text: text.to_owned(), at })
    }
}

impl fmt::Display for RootTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether it is meant for a web server's.
fn is_web(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme
        .is_some_and(|scheme| ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme)))
}

/// What `tb ping` measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PingTarget {
    /// A balance server.
    Balance(Target),
    /// A STUN or TURN server.
    Turn(TurnUrl),
}

impl Default for PingTarget {
    fn default() -> Self {
        Self::Balance(Target::default())
    }
}

/// A text that stands for neither.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PingTargetError {
    #[error(transparent)]
    Balance(ListError<RootError>),
    #[error("servers are asked by UDP alone here: `tb probe` and `tb trace` take `{}`", escaped(.0))]
    Https(String),
    #[error("`{}` is a URL of the web, and servers are asked by UDP here: expected `HOST[:PORT]`", escaped(.0))]
    Web(String),
    #[error(transparent)]
    Turn(#[from] TurnUrlError),
}

/// A TURN server by its URI, or the first of `TB_SERVER`'s list that is asked by UDP. `turn:3001` is a host that is called so.
pub(crate) fn ping_target(text: &str) -> Result<PingTarget, PingTargetError> {
    let schemes = ["stun", "stuns", "turn", "turns"];
    let is_url = text.split_once(':').is_some_and(|(scheme, rest)| {
        let known = schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme));
        known && !rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_url {
        return Ok(PingTarget::Turn(text.parse()?));
    }
    let roots = match text.parse() {
        Ok(CommaSeparated(roots)) => roots,
        // What a root by HTTPS would have to be is of no interest here.
        Err(ListError { item, error: RootError::Https(_) }) => {
            return Err(PingTargetError::Web(item.unwrap_or_else(|| text.to_owned())));
        }
        Err(error) => return Err(PingTargetError::Balance(error)),
    };
    let by_udp = |root: &RootTarget| match &root.at {
        RootPlace::Udp(endpoint) => {
            Some(Target { text: root.text.clone(), endpoint: endpoint.clone() })
        }
        RootPlace::Https(_) => None,
    };
    let target = roots.iter().find_map(by_udp);
    target.map(PingTarget::Balance).ok_or_else(|| PingTargetError::Https(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_of_a_list() {
        let first = ping_target("198.51.100.7,198.51.100.8").unwrap();
        assert_eq!(first, PingTarget::Balance("198.51.100.7".parse().unwrap()));
        assert!(ping_target("").is_err());
        let by_udp = ping_target("https://root.example,198.51.100.8").unwrap();
        assert_eq!(by_udp, PingTarget::Balance("198.51.100.8".parse().unwrap()));
        assert_eq!(
            ping_target("https://root.example").unwrap_err().to_string(),
            "servers are asked by UDP alone here: `tb probe` and `tb trace` take `https://root.example`"
        );
        for url in ["http://root.example", "HTTP://root.example:80/x", "https://"] {
            let expected = format!(
                "`{url}` is a URL of the web, and servers are asked by UDP here: expected `HOST[:PORT]`"
            );
            assert_eq!(ping_target(url).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn turn_servers_are_named_by_uris_and_hosts_may_be_called_turn() {
        for url in ["turn:turn.example", "STUN:192.0.2.1:3478", "turns:a.example?transport=tcp"] {
            assert!(matches!(ping_target(url), Ok(PingTarget::Turn(_))), "{url}");
        }
        for server in ["turn", "turn:3001", "turn.example:3001", "stuns:3478"] {
            assert!(matches!(ping_target(server), Ok(PingTarget::Balance(_))), "{server}");
        }
        assert!(matches!(ping_target("turn://a.example"), Err(PingTargetError::Turn(_))));
        assert!(matches!(ping_target("udp://a.example"), Err(PingTargetError::Balance(_))));
    }
}
