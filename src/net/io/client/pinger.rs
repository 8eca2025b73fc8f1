use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::input::Input;
use super::nat64::with_ways;
use super::sockets::Sockets;
use crate::error::{Error, SocketOperation};
use crate::net::engine::client::echo::{Echo, EchoPlan, Echoes};
use crate::net::io::link;
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;
use crate::types::{Endpoint, Family};

/// Between two requests, and after which each is told of as unanswered, where nothing else is said.
const SECOND: Duration = Duration::from_secs(1);

/// How long the last requests are awaited where none was ever answered and nothing else is said: as
/// `ping` of iputils does it (MAXWAIT), for there may be networks like that.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the server's name is looked up: as long as a descent takes by default.
const LOOK_UP: Duration = Duration::from_secs(10);

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
    first: SocketAddr,
    sockets: Sockets,
    echoes: Echoes,
    /// Why a request was not sent, as long as none was.
    refusal: Option<Error>,
    sent_any: bool,
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
        let plan = EchoPlan { interval: SECOND, timeout: SECOND, patience: PATIENCE, count: None };
        PingerBuilder { server: server.into(), family: None, source: Source::default(), plan }
    }

    /// The address that is asked. A name may have several: all are asked, 64 at most, until one
    /// answers, and this is the first of them so far.
    pub fn server(&self) -> SocketAddr {
        self.echoes.server().unwrap_or(self.first)
    }

    /// Whether [`server`](Self::server) is the only address, or the one that answers.
    pub fn is_settled(&self) -> bool {
        self.echoes.is_settled()
    }

    /// Bytes of a request's UDP payload.
    pub fn request_len(&self) -> usize {
        Echoes::REQUEST_LEN
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.echoes.sent()
    }

    /// The next answer, loss or ICMP error; `None`: that was the last one. Answers count however
    /// late they come, and after the last request they are awaited for a while. Where nothing
    /// listens at any address, the first error is the last. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Error::Socket`] where the system sends nothing from the start; later that is a loss.
    pub async fn next(&mut self) -> Result<Option<Echo>, Error> {
        loop {
            while let Some(transmit) = self.echoes.poll_transmit(Instant::now()) {
                match self.sockets.send(&transmit) {
                    Ok(()) => self.sent_any = true,
                    Err(error) => {
                        self.echoes.handle_unreachable(transmit.to);
                        self.refusal = Some(error);
                    }
                }
            }
            if let Some(echo) = self.echoes.poll_event() {
                let refusal = self.refusal.take().filter(|_| !self.sent_any);
                return refusal.map_or(Ok(Some(echo)), Err);
            }
            let Some(deadline) = self.echoes.poll_timeout() else {
                return Ok(None);
            };
            match self.sockets.receive(Some(deadline)).await {
                Input::Datagram(Datagram { from, bytes, came }) => {
                    self.echoes.handle_datagram(came.moment(), from, &bytes);
                }
                Input::Unreachable(_, Unreachable { to, obstacle, quoted }) => {
                    self.echoes.handle_icmp(to, obstacle, &quoted);
                }
                Input::Timeout(at) => self.echoes.handle_timeout(at),
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
    source: Source,
    plan: EchoPlan,
}

impl PingerBuilder {
    /// From one request to the next; default 1 s, at least 1 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.plan.interval = interval;
        self
    }

    /// After which a request is told of as unanswered, 1 s by default, and how long the last one is
    /// awaited where no answer has ever come, 10 s by default. A later answer still counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.timeout = timeout;
        self.plan.patience = timeout;
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

    /// Sends from this address of the host, and only to addresses of its family.
    pub fn source(mut self, source: IpAddr) -> Self {
        self.source.ip = Some(source);
        self
    }

    /// Sends and receives by way of this interface alone, such as `eth0`. Linux only.
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.source.interface = Some(name.into());
        self
    }

    /// Looks up the server's name, for 10 s at most, and the way to its IPv4 addresses where this host
    /// has none but a NAT64. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Endpoint`], [`Error::Resolve`], [`Error::NoAddress`], [`Error::Random`], and
    /// [`Error::Socket`] where a link-local address is asked by way of an interface that there is not.
    pub async fn build(self) -> Result<Pinger, Error> {
        let Self { server, family, source, plan } = self;
        let own = source.ip.map(|ip| (ip, Family::of((ip, 0).into())));
        if let (Some((ip, own)), Some(family)) = (own, family)
            && own != family
        {
            return Err(Error::NoAddress { host: ip.to_string(), family });
        }
        let wanted = own.map(|(_, family)| family).or(family);
        let mut addrs = match timeout(LOOK_UP, server.resolve_some(wanted)).await {
            Ok(resolved) => resolved?.addrs,
            Err(_) => return Err(server.late()),
        };
        if let Some(interface) = &source.interface {
            for addr in &mut addrs {
                let failed = Error::socket(SocketOperation::Open, *addr);
                *addr = link::on(*addr, interface).map_err(failed)?;
            }
        }
        let addrs = with_ways(addrs, &source).await;
        let Some(&first) = addrs.first() else { return Err(Error::NoRoots) };
        let echoes = Echoes::new(&addrs, plan, Instant::now(), random::rng()?);
        let sockets = Sockets::fresh(source);
        Ok(Pinger { first, sockets, echoes, refusal: None, sent_any: false })
    }
}
