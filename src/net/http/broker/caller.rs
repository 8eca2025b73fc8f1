//! Who asks, by address, and how often he may.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};

use crate::net::http::admission::source_of;
use crate::net::http::client_addr::client_addr;
use crate::net::http::connection::RemoteAddr;
use crate::net::http::problem::HttpProblem;
use crate::net::http::quota::Allowance;
use crate::types::Prefix;

/// Requests a second of one address, of IPv6 a /64, and at once: a page asks two or three times in a
/// minute, and many pages may be behind one.
const RATE: u32 = 50;
const BURST: u32 = 200;

/// What is kept of callers.
#[derive(Debug, Clone)]
pub(super) struct Callers {
    proxies: Arc<[Prefix]>,
    quota: Arc<Allowance<IpAddr>>,
}

/// Where a request comes from, as far as trusted proxies say so; of IPv6 the /64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller(pub(super) IpAddr);

impl Callers {
    /// With these proxies before it.
    pub(super) fn new(proxies: Arc<[Prefix]>) -> Self {
        Self { proxies, quota: Arc::new(Allowance::new(RATE, BURST)) }
    }

    /// Finds out who asks, and refuses him who asks too often.
    pub(super) fn admit(
        &self,
        remote: Option<RemoteAddr>,
        headers: &HeaderMap,
    ) -> Result<Caller, HttpProblem> {
        let nobody = || HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "nobody asks");
        let RemoteAddr(remote) = remote.ok_or_else(nobody)?;
        let caller = Caller(source_of(client_addr(remote, headers, &self.proxies)));
        self.quota.take(&caller.0, Instant::now()).map_err(too_often)?;
        Ok(caller)
    }
}

/// That somebody asks too often, by his address, API key or token, and when he may again.
pub(super) fn too_often(wait: Duration) -> HttpProblem {
    let detail = "you ask too often: `Retry-After` says when again";
    HttpProblem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(wait.as_secs() + 1)
}
