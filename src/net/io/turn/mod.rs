//! Checks of TURN servers over real sockets: by UDP, TCP or TLS.

mod datagrams;
mod fault;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::time::Instant;

#[cfg(feature = "https")]
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};
#[cfg(feature = "https")]
use tokio_rustls::client::TlsStream;

pub(crate) use self::datagrams::Datagrams;
use self::stream::Stream;
use super::source::Source;
use crate::net::engine::Rng;
use crate::net::engine::turn::{CheckPlan, TurnCheck, TurnEvent, TurnStep};
use crate::types::TurnFault;

pub(crate) use self::fault::CheckFault;
#[cfg(feature = "https")]
pub(crate) use self::fault::fault;
pub(crate) use self::tls::TlsRoots;

/// How a TURN server is reached.
#[derive(Debug, Clone)]
pub(crate) struct TurnRoute {
    /// Where it is.
    pub(crate) addr: SocketAddr,
    /// By which means.
    pub(crate) carrier: Carrier,
    /// Where from.
    pub(crate) source: Source,
}

/// By which means.
#[derive(Debug, Clone)]
pub(crate) enum Carrier {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls {
        /// Whom the certificate is to name.
        host: String,
        /// Who may say so.
        roots: TlsRoots,
    },
}

/// One way to send to a server and to receive from it.
enum Link {
    Datagrams(Datagrams),
    Stream(Box<Stream>),
}

/// Checks a TURN server, and tells of each step that succeeds when it does. It ends when the allocation
/// is let go. Whoever drops it lets that go too, as far as one datagram does.
///
/// # Errors
/// Why the server cannot be used.
pub(crate) async fn check(
    route: &TurnRoute,
    plan: CheckPlan,
    rng: Rng,
    mut told: impl FnMut(TurnStep),
) -> Result<(), CheckFault> {
    let opened = timeout(plan.patience, Link::open(route)).await;
    let link = opened.unwrap_or(Err(TurnFault::Silent.into()))?;
    let plan = CheckPlan { reliable: !matches!(link, Link::Datagrams(_)), ..plan };
    let check = TurnCheck::new(route.addr, plan, Instant::now(), rng);
    let mut running = Running { check, link };
    let outcome = running.run(route.addr, &mut told).await;
    let blamed = running.check.blamed();
    outcome.map_err(|fault| CheckFault { blamed, ..fault.into() })
}

/// Shakes hands with who is to be this host, and hangs up.
///
/// # Errors
/// Why that cannot be done.
pub(crate) async fn greet(
    addr: SocketAddr,
    source: &Source,
    host: &str,
    roots: &TlsRoots,
) -> Result<(), CheckFault> {
    Stream::tls(addr, source, host, roots).await.map(drop)
}

/// Shakes hands over a connection that is there.
///
/// # Errors
/// Why that cannot be done.
#[cfg(feature = "https")]
pub(crate) async fn shake(
    host: &str,
    connection: TcpStream,
    roots: &TlsRoots,
) -> Result<TlsStream<TcpStream>, CheckFault> {
    roots.connect(host, connection).await
}

/// A check that goes on.
struct Running {
    check: TurnCheck,
    link: Link,
}

impl Running {
    async fn run(
        &mut self,
        peer: SocketAddr,
        told: &mut impl FnMut(TurnStep),
    ) -> Result<(), TurnFault> {
        // A check always ends with an outcome.
        let mut outcome = Err(TurnFault::Silent);
        loop {
            while let Some(transmit) = self.check.poll_transmit(Instant::now()) {
                if let Err(fault) = self.link.send(&transmit.payload).await {
                    self.check.handle_fault(Instant::now(), fault);
                }
            }
            while let Some(event) = self.check.poll_event() {
                match event {
                    TurnEvent::Step(step) => told(step),
                    TurnEvent::Ended(ended) => outcome = ended,
                }
            }
            let Some(deadline) = self.check.poll_timeout() else { return outcome };
            // What has come is read before a timer is believed.
            tokio::select! {
                biased;
                message = self.link.receive() => match message {
                    Ok(message) => drop(self.check.handle_datagram(Instant::now(), peer, &message)),
                    Err(fault) => self.check.handle_fault(Instant::now(), fault),
                },
                () = sleep_until(deadline.into()) => self.check.handle_timeout(Instant::now()),
            }
        }
    }
}

impl Drop for Running {
    /// An allocation by a stream ends with it; one by UDP would stay for ten minutes.
    fn drop(&mut self) {
        let now = Instant::now();
        self.check.abandon(now);
        if let (Link::Datagrams(link), Some(refresh)) = (&self.link, self.check.poll_transmit(now))
        {
            let _ = link.send(&refresh.payload);
        }
    }
}

impl Link {
    async fn open(route: &TurnRoute) -> Result<Self, CheckFault> {
        let (addr, source) = (route.addr, &route.source);
        Ok(match &route.carrier {
            Carrier::Udp => Self::Datagrams(Datagrams::open(addr, source)?),
            Carrier::Tcp => Self::Stream(Box::new(Stream::tcp(addr, source).await?)),
            Carrier::Tls { host, roots } => {
                Self::Stream(Box::new(Stream::tls(addr, source, host, roots).await?))
            }
        })
    }

    async fn send(&mut self, payload: &[u8]) -> Result<(), TurnFault> {
        match self {
            Self::Datagrams(datagrams) => datagrams.send(payload),
            Self::Stream(stream) => stream.send(payload).await,
        }
    }

    /// The next message. Safe to drop and call again.
    async fn receive(&mut self) -> Result<Vec<u8>, TurnFault> {
        match self {
            Self::Datagrams(datagrams) => datagrams.receive().await,
            Self::Stream(stream) => stream.receive().await,
        }
    }
}
