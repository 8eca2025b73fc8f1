//! Who may ask.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use rand::RngExt as _;
use sha2::Sha256;

use crate::config::{Admin, AdminAddr, KeyError, SecretKind, read_admin_token};
use crate::error::Error;
use crate::net::http::connection::RemoteAddr;
use crate::net::http::problem::HttpProblem;
use crate::net::http::quota::Allowance;
use crate::net::http::renewed::Renewed;
use crate::net::io::random;
use crate::types::Prefix;

/// How often an address may show what opens nothing, a second and at once.
const OF_STRANGER: (u32, u32) = (1, 20);

/// Who may, as the configuration has it.
pub(super) struct AdminGate {
    /// Empty: whoever comes that far.
    allow: Vec<Prefix>,
    /// Whether names may stand for it: a socket in the file system has none that could be another's.
    named: bool,
    token: Option<TokenFile>,
    strangers: Allowance<IpAddr>,
}

/// What the file says now.
type TokenFile = Renewed<BlindToken, KeyError>;

/// A token, so that nobody who tries some learns how near he is.
struct BlindToken {
    blind: Hmac<Sha256>,
    token: Vec<u8>,
}

impl AdminGate {
    /// Reads who may.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Random`].
    pub(super) fn new(config: &Admin) -> Result<Self, Error> {
        let seed: [u8; 32] = random::rng()?.random();
        let token = config.token_file.clone().map(|file| {
            let read = move |file: &Path| Ok(BlindToken::new(&seed, &read_admin_token(file)?));
            let path = file.clone();
            Renewed::new(&[&path], SecretKind::AdminToken, move || read(&file))
        });
        let token = token.transpose()?;
        let named = !matches!(config.bind, Some(AdminAddr::Unix(_)));
        let strangers = Allowance::new(OF_STRANGER.0, OF_STRANGER.1);
        Ok(Self { allow: config.allow.clone(), named, token, strangers })
    }

    /// Whether who asks has to show a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a request may be answered.
    fn judge(&self, from: IpAddr, headers: &HeaderMap) -> Result<(), HttpProblem> {
        self.judge_place(from, headers)?;
        if comes_from_a_page(headers) {
            return Err(refused("no page may ask here"));
        }
        match &self.token {
            Some(token) if !token.get().is_shown(headers) => Err(self.stranger(from)),
            _ => Ok(()),
        }
    }

    /// Whether a request for the page itself may be: that has nothing of the server in it, so that it may
    /// ask for the token, and a link may lead there.
    fn judge_page(&self, from: IpAddr, headers: &HeaderMap) -> Result<(), HttpProblem> {
        self.judge_place(from, headers)?;
        if is_part_of_another_page(headers) {
            return Err(refused("no other page may have it"));
        }
        Ok(())
    }

    fn judge_place(&self, from: IpAddr, headers: &HeaderMap) -> Result<(), HttpProblem> {
        if !self.allow.is_empty() && !self.allow.iter().any(|prefix| prefix.contains(from)) {
            return Err(refused("`admin.allow` has no place for who asks"));
        }
        if self.named && !names_an_address(headers) {
            // A page may have had its own name lead here.
            return Err(refused("ask by an IP address, or as `localhost`"));
        }
        Ok(())
    }

    fn stranger(&self, from: IpAddr) -> HttpProblem {
        match self.strangers.take(&from, Instant::now()) {
            Ok(()) => {
                let detail = "show the token: `Authorization: Bearer ...`";
                HttpProblem::new(StatusCode::UNAUTHORIZED, detail)
                    .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Err(wait) => {
                let detail = "a wrong token was shown too often";
                HttpProblem::new(StatusCode::FORBIDDEN, detail).retry_after(wait.as_secs() + 1)
            }
        }
    }
}

impl BlindToken {
    fn new(seed: &[u8; 32], token: &str) -> Self {
        // A key of any length is one (RFC 2104, section 2): the other one is never taken.
        let blind = Hmac::<Sha256>::new_from_slice(seed);
        let blind = blind.unwrap_or_else(|_| Hmac::new(&Default::default()));
        let token = blind.clone().chain_update(token).finalize().into_bytes().to_vec();
        Self { blind, token }
    }

    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, shown) = shown.and_then(|shown| shown.split_once(' ')).unwrap_or_default();
        let blinded = self.blind.clone().chain_update(shown.trim());
        scheme.eq_ignore_ascii_case("bearer") && blinded.verify_slice(&self.token).is_ok()
    }
}

/// Stands before all that is answered but the page.
pub(super) async fn guard(
    State(gate): State<Arc<AdminGate>>,
    request: Request,
    next: Next,
) -> Response {
    let judged = remote(&request).and_then(|from| gate.judge(from, request.headers()));
    match judged {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Stands before the page.
pub(super) async fn guard_page(
    State(gate): State<Arc<AdminGate>>,
    request: Request,
    next: Next,
) -> Response {
    let judged = remote(&request).and_then(|from| gate.judge_page(from, request.headers()));
    match judged {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn remote(request: &Request) -> Result<IpAddr, HttpProblem> {
    let remote = request.extensions().get::<RemoteAddr>();
    remote.map(|RemoteAddr(from)| *from).ok_or_else(|| refused("nobody asks"))
}

fn refused(detail: &str) -> HttpProblem {
    HttpProblem::new(StatusCode::FORBIDDEN, detail)
}

/// Whether the one `Host` is an address or `localhost`, whatever the port: through a tunnel it is another.
fn names_an_address(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(ip, _)| ip),
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

/// Whether a browser asks because a page has it do so, which is not of this interface.
fn comes_from_a_page(headers: &HeaderMap) -> bool {
    comes_from_elsewhere(headers) || headers.contains_key(header::ORIGIN)
}

/// Whether a browser asks for something that another page shows, or has it do. A link is no part of a page, and
/// for scripts that are modules some browsers name the origin even where that is this one.
fn is_part_of_another_page(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &[u8]| headers.get(name).is_some_and(|said| said == value);
    let link = says("sec-fetch-mode", b"navigate") && says("sec-fetch-dest", b"document");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_, at)| Some(at) == host)
    };
    let foreign = headers.get_all(header::ORIGIN).iter().any(|origin| !own(origin));
    foreign || (comes_from_elsewhere(headers) && !link)
}

fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"none" && site != b"same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_host_is_an_address() {
        for (host, good) in [
            ("127.0.0.1", true),
            ("127.0.0.1:9301", true),
            ("[::1]:9301", true),
            ("[::1]", true),
            ("localhost", true),
            ("LOCALHOST:9301", true),
            ("10.0.0.7:80", true),
            ("rebound.example", false),
            ("rebound.example:9301", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("[rebound.example]", false),
            ("", false),
        ] {
            assert_eq!(names_an_address(&headers(&[("host", host)])), good, "{host}");
        }
        assert!(!names_an_address(&headers(&[])));
        let two = [("host", "127.0.0.1"), ("host", "rebound.example")];
        assert!(!names_an_address(&headers(&two)));
    }

    #[test]
    fn a_page_shows_by_its_headers() {
        for (lines, page) in [
            (&[][..], false),
            (&[("origin", "http://127.0.0.1:9301")], true),
            (&[("origin", "null")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(comes_from_a_page(&headers(lines)), page, "{lines:?}");
        }
    }

    #[test]
    fn a_link_leads_to_the_page_and_no_other_page_has_a_part_of_it() {
        let cross = ("sec-fetch-site", "cross-site");
        for (lines, part) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("host", "10.0.0.7:9301"), ("origin", "http://10.0.0.7:9301")], false),
            (&[cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], false),
            (&[cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], true),
            (&[cross, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")], true),
            (&[cross], true),
            (&[("host", "10.0.0.7:9301"), ("origin", "http://10.0.0.7:80")], true),
            (&[("host", "10.0.0.7:9301"), ("origin", "null")], true),
            (&[("origin", "https://app.example")], true),
        ] {
            assert_eq!(is_part_of_another_page(&headers(lines)), part, "{lines:?}");
        }
    }

    #[test]
    fn a_token_is_shown_or_it_is_not() {
        let token = BlindToken::new(&[7; 32], "0123456789abcdef");
        for (shown, right) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer  0123456789abcdef", true),
            ("Bearer 0123456789abcdeg", false),
            ("Bearer", false),
            ("0123456789abcdef", false),
            ("Basic 0123456789abcdef", false),
        ] {
            assert_eq!(token.is_shown(&headers(&[("authorization", shown)])), right, "{shown}");
        }
        assert!(!token.is_shown(&headers(&[])));
    }
}
