//! `GET /v1/servers`

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::addr_of;
use super::desk::Desk;
use super::filter::{filter, take};
use crate::net::engine::client::list::ServerList;
use crate::net::http::problem::HttpProblem;
use crate::net::http::query::pairs;
use crate::types::{Family, Policy, quoted};

/// How long a list may be kept by whoever is on its way.
const CACHE: &str = "public, max-age=2";

/// Answers with what is listed.
pub(super) async fn get(
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, HttpProblem> {
    let wanted = ListQuery::parse(query.as_deref().unwrap_or_default())?;
    let list = match wanted.below {
        Some(addr) => desk.lists.below(addr).await?,
        None => desk.lists.own().await?,
    };
    let list = wanted.of(ServerList::clone(&list));
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(list)).into_response())
}

/// What a query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) below: Option<SocketAddr>,
    pub(super) family: Option<Family>,
    pub(super) policy: Policy,
}

impl ListQuery {
    /// Reads a query. What is not known is refused: to pass over a filter would be to lie.
    pub(super) fn parse(query: &str) -> Result<Self, HttpProblem> {
        let mut wanted = Self::default();
        for (key, value) in pairs(query) {
            let refused = |detail: String| Err(HttpProblem::new(StatusCode::BAD_REQUEST, detail));
            match (key.as_str(), value.as_str()) {
                ("below", _) if wanted.below.is_none() => wanted.below = Some(addr_of(&value)?),
                ("family", "4") if wanted.family.is_none() => wanted.family = Some(Family::V4),
                ("family", "6") if wanted.family.is_none() => wanted.family = Some(Family::V6),
                ("below" | "family", _) if wanted.has(&key) => {
                    return refused(format!("`{key}` stands there twice"));
                }
                ("family", _) => {
                    return refused(format!("family {} is not `4` or `6`", quoted(&value)));
                }
                _ if take(&mut wanted.policy, &key, &value)? => {}
                _ => {
                    let known = "`below`, `family`, `require`, `prefer` or `exclude`";
                    return refused(format!(
                        "unknown parameter {}, expected {known}",
                        quoted(&key)
                    ));
                }
            }
        }
        Ok(wanted)
    }

    fn has(&self, key: &str) -> bool {
        if key == "below" { self.below.is_some() } else { self.family.is_some() }
    }

    /// What is left of a list.
    fn of(&self, mut list: ServerList) -> ServerList {
        if let Some(family) = self.family {
            list.servers.retain(|server| Family::of(server.addr) == family);
        }
        filter(&self.policy, &mut list.servers);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query() {
        let wanted = ListQuery::parse("below=203.0.113.10%3A3001&family=4").unwrap();
        let below = Some("203.0.113.10:3001".parse().unwrap());
        assert_eq!(wanted, ListQuery { below, family: Some(Family::V4), ..ListQuery::default() });
        let wanted =
            ListQuery::parse("require=region%3Deu&require=tier=gold&exclude=name=a").unwrap();
        let Policy { require, prefer, exclude } = wanted.policy;
        assert_eq!((require.len(), prefer.len(), exclude.len()), (2, 0, 1));
        let wanted = ListQuery::parse("below=%5B2001:db8::1%5d:3001").unwrap();
        assert_eq!(wanted.below, Some("[2001:db8::1]:3001".parse().unwrap()));
        assert_eq!(ListQuery::parse("").unwrap(), ListQuery::default());
        for bad in ["below=a", "below=", "family=5", "require=a", "x=1", "family=4&family=6", "%"] {
            assert!(ListQuery::parse(bad).is_err(), "{bad}");
        }
    }
}
