//! `/api/v1/servers?below=...`: what a server further below lists, and whom it does not offer, which this one
//! need not know: asked for there, as clients do.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use serde::Serialize;

use super::desk::AdminDesk;
use crate::error::Error;
use crate::net::engine::client::crawl::UnofferedNode;
use crate::net::engine::client::list::ServerList;
use crate::net::http::problem::HttpProblem;
use crate::net::http::query::pairs;
use crate::net::io::client::Lister;
use crate::types::{Name, quoted};

/// How long a server below is awaited.
const PATIENCE: Duration = Duration::from_secs(2);

/// `tb.servers/1`, and who is not on that list.
#[derive(Debug, Serialize)]
struct BelowDocument {
    #[serde(flatten)]
    list: ServerList,
    down: Vec<DownRow>,
}

/// A node that the server does not offer, and why.
#[derive(Debug, Serialize)]
struct DownRow {
    addr: SocketAddr,
    kind: &'static str,
    name: Option<String>,
    state: &'static str,
    why: Option<String>,
}

/// Answers with its nodes.
pub(super) async fn get(
    State(desk): State<AdminDesk>,
    RawQuery(query): RawQuery,
) -> Result<Response, HttpProblem> {
    let addr = below(query.as_deref().unwrap_or_default())?;
    let Some(_going_on) = desk.questions.enter() else {
        let detail = "as many servers are asked as may be";
        return Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1));
    };
    let list = list(addr).await.map_err(|error| {
        let detail = format!("`{addr}` tells no list: {error}");
        HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5)
    })?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(list)).into_response())
}

async fn list(addr: SocketAddr) -> Result<BelowDocument, Error> {
    let lister = Lister::builder(addr).timeout(PATIENCE).build().await?;
    let (list, down) = lister.own_nodes().await?;
    Ok(BelowDocument { list, down: down.iter().map(DownRow::from).collect() })
}

impl From<&UnofferedNode> for DownRow {
    fn from(down: &UnofferedNode) -> Self {
        Self {
            addr: down.addr,
            kind: down.kind.as_str(),
            name: down.name.as_ref().map(Name::to_string),
            state: down.state.as_str(),
            why: down.fault.map(|fault| fault.to_string()),
        }
    }
}

/// Reads a query.
fn below(query: &str) -> Result<SocketAddr, HttpProblem> {
    let wrong = |detail: String| HttpProblem::new(StatusCode::BAD_REQUEST, detail);
    let [(key, value)] = &pairs(query)[..] else {
        return Err(wrong("name one server: `?below=203.0.113.10:3001`".into()));
    };
    if key != "below" {
        return Err(wrong(format!("unknown parameter {}, expected `below`", quoted(key))));
    }
    let addr = value.parse();
    addr.map_err(|_| wrong(format!("{} is not an address and a port", quoted(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query() {
        assert_eq!(below("below=203.0.113.10%3A3001").unwrap(), ([203, 0, 113, 10], 3001).into());
        assert_eq!(below("below=[2001:db8::1]:3001").unwrap().port(), 3001);
        for bad in ["", "below=", "below=a", "of=203.0.113.10:3001", "below=[::1]:1&below=[::1]:1"]
        {
            assert!(below(bad).is_err(), "{bad}");
        }
    }
}
