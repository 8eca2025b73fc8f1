//! `/probe?target=...`: a descent or the check of a TURN server from here, as the exporters of Prometheus
//! that measure others have it.

use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::time::timeout;

use super::desk::AdminDesk;
use super::metrics::answer;
use super::probe_metrics::ProbeMetrics;
use crate::error::Error;
use crate::net::http::problem::HttpProblem;
use crate::net::http::query::pairs;
use crate::net::io::client::{Balance, TurnPinger};
use crate::types::{Endpoint, TurnFault, TurnUrl, quoted};

/// How long one may take where nobody says so, and at most: less than an answer may.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(9);

/// What is left of the time that Prometheus waits for, so that its answer comes in time.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// What is to be probed.
enum ProbeTarget {
    Balance(Endpoint),
    Turn(TurnUrl),
}

/// Probes what a query names.
pub(super) async fn get(
    State(desk): State<AdminDesk>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, HttpProblem> {
    let (target, patience) = parse(query.as_deref().unwrap_or_default(), &headers)?;
    let Some(_going_on) = desk.probes.enter() else {
        let detail = "as many probes go on as may";
        return Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1));
    };
    let began = Instant::now();
    let probed = match target {
        ProbeTarget::Balance(root) => descend(root, patience).await,
        ProbeTarget::Turn(url) => check(url, patience).await,
    };
    let mut metrics = probed.unwrap_or_default();
    metrics.took = began.elapsed();
    answer(metrics, &headers)
}

fn parse(query: &str, headers: &HeaderMap) -> Result<(ProbeTarget, Duration), HttpProblem> {
    let wrong = |detail: String| HttpProblem::new(StatusCode::BAD_REQUEST, detail);
    let scrape = headers.get("x-prometheus-scrape-timeout-seconds");
    let scrape = scrape.and_then(|value| value.to_str().ok()?.parse().ok());
    let scrape = scrape.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let mut patience = scrape.map_or(PATIENCE, |time| time.saturating_sub(ON_THE_WAY));
    let mut target = None;
    for (key, value) in pairs(query) {
        match key.as_str() {
            "target" if target.is_none() => target = Some(target_of(&value).map_err(wrong)?),
            "timeout" => {
                let time = crate::types::duration(&value);
                let no_time = || wrong(format!("{} is not a length of time", quoted(&value)));
                patience = time.ok_or_else(no_time)?;
            }
            _ => return Err(wrong(format!("{} is not asked for here once", quoted(&key)))),
        }
    }
    let target = target.ok_or_else(|| {
        wrong(
            "name a target: `/probe?target=root.example` or `/probe?target=turn:turn.example`"
                .into(),
        )
    })?;
    Ok((target, patience.clamp(Duration::from_millis(1), LONGEST)))
}

fn target_of(text: &str) -> Result<ProbeTarget, String> {
    let schemes = ["stun:", "stuns:", "turn:", "turns:"];
    if schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return text
            .parse()
            .map(ProbeTarget::Turn)
            .map_err(|error: crate::types::TurnUrlError| error.to_string());
    }
    text.parse()
        .map(ProbeTarget::Balance)
        .map_err(|error: crate::types::EndpointError| error.to_string())
}

async fn descend(root: Endpoint, patience: Duration) -> Option<ProbeMetrics> {
    let balance = Balance::builder().root(root).timeout(patience).build().await.ok()?;
    let found = timeout(patience + ON_THE_WAY, balance.select()).await;
    match found {
        Ok(Ok(found)) => Some(ProbeMetrics::found(&found)),
        Ok(Err(Error::NotFound(_))) | Ok(Err(_)) | Err(_) => None,
    }
}

/// Without credentials: that a TURN server demands some is as good as can be.
async fn check(url: TurnUrl, patience: Duration) -> Option<ProbeMetrics> {
    let mut metrics = ProbeMetrics::default();
    let work = async {
        let builder = TurnPinger::builder(url).timeout(patience).count(1);
        let mut pinger = builder.build().await.ok()?;
        while let Some(echo) = pinger.next().await.ok()? {
            if let Some(rtt) = echo.rtt {
                metrics.steps.push((echo.did.as_str(), rtt));
            }
            if echo.last {
                let right = echo.fault.is_none_or(|fault| fault == TurnFault::NoCredentials);
                metrics.success = right && !metrics.steps.is_empty();
            }
        }
        Some(())
    };
    let _ = timeout(patience, work).await;
    Some(metrics)
}
