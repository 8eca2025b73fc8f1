//! What reads what strangers send, for the fuzzer: each judged by nothing but its input.

use std::net::{IpAddr, SocketAddr};

use super::broker::parsers as of_broker;
use super::client_addr::forwarded_for;
use crate::types::Prefix;

/// The user of a token that is made with a secret and good at a time.
pub fn token(secret: &[u8], token: &str, now: u64) -> Option<String> {
    of_broker::token(secret, token, now)
}

/// What the body of `/v1/ice` asks for: whom, and how many. `None`: it is refused.
pub fn ice_body(body: &[u8]) -> Option<(Option<Vec<SocketAddr>>, usize)> {
    of_broker::ice_body(body)
}

/// Whether a query of `/v1/servers` is taken, and what it is about.
pub fn list_query(query: &str) -> Option<Option<SocketAddr>> {
    of_broker::list_query(query)
}

/// The user and the key that a query of `/turn` has.
pub fn rest_query(query: &str) -> Option<(Option<String>, Option<String>)> {
    of_broker::rest_query(query)
}

/// Who asks, where this host is the one that is trusted.
pub fn client(peer: IpAddr, values: &[&str]) -> IpAddr {
    forwarded_for(peer, values, &Prefix::LOOPBACK)
}

/// The names and secrets in a file of API keys, or which line is none.
///
/// # Errors
/// That line, from 1.
pub fn api_keys(content: &[u8]) -> Result<Vec<(String, String)>, usize> {
    let keys = crate::config::parse_api_keys(content).map_err(|(line, _)| line)?;
    Ok(keys.into_iter().map(|key| (key.name, key.secret)).collect())
}
