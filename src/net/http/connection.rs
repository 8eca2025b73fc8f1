//! One connection, and what bounds it.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, trace};

use super::problem::HttpProblem;
use super::stall::Moving;

/// How long hands may be shaken, and how long the head of a request may take: as long as a lost packet
/// or two on a bad network.
const HANDSHAKE: Duration = Duration::from_secs(5);
const HEAD: Duration = Duration::from_secs(5);

/// How long one request may take, its body among it.
const REQUEST: Duration = Duration::from_secs(10);

/// For how long a connection may lie idle, or nobody read what it is sent.
pub(super) const STALLED: Duration = Duration::from_secs(15);

/// How long one connection may be used: who asks more often comes again.
const USED: Duration = Duration::from_secs(300);

/// How long the answers may take that are on their way when it is over.
const ENDING: Duration = Duration::from_secs(10);

/// The most that the head of a request may have: room for what browsers send, cookies of other services
/// on the host among it.
const HEAD_BYTES: usize = 16 << 10;
const HEAD_LINES: usize = 64;

/// The most that a body may have.
pub(super) const BODY: usize = 16 << 10;

/// Who asks, before any proxy is believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct RemoteAddr(pub(super) IpAddr);

/// When a connection is to end, for answers that would go on.
#[derive(Debug, Clone)]
pub(super) struct ConnectionEnd(watch::Receiver<bool>);

impl ConnectionEnd {
    /// Waits until it is.
    pub(super) async fn comes(&mut self) {
        told_to_stop(&mut self.0).await;
    }
}

/// Serves one connection until it ends, or all are to.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    tls: Option<TlsAcceptor>,
    peer: IpAddr,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    let stream = Moving::new(stream, STALLED);
    let Some(tls) = tls else {
        return exchange(TokioIo::new(stream), peer, router, stopping).await;
    };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => exchange(TokioIo::new(stream), peer, router, stopping).await,
        Ok(Err(error)) => debug!(%error, "no TLS"),
        Err(_) => debug!("no TLS in time"),
    }
}

/// Answers what is asked on a connection.
async fn exchange<T: hyper::rt::Read + hyper::rt::Write + Unpin>(
    io: T,
    peer: IpAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let router = TowerToHyperService::new(router);
    let (ending, end) = watch::channel(false);
    let answer = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(RemoteAddr(peer));
        request.extensions_mut().insert(ConnectionEnd(end.clone()));
        in_time(router.call(request))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(io, answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return told(ended),
        () = sleep(USED) => {}
        () = told_to_stop(&mut stopping) => {}
    }
    let _ = ending.send(true);
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = timeout(ENDING, connection).await {
        told(ended);
    }
}

/// Waits until all are to end; that is also so where nobody is left to say it.
pub(super) async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        trace!(%error, "connection ended");
    }
}

/// An answer, or that there is none in time.
async fn in_time(
    answer: impl Future<Output = Result<Response, Infallible>>,
) -> Result<Response, Infallible> {
    let late =
        || HttpProblem::new(StatusCode::REQUEST_TIMEOUT, "the request took longer than 10 s");
    timeout(REQUEST, answer).await.unwrap_or_else(|_| Ok(late().into_response()))
}
