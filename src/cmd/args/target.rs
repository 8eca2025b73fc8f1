use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use turn_balance::{Endpoint, EndpointError, TurnUrl, TurnUrlError};

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

/// A text that is no balance server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("{0}: `tb ping` checks one")]
    Turn(EndpointError),
    #[error(transparent)]
    Other(EndpointError),
}

impl From<EndpointError> for TargetError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::TurnUri(_) => Self::Turn(error),
            _ => Self::Other(error),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Ok(Self { text: text.to_owned(), endpoint: text.parse()? })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
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
    Balance(ListError<TargetError>),
    #[error(transparent)]
    Turn(#[from] TurnUrlError),
}

/// A TURN server by its URI, or the first of `TB_SERVER`'s list. `turn:3001` is a host that is called so.
pub(crate) fn ping_target(text: &str) -> Result<PingTarget, PingTargetError> {
    let schemes = ["stun", "stuns", "turn", "turns"];
    let is_url = text.split_once(':').is_some_and(|(scheme, rest)| {
        let known = schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme));
        known && !rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_url {
        return Ok(PingTarget::Turn(text.parse()?));
    }
    let CommaSeparated(mut targets) = text.parse().map_err(PingTargetError::Balance)?;
    Ok(PingTarget::Balance(targets.swap_remove(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_of_a_list() {
        let first = ping_target("198.51.100.7,198.51.100.8").unwrap();
        assert_eq!(first, PingTarget::Balance("198.51.100.7".parse().unwrap()));
        assert!(ping_target("").is_err());
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
