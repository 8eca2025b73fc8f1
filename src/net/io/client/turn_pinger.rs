use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep_until, timeout};

use super::nat64::with_ways;
use crate::error::{Error, SocketOperation};
use crate::net::engine::turn::{CheckPlan, TurnStep};
use crate::net::io::link;
use crate::net::io::random;
use crate::net::io::source::Source;
use crate::net::io::turn::{Carrier, CheckFault, TlsRoots, TurnRoute, check};
use crate::types::{
    Endpoint, Family, TurnCredentials, TurnFault, TurnHealth, TurnLogin, TurnSecret, TurnTransport,
    TurnUrl,
};

/// From one check to the next, where nothing else is said.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the answer to one request of a check may take, where nothing else is said: a handshake of TLS
/// with a host on the other side of the world has its time, and a datagram is sent again three times.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the server's name is looked up: as long as a descent takes by default.
const LOOK_UP: Duration = Duration::from_secs(10);

/// Checks one TURN server again and again: whether it answers, allocates and relays, and how long that
/// takes. A STUN server is only asked with Binding.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::{TurnPinger, TurnSecret};
///
/// let secret = TurnSecret::new("north-wind");
/// let builder = TurnPinger::builder("turn:turn.example".parse()?).secret(secret, "tb").count(5);
/// let mut pinger = builder.build().await?;
/// while let Some(echo) = pinger.next().await? {
///     println!("{}: {:?} {:?}", echo.seq, echo.did, echo.fault);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TurnPinger {
    plan: PingPlan,
    /// Where the server is; once one of them has answered, that alone.
    addrs: Vec<SocketAddr>,
    roots: Option<TlsRoots>,
    next: Instant,
    sent: u64,
    current: Option<Current>,
}

/// What came of one step of a check by a [`TurnPinger`], where its example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnEcho {
    /// The number of the check, from 1.
    pub seq: u64,
    /// Which step.
    pub did: TurnDid,
    /// How long it took, from a request to its answer; `None`: it failed, or was not to be seen.
    pub rtt: Option<Duration>,
    /// Where the server relays, also where that is of no use.
    pub relayed: Option<SocketAddr>,
    /// Whom it sends its clients to ([`TurnFault::Moved`]), where it says so.
    pub alternate: Option<SocketAddr>,
    /// Why it failed, which ends the check.
    pub fault: Option<TurnFault>,
    /// When the server's certificate ended, in seconds since 1970, where that is why.
    pub expired: Option<u64>,
    /// Whether it is the last of its check.
    pub last: bool,
}

/// A step of a check, in [`TurnEcho`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TurnDid {
    /// The server says who asks.
    Binding,
    /// It gives an address to relay at.
    Allocate,
    /// It relays a datagram. Without a time, it forbids the relayed address as a peer, so that nothing
    /// shows whether it does.
    Relay,
}

/// How a server is checked.
#[derive(Debug, Clone)]
struct PingPlan {
    url: TurnUrl,
    interval: Duration,
    patience: Duration,
    count: Option<u64>,
    family: Option<Family>,
    source: Source,
    login: Option<TurnLogin>,
    ca_file: Option<PathBuf>,
}

/// A check that goes on.
struct Current {
    check: Pin<Box<dyn Future<Output = Result<(), CheckFault>> + Send + Sync>>,
    steps: UnboundedReceiver<TurnStep>,
    /// Once it is over.
    outcome: Option<Result<(), CheckFault>>,
    /// The step that is to come.
    next: TurnDid,
    /// How many addresses were tried for it, with this one.
    tried: usize,
}

impl TurnPinger {
    /// Says whom to check. By default that is done every second, without end. What is inside of TLS is
    /// asked by TCP.
    pub fn builder(url: TurnUrl) -> TurnPingerBuilder {
        TurnPingerBuilder {
            plan: PingPlan {
                url,
                interval: INTERVAL,
                patience: PATIENCE,
                count: None,
                family: None,
                source: Source::default(),
                login: None,
                ca_file: None,
            },
        }
    }

    /// The address that is asked: of several, the first that anything answers at.
    pub fn server(&self) -> SocketAddr {
        self.addrs[0]
    }

    /// Checks that have begun so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The next step that succeeded or failed; `None`: that was the last one. Safe to drop and call
    /// again.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub async fn next(&mut self) -> Result<Option<TurnEcho>, Error> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(step) = current.next_step().await {
                    return Ok(Some(self.told(step)));
                }
                match self.ended()? {
                    Some(echo) => return Ok(Some(echo)),
                    None => continue,
                }
            }
            if self.plan.count.is_some_and(|count| self.sent >= count) {
                return Ok(None);
            }
            sleep_until(self.next.into()).await;
            self.next = (self.next + self.plan.interval).max(Instant::now());
            self.sent += 1;
            self.start(1)?;
        }
    }

    /// Ends the check that goes on, if there is one, as a failure: its answers came too late for somebody.
    pub fn give_up(&mut self) -> Option<TurnEcho> {
        let current = self.current.take()?;
        Some(TurnEcho::failed(self.sent, current.next, TurnFault::Silent.into()))
    }

    /// Begins a check, of the address that stands first; `tried`: how many were before it, and it.
    fn start(&mut self, tried: usize) -> Result<(), Error> {
        let level = if self.plan.url.is_turn() { TurnHealth::Relay } else { TurnHealth::Binding };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = now.as_secs();
        let plan = CheckPlan {
            level,
            credentials: self.plan.login.as_ref().map(|login| login.credentials(now)),
            patience: self.plan.patience,
            reliable: false,
        };
        let host = self.plan.url.host().to_owned();
        let carrier = match (&self.roots, self.plan.url.transport()) {
            (Some(roots), _) => Carrier::Tls { host, roots: roots.clone() },
            (None, TurnTransport::Tcp) => Carrier::Tcp,
            (None, TurnTransport::Udp) => Carrier::Udp,
        };
        let route = TurnRoute { addr: self.server(), carrier, source: self.plan.source.clone() };
        let (tell, steps) = unbounded_channel();
        let rng = random::rng()?;
        let check = async move {
            // Whoever listens listens until it ends.
            let told = |step| tell.send(step).unwrap_or_default();
            check(&route, plan, rng, told).await
        };
        self.current = Some(Current {
            check: Box::pin(check),
            steps,
            outcome: None,
            next: TurnDid::Binding,
            tried,
        });
        Ok(())
    }

    /// A step succeeded: the server is found.
    fn told(&mut self, step: TurnStep) -> TurnEcho {
        self.addrs.truncate(1);
        let echo = TurnEcho::of(self.sent, step, self.plan.url.is_turn());
        if let Some(current) = &mut self.current {
            current.next = echo.did.next();
        }
        echo
    }

    /// A check is over. Where nothing answered, another address of the server may.
    fn ended(&mut self) -> Result<Option<TurnEcho>, Error> {
        let Some(current) = self.current.take() else { return Ok(None) };
        let Some(Err(found)) = current.outcome else { return Ok(None) };
        let nobody = [TurnFault::Silent, TurnFault::Closed, TurnFault::Unreachable];
        if current.next == TurnDid::Binding && nobody.contains(&found.fault) {
            self.addrs.rotate_left(1);
            if current.tried < self.addrs.len() {
                self.start(current.tried + 1)?;
                return Ok(None);
            }
        } else {
            self.addrs.truncate(1);
        }
        Ok(Some(TurnEcho::failed(self.sent, current.next, found)))
    }
}

impl Current {
    /// The next step that succeeds; `None`: that was the last one. Safe to drop and call again.
    async fn next_step(&mut self) -> Option<TurnStep> {
        if self.outcome.is_none() {
            tokio::select! {
                biased;
                Some(step) = self.steps.recv() => return Some(step),
                outcome = &mut self.check => self.outcome = Some(outcome),
            }
        }
        // Several may have succeeded at once.
        self.steps.try_recv().ok()
    }
}

impl TurnEcho {
    fn of(seq: u64, step: TurnStep, is_turn: bool) -> Self {
        let (did, rtt, relayed) = match step {
            TurnStep::Binding { rtt } => (TurnDid::Binding, Some(rtt), None),
            TurnStep::Allocate { rtt, relayed } => (TurnDid::Allocate, Some(rtt), Some(relayed)),
            TurnStep::Relay { rtt, relayed } => (TurnDid::Relay, Some(rtt), Some(relayed)),
            TurnStep::Unproved { relayed } => (TurnDid::Relay, None, Some(relayed)),
        };
        let last = did == if is_turn { TurnDid::Relay } else { TurnDid::Binding };
        Self { seq, did, rtt, relayed, alternate: None, fault: None, expired: None, last }
    }

    fn failed(seq: u64, did: TurnDid, found: CheckFault) -> Self {
        let CheckFault { fault, expired, blamed } = found;
        let by = |wanted| blamed.filter(|_| fault == wanted);
        Self {
            seq,
            did,
            rtt: None,
            relayed: by(TurnFault::UselessAddress),
            alternate: by(TurnFault::Moved),
            fault: Some(fault),
            expired,
            last: true,
        }
    }
}

impl TurnDid {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Allocate => "allocate",
            Self::Relay => "relay",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Binding => Self::Allocate,
            Self::Allocate | Self::Relay => Self::Relay,
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Makes a [`TurnPinger`], where its example is.
#[derive(Debug, Clone)]
#[must_use = "it makes nothing until it is built"]
pub struct TurnPingerBuilder {
    plan: PingPlan,
}

impl TurnPingerBuilder {
    /// From one check to the next; default 1 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.plan.interval = interval;
        self
    }

    /// After which the answer to one request is awaited no longer; default 5 s. Looking up the name is
    /// no request.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.patience = timeout;
        self
    }

    /// How many checks are made; default without end.
    pub fn count(mut self, count: u64) -> Self {
        self.plan.count = Some(count);
        self
    }

    /// Shows these credentials where the server demands some.
    pub fn credentials(mut self, credentials: TurnCredentials) -> Self {
        self.plan.login = Some(TurnLogin::User(credentials));
        self
    }

    /// Mints credentials for each check, for this name.
    pub fn secret(mut self, secret: TurnSecret, name: impl Into<String>) -> Self {
        self.plan.login = Some(TurnLogin::Secret(secret, name.into()));
        self
    }

    /// Trusts those whose certificates are in this file (PEM), in place of whom the system trusts.
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.plan.ca_file = Some(file.into());
        self
    }

    /// Only an address of this family; default any.
    pub fn family(mut self, family: Family) -> Self {
        self.plan.family = Some(family);
        self
    }

    /// Sends from this address of the host, and only to addresses of its family.
    pub fn source(mut self, source: IpAddr) -> Self {
        self.plan.source.ip = Some(source);
        self
    }

    /// Sends and receives by way of this interface alone, such as `eth0`. Linux only.
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.plan.source.interface = Some(name.into());
        self
    }

    /// Looks up the server's name, for 10 s at most, and reads whom to trust where that is asked. Must be
    /// called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Endpoint`], [`Error::Resolve`], [`Error::NoAddress`], [`Error::Roots`]; [`Error::Socket`]
    /// where a link-local address is asked by way of an interface that there is not.
    pub async fn build(self) -> Result<TurnPinger, Error> {
        let Self { plan } = self;
        let roots = match (plan.url.is_secure(), &plan.ca_file) {
            (false, _) => None,
            (true, None) => Some(TlsRoots::system().map_err(|source| Error::roots(None, source))?),
            (true, Some(file)) => {
                Some(TlsRoots::file(file).map_err(|source| Error::roots(Some(file), source))?)
            }
        };
        let addrs = addrs(&plan.url, plan.family, &plan.source).await?;
        Ok(TurnPinger { plan, addrs, roots, next: Instant::now(), sent: 0, current: None })
    }
}

/// Where a server is: one address at least.
async fn addrs(
    url: &TurnUrl,
    family: Option<Family>,
    source: &Source,
) -> Result<Vec<SocketAddr>, Error> {
    let server = match url.ip() {
        Some(ip) => Endpoint::Addr(SocketAddr::new(ip, url.port())),
        None => Endpoint::Name(url.host().to_owned(), url.port()),
    };
    let own = source.ip.map(|ip| Family::of((ip, 0).into()));
    let mut addrs = match timeout(LOOK_UP, server.resolve_some(own.or(family))).await {
        Ok(resolved) => resolved?.addrs,
        Err(_) => return Err(server.late()),
    };
    if let Some(interface) = &source.interface {
        for addr in &mut addrs {
            let failed = Error::socket(SocketOperation::Open, *addr);
            *addr = link::on(*addr, interface).map_err(failed)?;
        }
    }
    let addrs = with_ways(addrs, source).await;
    if addrs.is_empty() { Err(Error::NoRoots) } else { Ok(addrs) }
}
