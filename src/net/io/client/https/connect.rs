//! How long a TCP connection takes, and whether a TURN server answers by one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::net::engine::turn::CheckPlan;
use crate::net::io::random;
use crate::net::io::socket::handshake;
use crate::net::io::source::Source;
use crate::net::io::turn::{self, Carrier, TlsRoots, TurnRoute};
use crate::types::{ServerUrl, TurnFault, TurnHealth};

/// Connects, tells how long that took, and hangs up.
pub(super) async fn connect(addr: SocketAddr) -> Result<Duration, TurnFault> {
    let began = Instant::now();
    let connection = Source::default().tcp(addr).await.map_err(|error| turn::fault(&error))?;
    Ok(handshake::rtt(&connection, began.elapsed()))
}

/// Asks a TURN server itself: Binding, by TCP or TLS as its URL says.
pub(super) async fn check(
    addr: SocketAddr,
    url: ServerUrl,
    patience: Duration,
    tls: TlsRoots,
) -> Result<Result<(), TurnFault>, Error> {
    let carrier = match url.is_secure() {
        true => Carrier::Tls { host: url.host().to_owned(), roots: tls },
        false => Carrier::Tcp,
    };
    let plan =
        CheckPlan { level: TurnHealth::Binding, credentials: None, patience, reliable: true };
    let route = TurnRoute { addr, carrier, source: Source::default() };
    let checked = turn::check(&route, plan, random::rng()?, |_| {}).await;
    Ok(checked.map_err(|failed| failed.fault))
}
