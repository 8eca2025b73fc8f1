//! Where connections come in.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::admission::{Admitted, ConnectionRoom};
use super::certificate::Certificate;
use super::connection::{serve, told_to_stop};
use crate::error::Error;
use crate::types::Prefix;

/// How many connections may wait to be let in.
const BACKLOG: i32 = 1024;

/// How long nobody is let in after the system would not: it has no room, and will not have some at once.
const PAUSE: Duration = Duration::from_millis(100);

/// How long connections have to end when all are to.
const ENDING: Duration = Duration::from_secs(10);

/// What all listeners of one service have in common.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) admission: Arc<ConnectionRoom>,
    /// Who may have more connections than others: they stand for many.
    pub(super) trusted: Arc<[Prefix]>,
}

/// Listens at an address, of all that there are: an IPv6 wildcard takes IPv4 too, where nothing else has
/// its port there.
///
/// # Errors
/// [`Error::Listen`].
pub(super) fn listen(addr: SocketAddr, all: &[SocketAddr]) -> Result<TcpListener, Error> {
    let v4 = |other: &SocketAddr| other.is_ipv4() && other.port() == addr.port();
    let takes_v4 = addr.ip().is_unspecified() && !all.iter().any(v4);
    let open = || {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(!takes_v4)?;
        }
        // What a server before this one has left in TIME_WAIT keeps nobody out.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|source| Error::Listen { addr, source })
}

/// Where connections come to.
pub(super) trait Door: Send + Sync + 'static {
    /// What bytes pass through.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and where it is from.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, IpAddr)>> + Send;
}

impl Door for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, IpAddr)> {
        let (stream, from) = Self::accept(self).await?;
        let _ = stream.set_nodelay(true);
        // What the system has taken and nobody takes from it is not seen to stall from here.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ =
            socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(super::connection::STALLED));
        Ok((stream, from.ip().to_canonical()))
    }
}

/// Lets connections in and serves them, until all are to end.
pub(super) async fn run(
    listener: impl Door,
    service: Service,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stopped = stopping.clone();
    loop {
        tokio::select! {
            () = told_to_stop(&mut stopping) => break,
            // So that what has ended is not kept.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    if let Some(admitted) = service.admit(from) {
                        let work = service.clone().serve(stream, from, admitted, stopped.clone());
                        connections.spawn(work);
                    }
                }
                Err(error) => {
                    warn!(%error, "cannot take a connection");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(ENDING, ended).await.is_err() {
        debug!("connections are cut off that do not end");
    }
}

impl Service {
    fn admit(&self, from: IpAddr) -> Option<Admitted> {
        let trusted = self.trusted.iter().any(|prefix| prefix.contains(from));
        let admitted = self.admission.admit(from, trusted);
        if admitted.is_none() {
            debug!(%from, "too many connections");
        }
        admitted
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        from: IpAddr,
        admitted: Admitted,
        stopping: watch::Receiver<bool>,
    ) {
        let _admitted = admitted;
        let tls = self.certificate.as_ref().map(|certificate| certificate.acceptor());
        serve(stream, tls, from, self.router, stopping).await;
    }
}
