use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use turn_balance::{Endpoint, EndpointError};

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

/// The first of `TB_SERVER`'s list, for a command that asks one server.
pub(crate) fn first_target(text: &str) -> Result<Target, ListError<EndpointError>> {
    let CommaSeparated(mut targets) = text.parse()?;
    Ok(targets.swap_remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_of_a_list() {
        let first = first_target("198.51.100.7,198.51.100.8").unwrap();
        assert_eq!(first.to_string(), "198.51.100.7");
        assert!(first_target("").is_err());
    }
}
