//! `/demo`: a page that shows every server with its measured time, and the module that measures.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const PAGE: &str = include_str!("../../../../sdk/js/demo/index.html");
const MODULE: &str = include_str!("../../../../sdk/js/turn-balance.js");

/// What the page may do: run what is in it, ask this broker or another, be framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src *; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE).into_response()
}

pub(super) async fn module() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], MODULE).into_response()
}
