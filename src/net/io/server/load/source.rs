//! One reading of what a TURN server serves.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::exposition::{Unreadable, sum};
use crate::config::LoadSource;
use crate::error::Error;
use crate::types::{MetricsUrl, escaped};

/// The most that is read: a TURN server that counts by the user has thousands of lines.
const MOST: usize = 4 << 20;

/// Text, and that of OpenMetrics where a program has no other.
const FORMATS: &str = "text/plain;version=0.0.4, application/openmetrics-text;q=0.5";

/// Why there is no reading.
#[derive(Debug)]
pub(super) enum LoadFault {
    /// Its host has no address.
    LookUp(Error),
    /// There is no connection, or it broke.
    Connect(SocketAddr, io::Error),
    /// What answers speaks no HTTP.
    NotHttp(String),
    /// It answers with this status.
    Status(u16),
    /// The file cannot be read.
    File(io::Error),
    /// It is no regular file.
    NoFile,
    /// It is longer than what is read.
    TooLong,
    /// It is no text of UTF-8.
    NotText,
    /// It does not say how much the gauge is.
    Unreadable(Unreadable),
    /// It is no number that is 0 or more.
    NotNumber,
    /// It took too long.
    Late,
}

impl fmt::Display for LoadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookUp(error) => {
                let cause = std::error::Error::source(error);
                let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
                write!(f, "its host cannot be looked up: {why}")
            }
            Self::Connect(addr, error) => write!(f, "no connection to {addr}: {error}"),
            Self::NotHttp(why) => write!(f, "what answers is not HTTP: {}", escaped(why)),
            Self::Status(status) => write!(f, "it answers with status {status}"),
            Self::File(error) => error.fmt(f),
            Self::NoFile => f.write_str("it is no regular file"),
            Self::TooLong => write!(f, "it is longer than {} MiB", MOST >> 20),
            Self::NotText => f.write_str("it is no text"),
            Self::Unreadable(why) => write!(f, "{}", escaped(&why.to_string())),
            Self::NotNumber => f.write_str("it is no number that is 0 or more"),
            Self::Late => f.write_str("no answer came in time"),
        }
    }
}

/// Reads how much a TURN server serves.
pub(super) async fn read(source: &LoadSource) -> Result<f64, LoadFault> {
    let (body, metric) = match source {
        LoadSource::Url { url, metric } => (get(url).await?, Some(metric.clone())),
        LoadSource::File { file, metric } => {
            let (file, metric) = (file.clone(), metric.clone());
            let read = tokio::task::spawn_blocking(move || open_and_read(&file)).await;
            (read.map_err(|_| LoadFault::Late)??, metric)
        }
    };
    let text = str::from_utf8(&body).map_err(|_| LoadFault::NotText)?;
    match metric {
        Some(metric) => sum(text, &metric).map_err(LoadFault::Unreadable),
        None => {
            let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
            number.filter(|number| *number >= 0.0).ok_or(LoadFault::NotNumber)
        }
    }
}

fn open_and_read(path: &Path) -> Result<Vec<u8>, LoadFault> {
    // One that is none may keep whoever opens it waiting.
    if !path.metadata().map_err(LoadFault::File)?.is_file() {
        return Err(LoadFault::NoFile);
    }
    let mut body = Vec::new();
    let file = File::open(path).map_err(LoadFault::File)?;
    file.take(MOST as u64 + 1).read_to_end(&mut body).map_err(LoadFault::File)?;
    if body.len() > MOST { Err(LoadFault::TooLong) } else { Ok(body) }
}

async fn get(url: &MetricsUrl) -> Result<Vec<u8>, LoadFault> {
    let addrs = url.endpoint().resolve(None).await.map_err(LoadFault::LookUp)?;
    let mut failed = LoadFault::Late;
    for addr in addrs {
        match TcpStream::connect(addr).await {
            Ok(stream) => return exchange(stream, url).await,
            Err(error) => failed = LoadFault::Connect(addr, error),
        }
    }
    Err(failed)
}

async fn exchange(stream: TcpStream, url: &MetricsUrl) -> Result<Vec<u8>, LoadFault> {
    let not_http = |error: hyper::Error| LoadFault::NotHttp(error.to_string());
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(not_http)?;
    let request = Request::get(url.path())
        .header(HOST, url.endpoint().to_string())
        .header(ACCEPT, HeaderValue::from_static(FORMATS))
        .header(USER_AGENT, concat!("turn-balance/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| LoadFault::NotHttp(error.to_string()))?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(not_http)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(LoadFault::Status(status.as_u16()));
        }
        match Limited::new(answer.into_body(), MOST).collect().await {
            Ok(body) => Ok(body.to_bytes().to_vec()),
            Err(error) if error.is::<LengthLimitError>() => Err(LoadFault::TooLong),
            Err(error) => Err(LoadFault::NotHttp(error.to_string())),
        }
    };
    // The connection is moved as long as the answer is awaited, and dropped with it.
    tokio::select! {
        biased;
        answer = answer => answer,
        Err(error) = connection => Err(not_http(error)),
    }
}
