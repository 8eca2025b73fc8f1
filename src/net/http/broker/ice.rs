//! `POST /v1/ice`

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::addr_of;
use super::caller::Caller;
use super::choice::{nearest, ordered};
use super::desk::Desk;
use super::filter::take;
use crate::net::engine::client::descent::IceConfiguration;
use crate::net::http::problem::HttpProblem;
use crate::types::Policy;

/// How many servers are given where nobody says how many, and at most: browsers test all of them.
const COUNT: usize = 2;
const MOST: usize = 8;

/// How many may be named: as many as one list holds.
const MOST_NAMED: usize = 128;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IceRequest {
    /// What was measured, the best first.
    #[serde(default)]
    order: Option<Vec<String>>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    require: Vec<String>,
    #[serde(default)]
    prefer: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

/// Which servers, and how many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IceWanted {
    pub(super) choice: IceChoice,
    pub(super) count: usize,
}

/// Who chooses them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IceChoice {
    /// Whoever asks has measured them.
    Ordered(Vec<SocketAddr>),
    /// The server, by what is known of them.
    Nearest(Policy),
}

/// Answers with an `RTCConfiguration`.
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, HttpProblem> {
    let bearer = desk.access.bearer(&headers, caller)?;
    let body = body?;
    if !body.is_empty() && !is_json(&headers) {
        let detail = "the body is to be `Content-Type: application/json`";
        return Err(HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let IceWanted { choice, count } = parse(&body)?;
    let servers = match &choice {
        IceChoice::Ordered(order) => ordered(&desk.lists, order).await?,
        IceChoice::Nearest(policy) => nearest(&desk.lists, policy).await?,
    };
    let minted = servers.iter().filter_map(|server| desk.mint.ice_server(server, &bearer));
    let ice_servers: Vec<_> = minted.take(count).collect();
    if ice_servers.is_empty() {
        let detail = match servers.first() {
            Some(_) => "there is no secret to make credentials with for these TURN servers",
            None if choice.filters() => "no TURN server to offer is labelled so",
            None => "there is no TURN server to offer",
        };
        return Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(3));
    }
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(IceConfiguration { ice_servers })).into_response())
}

/// What a body asks for.
///
/// # Errors
/// 400 for what is no JSON, 422 for what asks for something else.
pub(super) fn parse(body: &[u8]) -> Result<IceWanted, HttpProblem> {
    let refused = |status, detail: String| Err(HttpProblem::new(status, detail));
    let asked: IceRequest = match body {
        [] => IceRequest::default(),
        // Which would be read as what it has in their order.
        body if body.trim_ascii_start().starts_with(b"[") => {
            let detail = "the body is a list, expected an object";
            return refused(StatusCode::UNPROCESSABLE_ENTITY, detail.into());
        }
        body => match serde_json::from_slice(body) {
            Ok(asked) => asked,
            Err(error) if error.is_data() => {
                return refused(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
            }
            Err(error) => return refused(StatusCode::BAD_REQUEST, error.to_string()),
        },
    };
    let count = asked.count.unwrap_or(COUNT);
    if !(1..=MOST).contains(&count) {
        let detail = format!("`count` is not a number from 1 to {MOST}");
        return refused(StatusCode::UNPROCESSABLE_ENTITY, detail);
    }
    let mut policy = Policy::default();
    let words = [("require", asked.require), ("prefer", asked.prefer), ("exclude", asked.exclude)];
    for (word, labels) in words {
        for label in labels {
            take(&mut policy, word, &label)?;
        }
    }
    let Some(order) = asked.order else {
        return Ok(IceWanted { choice: IceChoice::Nearest(policy), count });
    };
    if !policy.is_empty() {
        let detail = "`order` names whom to choose: filters are for `GET /v1/servers` then";
        return refused(StatusCode::UNPROCESSABLE_ENTITY, detail.into());
    }
    if !(1..=MOST_NAMED).contains(&order.len()) {
        let detail = format!("`order` does not name 1 to {MOST_NAMED} servers");
        return refused(StatusCode::UNPROCESSABLE_ENTITY, detail);
    }
    let order = order.iter().map(|text| addr_of(text)).collect::<Result<_, _>>()?;
    Ok(IceWanted { choice: IceChoice::Ordered(order), count })
}

impl IceChoice {
    /// Whether labels are asked for.
    fn filters(&self) -> bool {
        matches!(self, Self::Nearest(policy) if !policy.is_empty())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
