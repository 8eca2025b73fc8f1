//! Who answers what.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::desk::Desk;
use super::servers;
use crate::net::http::connection::BODY;
use crate::net::http::problem::HttpProblem;

/// All that the broker answers.
pub(super) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/servers", get(servers::get))
        .route_layer(from_fn_with_state(desk.clone(), admit))
        .route_layer(from_fn(open_to_pages))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(desk)
}

/// Finds out who asks, and refuses him who asks too often.
async fn admit(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    match desk.callers.admit(request.extensions().get().copied(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// What any page may read, errors among it.
async fn open_to_pages(request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn nowhere() -> HttpProblem {
    HttpProblem::new(
        StatusCode::NOT_FOUND,
        "there is nothing here; `/v1/servers` is what is listed",
    )
}

async fn no_method(request: Request) -> HttpProblem {
    let detail = format!("`{}` is not answered here", request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
