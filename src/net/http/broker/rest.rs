//! `/turn`, the shape that others read already (draft-uberti-behave-turn-rest-00).

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::access::Bearer;
use super::caller::Caller;
use super::choice::nearest;
use super::desk::Desk;
use crate::net::http::problem::HttpProblem;
use crate::net::http::query::pairs;
use crate::types::{Policy, quoted};

/// How many TURN servers are told of.
const COUNT: usize = 2;

/// The longest name of a user: a TURN username has room for 508 bytes, and a time (RFC 8489, section 14.3).
const MAX_USERNAME: usize = 128;

/// What is answered.
#[derive(Debug, Serialize)]
struct RestCredentials {
    username: String,
    password: String,
    /// How long they are good for, in seconds.
    ttl: u64,
    uris: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RestRequest {
    pub(super) username: Option<String>,
    /// `key` in the draft, `api` in what was there before it; some send both.
    pub(super) key: Option<String>,
}

/// Answers what a query asks for.
pub(super) async fn get(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, HttpProblem> {
    answer(&desk, caller, &headers, &RestRequest::parse(&query.unwrap_or_default())?).await
}

/// Answers what a form asks for, or the query where there is none.
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, HttpProblem> {
    let body = body?;
    let body = String::from_utf8_lossy(&body);
    let query = query.unwrap_or_default();
    let form = if body.is_empty() { &query } else { &*body };
    answer(&desk, caller, &headers, &RestRequest::parse(form)?).await
}

async fn answer(
    desk: &Desk,
    caller: Caller,
    headers: &HeaderMap,
    asked: &RestRequest,
) -> Result<Response, HttpProblem> {
    let bearer = match &asked.key {
        Some(key) => desk.access.holder(key, caller)?,
        None => desk.access.bearer(headers, caller)?,
    };
    let name = asked.username.as_deref().unwrap_or(bearer.name());
    if matches!(&bearer, Bearer::User(user) if user != name) {
        let detail = "a token is for its own user alone";
        return Err(HttpProblem::new(StatusCode::FORBIDDEN, detail));
    }
    let mut servers = nearest(&desk.lists, &Policy::default()).await?;
    servers.retain(|server| desk.mint.can(server));
    let nothing = || {
        let detail = "there is no TURN server to offer";
        HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(3)
    };
    let first = servers.first().ok_or_else(nothing)?;
    let minted = desk.mint.credentials(first, name).ok_or_else(nothing)?;
    // There is one password in the answer: the others are those that take it too.
    let takes_it = |server: &&_| desk.mint.share_a_secret(first, server);
    let urls = servers.iter().filter(takes_it).take(COUNT).flat_map(|server| server.ways());
    let urls = urls.filter_map(|url| url.turn().map(ToString::to_string));
    let (username, password) = (minted.username, minted.password);
    let told = RestCredentials { username, password, ttl: desk.mint.ttl, uris: urls.collect() };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response())
}

impl RestRequest {
    /// Reads a query or a form. What is not known is passed over, as the draft has it.
    pub(super) fn parse(text: &str) -> Result<Self, HttpProblem> {
        let refused = |detail: String| Err(HttpProblem::new(StatusCode::BAD_REQUEST, detail));
        let (mut asked, mut service) = (Self::default(), None);
        for (key, value) in pairs(text) {
            match key.as_str() {
                "service" => service = Some(value),
                "username" if value.is_empty() => {}
                "username" => asked.username = Some(value),
                "key" | "api" if value.is_empty() => {}
                "key" | "api" => asked.key = Some(value),
                _ => {}
            }
        }
        match service.as_deref() {
            Some("turn") => {}
            Some(other) => return refused(format!("service {} is not `turn`", quoted(other))),
            None => return refused("`service=turn` is missing".into()),
        }
        match &asked.username {
            Some(name) if !is_username(name) => {
                let what = "visible ASCII characters without `:`";
                refused(format!("username {} is not 1 to {MAX_USERNAME} {what}", quoted(name)))
            }
            _ => Ok(asked),
        }
    }
}

/// Whether it may stand behind the time in the name of a TURN user. Whoever has an API key names people as he
/// does elsewhere, by mail addresses too.
fn is_username(name: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    (1..=MAX_USERNAME).contains(&name.len()) && name.bytes().all(may)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent() {
        let some = |text: &str| Some(text.to_owned());
        for (text, username, key) in [
            ("service=turn", None, None),
            ("service=turn&api=a&key=a&username=me", some("me"), some("a")),
            ("key=a%2Bb&service=turn&ttl=5", None, some("a+b")),
            ("service=turn&username=&key=", None, None),
            ("service=turn&username=a%40b.example%2f1", some("a@b.example/1"), None),
        ] {
            assert_eq!(RestRequest::parse(text).unwrap(), RestRequest { username, key }, "{text}");
        }
        let long = format!("service=turn&username={}", "a".repeat(129));
        let names =
            ["a:b", "a+b", "%c3%a4", "a%00"].map(|name| format!("service=turn&username={name}"));
        let others = ["", "service=stun", "service", &long].map(str::to_owned);
        for text in names.iter().chain(&others) {
            assert!(RestRequest::parse(text).is_err(), "{text}");
        }
    }
}
