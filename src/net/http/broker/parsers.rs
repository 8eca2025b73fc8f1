//! Those of the broker.

use std::net::SocketAddr;

use super::ice::{self, IceChoice, IceWanted};
use super::rest::RestRequest;
use super::servers::ListQuery;
use super::token::TokenSecret;

pub(crate) fn token(secret: &[u8], token: &str, now: u64) -> Option<String> {
    TokenSecret::new(secret).judge(token, now).ok().map(str::to_owned)
}

pub(crate) fn ice_body(body: &[u8]) -> Option<(Option<Vec<SocketAddr>>, usize)> {
    let IceWanted { choice, count } = ice::parse(body).ok()?;
    match choice {
        IceChoice::Ordered(order) => Some((Some(order), count)),
        IceChoice::Nearest(_) => Some((None, count)),
    }
}

pub(crate) fn list_query(query: &str) -> Option<Option<SocketAddr>> {
    ListQuery::parse(query).ok().map(|query| query.below)
}

pub(crate) fn rest_query(query: &str) -> Option<(Option<String>, Option<String>)> {
    RestRequest::parse(query).ok().map(|asked| (asked.username, asked.key))
}
