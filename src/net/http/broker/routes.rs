//! Who answers what.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::desk::Desk;
use super::{demo, ice, rest, servers};
use crate::net::http::connection::BODY;
use crate::net::http::problem::HttpProblem;

/// What is answered, for programs that read it (OpenAPI 3.1).
const DESCRIPTION: &str = include_str!("openapi.json");

/// All that the broker answers.
pub(super) fn router(desk: Desk, with_demo: bool) -> Router {
    let open = Router::new()
        .route("/v1/servers", get(servers::get).options(preflight))
        .route("/openapi.json", get(description))
        .route_layer(from_fn_with_state(desk.clone(), admit))
        .route_layer(from_fn(open_to_pages));
    let closed = Router::new()
        .route("/v1/ice", post(ice::post).options(preflight))
        .route_layer(from_fn_with_state(desk.clone(), admit))
        .route_layer(from_fn_with_state(desk.clone(), open_to_known_pages));
    let mut others = Router::new().route("/turn", get(rest::get).post(rest::post));
    if with_demo {
        others = others
            .route("/demo", get(demo::page))
            .route("/demo/turn-balance.js", get(demo::module));
    }
    let others = others.route_layer(from_fn_with_state(desk.clone(), admit));
    open.merge(closed)
        .merge(others)
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(desk)
}

/// What a browser asks before a page's request; the layers say what it may.
async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
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
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// What pages of known origins may ask and read, errors among it, and no others.
async fn open_to_known_pages(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let origin = origin.filter(|origin| desk.access.is_known(origin)).cloned();
    let preflight = *request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return response };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let mut allow = |name, what| headers.insert(name, HeaderValue::from_static(what));
    allow(header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after");
    if preflight {
        allow(header::ACCESS_CONTROL_ALLOW_METHODS, "POST");
        allow(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type");
        allow(header::ACCESS_CONTROL_MAX_AGE, "600");
    }
    response
}

async fn nowhere() -> HttpProblem {
    let detail = "there is nothing here; `/openapi.json` says what there is";
    HttpProblem::new(StatusCode::NOT_FOUND, detail)
}

async fn no_method(request: Request) -> HttpProblem {
    let detail = format!("`{}` is not answered here", request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
