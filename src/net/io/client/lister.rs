use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout_at;
use tracing::debug;

use super::input::Input;
use super::nat64::with_ways;
use super::sockets::Sockets;
use crate::error::Error;
#[cfg(feature = "http")]
use crate::net::engine::client::crawl::UnofferedNode;
use crate::net::engine::client::descent::{Failure, View};
use crate::net::engine::client::list::{
    About, Inquiry, ListedServer, ServerKind, ServerList, Told,
};
use crate::net::io::interfaces::on_link;
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;
use crate::types::{Endpoint, Family, ServerUrl};

/// How long a list may take with all its URLs, where nothing else is said: three requests to a server on
/// the other side of the world, and as much again for the URLs.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many are asked for URLs at once, each from a socket of its own.
const AT_ONCE: usize = 16;

/// Asks one balance server what it lists, and how the TURN servers there are reached.
///
/// It measures nobody, and goes down nowhere: whoever wants the best TURN server takes a
/// [`Balance`](crate::Balance).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::{Endpoint, Lister, ServerKind};
///
/// let root: Endpoint = "root.example".parse()?;
/// let lister = Lister::builder(root).build().await?;
/// for server in lister.list().await?.servers {
///     match server.kind {
///         ServerKind::Balance => println!("{} has a list of its own", server.addr),
///         _ => println!("{}: {:?}", server.addr, server.ways()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Lister {
    /// Its addresses, one at least; the first that answers counts.
    addrs: Vec<SocketAddr>,
    plan: ListPlan,
}

/// How a server is asked.
#[derive(Debug, Clone)]
struct ListPlan {
    view: View,
    urls: bool,
    timeout: Duration,
    source: Source,
}

impl Lister {
    /// Says whom to ask.
    pub fn builder(server: impl Into<Endpoint>) -> ListerBuilder {
        let source = Source::default();
        let plan = ListPlan { view: View::Flat, urls: true, timeout: PATIENCE, source };
        ListerBuilder { server: server.into(), family: None, plan }
    }

    /// Asks at these addresses, and for no URLs.
    pub(super) fn of(addrs: Vec<SocketAddr>, view: View, timeout: Duration) -> Self {
        let source = Source::default();
        Self { addrs, plan: ListPlan { view, urls: false, timeout, source } }
    }

    /// What the server lists now. Whom it may not name, as a descent has it, is left out.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it does not answer; [`Error::Random`].
    pub async fn list(&self) -> Result<ServerList, Error> {
        let end = Instant::now() + self.plan.timeout;
        // Each has its part of the time. With one, that is half of it where URLs are asked for after.
        let parts = self.addrs.len() as u32 + u32::from(self.plan.urls);
        let about = About::List(self.plan.view);
        let mut failed = Error::NoRoots;
        for addr in &self.addrs {
            match self.ask(*addr, about, self.plan.timeout / parts).await? {
                Told::List(list) if self.plan.urls => return Ok(self.with_urls(list, end).await),
                Told::List(list) => return Ok(list),
                told => failed = self.failure(*addr, &told).into(),
            }
        }
        Err(failed)
    }

    /// Its own nodes alone, and not what these list; and beside them those that it does not offer.
    ///
    /// # Errors
    /// As [`Lister::list`].
    #[cfg(feature = "http")]
    pub(crate) async fn own_nodes(&self) -> Result<(ServerList, Vec<UnofferedNode>), Error> {
        let addr = self.addrs.first().copied().ok_or(Error::NoRoots)?;
        match self.ask(addr, About::Whole, self.plan.timeout).await? {
            Told::Whole(whole) => {
                let (list, down) = whole.judged(addr, &on_link());
                Ok((list, down.into_iter().map(UnofferedNode::from).collect()))
            }
            told => Err(self.failure(addr, &told).into()),
        }
    }

    /// How the TURN server of an entry of its list is reached: what whoever knows it tells. Nothing, where
    /// it has none, or tells none: then it is reached over UDP at its address.
    ///
    /// # Errors
    /// As [`Lister::list`].
    pub async fn urls(&self, server: &ListedServer) -> Result<Vec<ServerUrl>, Error> {
        let first = self.addrs.first().copied().ok_or(Error::NoRoots)?;
        let (to, about) = match server.kind {
            ServerKind::Balance => return Ok(Vec::new()),
            ServerKind::Leaf => (server.addr, None),
            ServerKind::Turn => (server.checker.unwrap_or(first), Some(server.addr)),
        };
        match self.ask(to, About::Urls(about), self.plan.timeout).await? {
            Told::Urls(urls) => Ok(urls),
            told => Err(self.failure(to, &told).into()),
        }
    }

    /// Asks for the URLs of all that may have some, as far as there is time.
    async fn with_urls(&self, mut list: ServerList, end: Instant) -> ServerList {
        let lister = Self { addrs: vec![list.addr], plan: self.plan.clone() };
        let wanted = list.servers.iter().enumerate();
        let mut waiting =
            wanted.filter(|(_, server)| server.turn.is_some() && server.urls.is_empty());
        let mut asked = JoinSet::new();
        let mut found = Vec::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some((at, server)) = waiting.next()
            {
                let (lister, server) = (lister.clone(), server.clone());
                asked.spawn(async move { (at, lister.urls(&server).await.unwrap_or_default()) });
            }
            match timeout_at(end.into(), asked.join_next()).await {
                Ok(Some(Ok(urls))) => found.push(urls),
                Ok(Some(Err(_))) => {} // a panic, which is told by its hook
                Ok(None) => break,
                Err(_) => {
                    debug!(server = %list.addr, "no time left to ask for all URLs");
                    break;
                }
            }
        }
        for (at, urls) in found {
            list.servers[at].urls = urls;
        }
        list
    }

    /// Asks one server one thing.
    async fn ask(&self, to: SocketAddr, about: About, timeout: Duration) -> Result<Told, Error> {
        let mut sockets = Sockets::fresh(self.plan.source.clone());
        let (now, rng) = (Instant::now(), random::rng()?);
        let mut inquiry = Inquiry::new(to, about, timeout, on_link(), now, rng);
        loop {
            while let Some(transmit) = inquiry.poll_transmit(Instant::now()) {
                if let Err(error) = sockets.send(&transmit) {
                    debug!(%error, "cannot ask for a list");
                    inquiry.handle_unreachable();
                }
            }
            if let Some(told) = inquiry.told() {
                return Ok(told.clone());
            }
            match sockets.receive(inquiry.poll_timeout()).await {
                Input::Datagram(Datagram { from, bytes, came }) => {
                    inquiry.handle_datagram(came.moment(), from, &bytes);
                }
                Input::Unreachable(_, Unreachable { to, obstacle, quoted }) => {
                    inquiry.handle_icmp(to, obstacle, &quoted);
                }
                Input::Timeout(at) => inquiry.handle_timeout(at),
            }
        }
    }

    fn failure(&self, addr: SocketAddr, told: &Told) -> Failure {
        let (level, asked, below, unresolved) = (0, 1, None, Vec::new());
        match told {
            Told::Unreachable(obstacle) => {
                let obstacle = *obstacle;
                Failure::Unreachable { level, asked, below, addr, obstacle, unresolved }
            }
            _ => {
                let (waited, answered_from) = (self.plan.timeout, None);
                Failure::NoAnswer { level, asked, below, waited, answered_from, unresolved }
            }
        }
    }
}

/// Makes a [`Lister`], where its example is.
#[derive(Debug, Clone)]
#[must_use = "it makes nothing until it is built"]
pub struct ListerBuilder {
    server: Endpoint,
    family: Option<Family>,
    plan: ListPlan,
}

impl ListerBuilder {
    /// How long a list may take, with its URLs and the look-up of the server's name; default 3 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.timeout = timeout;
        self
    }

    /// Which list; default [`View::Flat`].
    pub fn view(mut self, view: View) -> Self {
        self.plan.view = view;
        self
    }

    /// Whether to ask how the TURN servers are reached, one request each; default yes. Without it, they are
    /// told only of the TURN server beside the server itself.
    pub fn urls(mut self, urls: bool) -> Self {
        self.plan.urls = urls;
        self
    }

    /// Only an address of this family; default any.
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Sends from this address of the host, and only to addresses of its family.
    pub fn source(mut self, source: IpAddr) -> Self {
        self.plan.source.ip = Some(source);
        self
    }

    /// Looks up the server's name. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Endpoint`], [`Error::Resolve`], [`Error::NoAddress`].
    pub async fn build(self) -> Result<Lister, Error> {
        let Self { server, family, plan } = self;
        let own = plan.source.ip.map(|ip| Family::of((ip, 0).into()));
        let addrs = tokio::time::timeout(plan.timeout, server.resolve_some(own.or(family)));
        let addrs = addrs.await.map_err(|_| server.late())??.addrs;
        let addrs = with_ways(addrs, &plan.source).await;
        if addrs.is_empty() { Err(Error::NoRoots) } else { Ok(Lister { addrs, plan }) }
    }
}
