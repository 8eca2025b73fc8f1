//! One GET over a connection that is there, with bounds on what comes back.

use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::types::HttpsFault;

/// The longest list that is read: 256 servers with eight URLs of 250 bytes each.
const MAX_BODY: usize = 512 * 1024;

/// The longest that the lines before it may be.
const MAX_HEADERS: usize = 16 * 1024;

/// What came: the status, and the body.
pub(super) struct WebAnswer {
    pub(super) status: u16,
    pub(super) is_problem: bool,
    pub(super) body: Vec<u8>,
}

/// Asks for a path of an authority.
pub(super) async fn get<C>(
    connection: C,
    authority: &str,
    path: &str,
) -> Result<WebAnswer, HttpsFault>
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let not_http = |error: &dyn std::error::Error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        HttpsFault::NotHttp(format!("{error}{cause}"))
    };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEADERS).max_headers(64);
    let shaken = builder.handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = shaken.map_err(|error| not_http(&error))?;
    let request = Request::get(path)
        .header(HOST, authority)
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, concat!("turn-balance/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| not_http(&error))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| not_http(&error))?;
        read(answer).await
    };
    // The connection is moved as long as the answer is awaited, and dropped with it.
    tokio::select! {
        biased;
        answer = answer => answer,
        Err(error) = connection => Err(not_http(&error)),
    }
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<WebAnswer, HttpsFault> {
    let status = answer.status().as_u16();
    let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_problem = kind.is_some_and(|kind| kind.starts_with(b"application/problem+json"));
    let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
    match body {
        Ok(body) => Ok(WebAnswer { status, is_problem, body: body.to_bytes().to_vec() }),
        Err(error) if error.is::<LengthLimitError>() => Err(HttpsFault::TooLong),
        Err(error) => Err(HttpsFault::NotHttp(error.to_string())),
    }
}
