//! Who answers what.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::desk::{AdminDesk, ended};
use super::gate::{AdminGate, guard, guard_page};
use super::live::stream;
use super::{below, health, metrics, page, probe};
use crate::net::http::problem::HttpProblem;

/// All that the admin interface answers, and to whom.
pub(super) fn router(desk: AdminDesk, gate: AdminGate) -> Router {
    let gate = Arc::new(gate);
    let asks = gate.has_token();
    let page = Router::new()
        .route("/", get(move || page::html(asks)))
        .route("/page/{part}", get(page::part))
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(gate.clone(), guard_page));
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(scrape))
        .route("/probe", get(probe::get))
        .route("/api/v1/status", get(status))
        .route("/api/v1/topology", get(topology))
        .route("/api/v1/events", get(stream::get))
        .route("/api/v1/servers", get(below::get))
        .route("/api/v1/drain", post(drain).delete(undrain))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(gate, guard))
        .merge(page)
        .layer(DefaultBodyLimit::max(0))
        .with_state(desk)
}

async fn scrape(
    State(desk): State<AdminDesk>,
    headers: HeaderMap,
) -> Result<Response, HttpProblem> {
    let status = desk.status()?;
    metrics::answer(metrics::Metrics::from(status), &headers)
}

async fn status(State(desk): State<AdminDesk>) -> Result<Response, HttpProblem> {
    Ok(document(&*desk.status()?))
}

async fn topology(State(desk): State<AdminDesk>) -> Result<Response, HttpProblem> {
    let topology = desk.watcher.topology().ok_or_else(ended)?;
    Ok(document(&Described { schema: "tb.topology/1", body: &topology }))
}

async fn drain(State(desk): State<AdminDesk>) -> Result<Response, HttpProblem> {
    Ok(document(&*desk.drain(true)?))
}

async fn undrain(State(desk): State<AdminDesk>) -> Result<Response, HttpProblem> {
    Ok(document(&*desk.drain(false)?))
}

/// A document that says which one it is.
#[derive(serde::Serialize)]
struct Described<T> {
    schema: &'static str,
    #[serde(flatten)]
    body: T,
}

/// What is so at this moment alone.
fn document(body: &impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

async fn nowhere() -> HttpProblem {
    let detail = "there is nothing here: ask for `/`, `/api/v1/status` or `/metrics`";
    HttpProblem::new(StatusCode::NOT_FOUND, detail)
}

async fn no_method(request: Request) -> HttpProblem {
    let detail = format!("`{}` is not answered here", request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
