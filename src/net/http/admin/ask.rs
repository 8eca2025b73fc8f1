//! Asks the admin interface of a server, for `tb status`.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::types::{Endpoint, EndpointError, escaped};

/// The longest answer: 10,000 nodes with names and reasons.
const MOST: usize = 16 << 20;

/// The port of one, where none is said.
const PORT: u16 = 9301;

/// Where an admin interface is: `http://HOST[:PORT]`, `HOST[:PORT]` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminUrl {
    /// A host by its name or address, and a port.
    Tcp(String, u16),
    /// A path.
    Unix(PathBuf),
}

/// Why a server does not say what it is doing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminFault {
    /// Its name cannot be looked up.
    #[error("its name cannot be looked up")]
    LookUp(#[source] io::Error),
    /// There is no connection, or it broke.
    #[error("nobody answers")]
    Io(#[source] io::Error),
    /// It did not say so in time.
    #[error("no answer came in {0:?}")]
    Late(Duration),
    /// What answers is something else.
    #[error("what answers is no admin interface of `tb`")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It will not.
    #[error("it refuses with {status}{}", told(.detail))]
    Refused {
        /// With which status of HTTP.
        status: u16,
        /// What it says.
        detail: Option<String>,
    },
}

fn told(detail: &Option<String>) -> String {
    detail.as_ref().map_or_else(String::new, |detail| format!(": {}", escaped(detail)))
}

impl Default for AdminUrl {
    fn default() -> Self {
        Self::Tcp("127.0.0.1".into(), PORT)
    }
}

impl FromStr for AdminUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.trim_start_matches("//").into()));
        }
        let bare = text.strip_prefix("http://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        // One of a balance server's port is not meant where none is said.
        let explicit = bare.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let bracketed =
            bare.ends_with(']') || bare.matches(':').count() > 1 && !bare.contains("]:");
        let endpoint: Endpoint = bare.parse()?;
        let port = if explicit && !bracketed { endpoint.port() } else { PORT };
        Ok(Self::Tcp(endpoint.host(), port))
    }
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "http://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl AdminUrl {
    /// The document there that says what the server is doing, in JSON, if it comes in time.
    ///
    /// # Errors
    /// [`AdminFault`].
    pub async fn status(
        &self,
        token: Option<&str>,
        patience: Duration,
    ) -> Result<Vec<u8>, AdminFault> {
        let late = |_| AdminFault::Late(patience);
        timeout(patience, self.get("/api/v1/status", token)).await.map_err(late)?
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<Vec<u8>, AdminFault> {
        match self {
            Self::Tcp(host, port) => {
                let addrs = lookup_host((host.as_str(), *port)).await;
                let addrs: Vec<_> = addrs.map_err(AdminFault::LookUp)?.collect();
                let stream = TcpStream::connect(&*addrs).await.map_err(AdminFault::Io)?;
                // By an address, which no page can have lead elsewhere.
                let authority = stream.peer_addr().map_err(AdminFault::Io)?.to_string();
                exchange(stream, &authority, path, token).await
            }
            #[cfg(unix)]
            Self::Unix(file) => {
                let stream = tokio::net::UnixStream::connect(file).await.map_err(AdminFault::Io)?;
                exchange(stream, "localhost", path, token).await
            }
            #[cfg(not(unix))]
            Self::Unix(_) => Err(AdminFault::Io(io::ErrorKind::Unsupported.into())),
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    authority: &str,
    path: &str,
    token: Option<&str>,
) -> Result<Vec<u8>, AdminFault> {
    let other = |error: hyper::Error| AdminFault::Other(error.into());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
    let mut request = Request::get(path)
        .header(HOST, authority)
        .header(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|error| AdminFault::Other(error.into()))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(other)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(AdminFault::Other)?.to_bytes().to_vec();
        match status.is_success() {
            true => Ok(body),
            false => Err(AdminFault::Refused { status: status.as_u16(), detail: problem(&body) }),
        }
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        Err(error) = connection => Err(other(error)),
    }
}

/// What a problem document says.
fn problem(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    problem.get("detail")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, expected) in [
            ("http://127.0.0.1:9301", "http://127.0.0.1:9301"),
            ("http://10.0.0.7/", "http://10.0.0.7:9301"),
            ("fra.example", "http://fra.example:9301"),
            ("fra.example:80", "http://fra.example:80"),
            ("[::1]", "http://[::1]:9301"),
            ("::1", "http://[::1]:9301"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("unix:/run/tb.sock", "unix:/run/tb.sock"),
        ] {
            assert_eq!(text.parse::<AdminUrl>().unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "https://fra.example", "http://", "a b"] {
            assert!(text.parse::<AdminUrl>().is_err(), "{text}");
        }
    }
}
