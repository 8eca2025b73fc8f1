//! Errors as RFC 9457 has them.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An error that is answered with.
#[derive(Debug, Clone)]
pub(super) struct HttpProblem {
    status: StatusCode,
    body: HttpProblemBody,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// `type` is `about:blank`: the status says what kind of problem it is.
#[derive(Debug, Clone, Serialize)]
struct HttpProblemBody {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// Addresses that are refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
}

impl HttpProblem {
    /// One with this status; `detail` is a sentence for people.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let (detail, refused) = (detail.into(), Vec::new());
        let body = HttpProblemBody {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            refused,
        };
        Self { status, body, headers: Vec::new() }
    }

    /// Names what is refused, for programs.
    pub(super) fn refused(mut self, what: impl IntoIterator<Item = String>) -> Self {
        self.body.refused.extend(what);
        self
    }

    /// Says after how many seconds it is worth another try.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}
