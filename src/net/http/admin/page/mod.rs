//! `/`: a page that shows the cascade below the server. It has nothing of it in itself: what it shows is asked
//! for by its scripts, with the token where one is demanded.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::net::http::problem::HttpProblem;

const PAGE: &str = include_str!("page.html");

/// What stands in the page where no token is demanded, and what where one is.
const NO_TOKEN: &str = "data-token=\"none\"";
const TOKEN: &str = "data-token=\"asked\"";

/// All that the page is made of: name, kind, text.
const PARTS: [(&str, &str, &str); 11] = [
    ("page.css", CSS, include_str!("page.css")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("page.js", SCRIPT, include_str!("page.js")),
    ("below.js", SCRIPT, include_str!("below.js")),
    ("changes.js", SCRIPT, include_str!("changes.js")),
    ("keys.js", SCRIPT, include_str!("keys.js")),
    ("row.js", SCRIPT, include_str!("row.js")),
    ("stream.js", SCRIPT, include_str!("stream.js")),
    ("tree.js", SCRIPT, include_str!("tree.js")),
    ("words.js", SCRIPT, include_str!("words.js")),
    ("wrong.js", SCRIPT, include_str!("wrong.js")),
];
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page may do: run its scripts, ask this listener, be framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page; `asks`: a token is demanded of its scripts.
pub(super) async fn html(asks: bool) -> Response {
    let page = if asks { PAGE.replace(NO_TOKEN, TOKEN) } else { PAGE.to_owned() };
    answer("text/html; charset=utf-8", page)
}

/// A part of it.
pub(super) async fn part(Path(name): Path<String>) -> Result<Response, HttpProblem> {
    let part = PARTS.iter().find(|(part, ..)| *part == name);
    let no_part = || HttpProblem::new(StatusCode::NOT_FOUND, "the page has no such part");
    part.map(|(_, kind, text)| answer(kind, *text)).ok_or_else(no_part)
}

fn answer(kind: &'static str, text: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Another version of it may run here tomorrow.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
