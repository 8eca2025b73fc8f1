//! Those of the broker.

use std::net::SocketAddr;

use super::ice;
use super::rest::RestRequest;
use super::servers::ListQuery;
use super::token::TokenSecret;

pub(crate) fn token(secret: &[u8], token: &str, now: u64) -> Option<String> {
    TokenSecret::new(secret).judge(token, now).ok().map(str::to_owned)
}

pub(crate) fn ice_body(body: &[u8]) -> Option<(Option<Vec<SocketAddr>>, usize)> {
    ice::parse(body).ok()
}

pub(crate) fn list_query(query: &str) -> Option<Option<SocketAddr>> {
    ListQuery::parse(query).ok().map(|query| query.below)
}

pub(crate) fn rest_query(query: &str) -> Option<(Option<String>, Option<String>)> {
    RestRequest::parse(query).ok().map(|asked| (asked.username, asked.key))
}
