use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tracing::debug;

use super::input::Input;
use super::lister::Lister;
use super::nat64::with_ways;
use super::sockets::Sockets;
use crate::error::Error;
use crate::net::engine::client::crawl::{Crawl, WholeTree};
use crate::net::engine::client::descent::{Limits, Options, View};
use crate::net::io::interfaces::on_link;
use crate::net::io::random;
use crate::net::io::socket::asking::Datagram;
use crate::net::io::socket::unreachable::Unreachable;
use crate::net::io::source::Source;
use crate::types::{Endpoint, Family, Name, Prefix};

/// Looks at all of a cascade, for `tb trace --all`.
#[derive(Debug)]
pub struct Crawler {
    roots: Vec<Endpoint>,
    family: Option<Family>,
    options: Options,
    unoffered: (Option<Name>, Vec<SocketAddr>),
}

impl Crawler {
    /// Begins at these servers, and takes so long at most.
    pub fn new(roots: Vec<Endpoint>, timeout: Duration, limits: Limits) -> Self {
        let options = Options { timeout, limits, ..Options::default() };
        Self { roots, family: None, options, unoffered: Default::default() }
    }

    /// Asks these as well, which the server of that name, else the first root, knows and does not offer.
    #[must_use]
    pub fn unoffered(mut self, by: Option<Name>, nodes: Vec<SocketAddr>) -> Self {
        self.unoffered = (by, nodes);
        self
    }

    /// Asks addresses of this family alone.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        let all = match family {
            Family::V4 => "0.0.0.0/0",
            Family::V6 => "::/0",
        };
        (self.family, self.options.within) = (Some(family), all.parse::<Prefix>().ok());
        self
    }

    /// Asks all of them; `progress` is told how many were asked, and how many have answered.
    ///
    /// # Errors
    /// [`Error::Resolve`], [`Error::NoAddress`], [`Error::Random`].
    pub async fn run(&self, progress: impl Fn(usize, usize)) -> Result<WholeTree, Error> {
        let end = Instant::now() + self.options.timeout;
        let mut roots = Vec::new();
        for root in &self.roots {
            let addr = self.root(root).await?;
            if !roots.contains(&addr) {
                roots.push(addr);
            }
        }
        let now = Instant::now();
        let timeout = end.saturating_duration_since(now);
        let options = Options { on_link: on_link(), timeout, ..self.options.clone() };
        let mut crawl = Crawl::new(&roots, options, now, random::rng()?);
        let (by, nodes) = self.unoffered.clone();
        crawl.unoffered(by, nodes);
        let mut sockets = Sockets::fresh(Source::default());
        loop {
            while let Some(transmit) = crawl.poll_transmit(Instant::now()) {
                if let Err(error) = sockets.send(&transmit) {
                    debug!(to = %transmit.to, %error, "cannot ask");
                    crawl.handle_unreachable(Instant::now(), transmit.to);
                }
            }
            let (asked, answered) = crawl.progress();
            progress(asked, answered);
            let Some(until) = crawl.poll_timeout() else { return Ok(crawl.finish(Instant::now())) };
            match sockets.receive(Some(until)).await {
                Input::Datagram(Datagram { from, bytes, came }) => {
                    crawl.handle_datagram(came.moment(), from, &bytes);
                }
                Input::Unreachable(at, Unreachable { to, obstacle, quoted }) => {
                    crawl.handle_icmp(at, to, obstacle, &quoted);
                }
                Input::Timeout(at) => crawl.handle_timeout(at),
            }
        }
    }

    /// The address of a root: of several, the first that answers.
    async fn root(&self, root: &Endpoint) -> Result<SocketAddr, Error> {
        let timeout = self.options.timeout;
        let found = tokio::time::timeout(timeout, root.resolve_some(self.family));
        let addrs = found.await.map_err(|_| root.late())??.addrs;
        let addrs = with_ways(addrs, &Source::default()).await;
        let first = addrs.first().copied().ok_or(Error::NoRoots)?;
        if addrs.len() == 1 {
            return Ok(first);
        }
        let lister = Lister::of(addrs, View::Subordinates, timeout / 2);
        Ok(lister.list().await.map_or(first, |list| list.addr))
    }
}
