use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use crate::error::{Error, SocketOperation};
use crate::net::engine::client::echo::{Echo, EchoPlan, Echoes};
use crate::net::io::random;
use crate::net::io::socket::udp::{ANSWER_ROOM, any, open, send};
use crate::types::{Endpoint, Family};

/// Between two requests, and how long each is awaited, where nothing else is said: as `ping` of
/// iputils does it.
const SECOND: Duration = Duration::from_secs(1);

/// Measures one balance server again and again, with probe requests as the echo.
///
/// ```no_run
/// # async fn example() -> Result<(), turn_balance::Error> {
/// use std::time::Duration;
/// use turn_balance::Pinger;
///
/// let root = std::net::SocketAddr::from(([203, 0, 113, 7], 3001));
/// let builder = Pinger::builder(root).interval(Duration::from_millis(200)).count(5);
/// let mut pinger = builder.build().await?;
/// while let Some(echo) = pinger.next().await? {
///     println!("{}: {:?}", echo.seq, echo.rtt);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pinger {
    server: SocketAddr,
    socket: UdpSocket,
    echoes: Echoes,
    buffer: Vec<u8>,
}

impl Pinger {
    /// Pings a server every second, without end. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// As [`PingerBuilder::build`].
    pub async fn new(server: SocketAddr) -> Result<Self, Error> {
        Self::builder(server).build().await
    }

    /// Sets what [`Pinger::new`] leaves at its default.
    pub fn builder(server: impl Into<Endpoint>) -> PingerBuilder {
        let plan = EchoPlan { interval: SECOND, timeout: SECOND, count: None };
        PingerBuilder { server: server.into(), family: None, plan }
    }

    /// The address that is asked.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Bytes of a request's UDP payload.
    pub fn request_len(&self) -> usize {
        Echoes::REQUEST_LEN
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.echoes.sent()
    }

    /// The next answer or loss; `None`: that was the last one. A request that the system refuses to
    /// send is lost like any other, but for the first: that is an error. Safe to drop and call
    /// again.
    ///
    /// # Errors
    /// [`Error::Socket`].
    pub async fn next(&mut self) -> Result<Option<Echo>, Error> {
        loop {
            if let Some(echo) = self.echoes.poll_event() {
                return Ok(Some(echo));
            }
            if let Some(transmit) = self.echoes.poll_transmit(Instant::now()) {
                let sent = send(&self.socket, &transmit.payload, transmit.to);
                if self.echoes.sent() == 1 {
                    sent.map_err(Error::socket(SocketOperation::Send, self.server))?;
                }
                continue;
            }
            let Some(deadline) = self.echoes.poll_timeout() else {
                return Ok(None);
            };
            tokio::select! {
                received = self.socket.recv_from(&mut self.buffer) => {
                    // An error is an ICMP message about an earlier request: that one is lost.
                    if let Ok((len, from)) = received {
                        self.echoes.handle_datagram(Instant::now(), from, &self.buffer[..len]);
                    }
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.echoes.handle_timeout(Instant::now());
                }
            }
        }
    }
}

/// Makes a [`Pinger`], where its example is.
#[derive(Debug, Clone)]
#[must_use = "it makes nothing until it is built"]
pub struct PingerBuilder {
    server: Endpoint,
    family: Option<Family>,
    plan: EchoPlan,
}

impl PingerBuilder {
    /// From one request to the next; default 1 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.plan.interval = interval;
        self
    }

    /// How long each request is awaited; default 1 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.timeout = timeout;
        self
    }

    /// How many requests are sent; default without end.
    pub fn count(mut self, count: u64) -> Self {
        self.plan.count = Some(count);
        self
    }

    /// Only an address of this family; default any.
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Looks up the server's name, of whose addresses the first is asked, and opens a socket. Must
    /// be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Resolve`], [`Error::NoAddress`], [`Error::Socket`], [`Error::Random`].
    pub async fn build(self) -> Result<Pinger, Error> {
        let server = self.server.resolve_first(self.family).await?;
        let socket =
            open(any(Family::of(server))).map_err(Error::socket(SocketOperation::Open, server))?;
        let echoes = Echoes::new(server, self.plan, Instant::now(), random::rng()?);
        Ok(Pinger { server, socket, echoes, buffer: vec![0; ANSWER_ROOM] })
    }
}
