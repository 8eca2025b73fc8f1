//! The client of the cascade: descents over real sockets.

mod pinger;
mod socket;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::error::Error;
use crate::net::engine::client::descent::{
    Descent, Limits, Options, Progress, Selection, Strategy, Trace, View,
};
use crate::net::io::random;
use crate::net::io::socket::Unreachable;
use crate::types::Prefix;
use crate::types::{Endpoint, Family};
pub use pinger::Pinger;
use socket::{Input, Shared, Sockets};

/// How long a trace goes on listening after the choice, for candidates that are slow: longer
/// than any path on the ground, even by way of a geostationary satellite.
const LINGER: Duration = Duration::from_secs(1);

/// A client of the cascade.
///
/// Cheap to clone. Each descent has ids and, unless [`Builder::socket`] gave one, a socket and a
/// source port of its own, so many can run at once; dropping the future of one stops it.
#[derive(Debug, Clone)]
pub struct Balance {
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Settings {
    roots: Vec<SocketAddr>,
    options: Options,
    linger: Duration,
    socket: Option<Arc<Shared>>,
}

impl Balance {
    /// A client of one root, with the default settings.
    ///
    /// # Errors
    /// None for now: sockets are opened by each descent.
    pub async fn new(root: SocketAddr) -> Result<Self, Error> {
        Self::builder().root(root).build().await
    }

    /// Sets what [`Balance::new`] leaves at its default.
    pub fn builder() -> Builder {
        Builder {
            roots: Vec::new(),
            options: Options::default(),
            linger: LINGER,
            family: None,
            socket: None,
        }
    }

    /// The best TURN server's address, found in at most this many seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`], and whatever kept it from asking.
    pub async fn probe(&self, seconds: u8) -> Result<SocketAddr, Error> {
        let timeout = Duration::from_secs(seconds.into());
        let options = Options { timeout, ..self.settings.options.clone() };
        let descent = self.descend(options, |_| {}).await?;
        Ok(conclude(&descent)?.turn)
    }

    /// The best TURN server, how it was found and what that cost.
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select(&self) -> Result<Selection, Error> {
        self.select_with(|_| {}).await
    }

    /// As [`Balance::select`], and calls `progress` after every step: its
    /// [`provisional`](Progress::provisional) is there long before the choice is final.
    ///
    /// # Errors
    /// As [`Balance::probe`].
    pub async fn select_with(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Selection, Error> {
        conclude(&self.descend(self.settings.options.clone(), progress).await?)
    }

    /// Everything that a descent sees, names and slow candidates included. A descent that finds
    /// nothing is no error here: [`Trace::outcome`] says why.
    ///
    /// # Errors
    /// What kept it from asking.
    pub async fn trace(&self) -> Result<Trace, Error> {
        self.trace_with(|_| {}).await
    }

    /// As [`Balance::trace`], and calls `progress` after every step.
    ///
    /// # Errors
    /// As [`Balance::trace`].
    pub async fn trace_with(&self, progress: impl FnMut(Progress) + Send) -> Result<Trace, Error> {
        let Settings { options, linger, .. } = &*self.settings;
        let options = Options { names: true, linger: *linger, ..options.clone() };
        let descent = self.descend(options, progress).await?;
        // A descent only returns when it is finished, and then has a trace.
        descent.trace().ok_or(Error::NoRoots)
    }

    async fn descend(
        &self,
        options: Options,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Descent, Error> {
        let roots = &self.settings.roots;
        let mut sockets = Sockets::new(self.settings.socket.clone());
        let mut descent = Descent::new(options, roots, Instant::now(), random::rng()?);
        let mut sent = false;
        let mut refusal = None;
        loop {
            while let Some(transmit) = descent.poll_transmit(Instant::now()) {
                match sockets.send(&transmit) {
                    Ok(()) => sent = true,
                    Err(error) => {
                        descent.handle_unreachable(Instant::now(), transmit.to);
                        refusal = Some(error);
                    }
                }
            }
            if let Some(error) = refusal.take_if(|_| !sent && descent.is_finished()) {
                return Err(error); // not one datagram left this host
            }
            progress(descent.progress());
            let Some(deadline) = descent.poll_timeout() else {
                return Ok(descent);
            };
            tokio::select! {
                input = sockets.receive() => match input {
                    Input::Datagram((from, bytes, at)) => descent.handle_datagram(at, from, &bytes),
                    Input::Unreachable(Unreachable { to, obstacle, quoted }) => {
                        descent.handle_icmp(Instant::now(), to, obstacle, &quoted);
                    }
                },
                () = tokio::time::sleep_until(deadline.into()) => {
                    descent.handle_timeout(Instant::now());
                }
            }
        }
    }
}

fn conclude(descent: &Descent) -> Result<Selection, Error> {
    // A descent that is finished has a selection or a failure; without roots it has neither.
    Ok(descent.selection().ok_or(Error::NoRoots)??)
}

fn late(root: &Endpoint) -> Error {
    let source = Arc::new(io::ErrorKind::TimedOut.into());
    Error::Resolve { host: root.to_string(), source }
}

/// Makes a [`Balance`].
#[derive(Debug)]
pub struct Builder {
    roots: Vec<Endpoint>,
    options: Options,
    linger: Duration,
    family: Option<Family>,
    socket: Option<UdpSocket>,
}

impl Builder {
    /// Adds a root. All roots, with all their addresses, are asked at once.
    pub fn root(mut self, root: impl Into<Endpoint>) -> Self {
        self.roots.push(root.into());
        self
    }

    /// How to choose; default [`Strategy::Best`].
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.options.strategy = strategy;
        self
    }

    /// How long a descent may take; default 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Only addresses of this family, of roots and of what they list; default both.
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self.options.within = Some(match family {
            Family::V4 => Prefix::V4,
            Family::V6 => Prefix::V6,
        });
        self
    }

    /// What a descent may send; see [`Limits`] for the defaults.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Which list servers are asked for; default [`View::Flat`].
    pub fn view(mut self, view: View) -> Self {
        self.options.view = view;
        self
    }

    /// Whether the TURN servers themselves are asked at the end (STUN Binding); default yes.
    pub fn verify(mut self, verify: bool) -> Self {
        self.options.verify = verify;
        self
    }

    /// How long a trace goes on listening after the choice, for candidates that are slow; default
    /// 1 s.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sends from this socket instead of a fresh one for each descent. Descents that run at once
    /// share it; candidates of another address family stay unasked.
    ///
    /// All descents then have its one source port: whoever forges answers need not guess that, only
    /// their ids and nonces. Nor does a descent hear of ICMP errors, which stay the application's: a
    /// closed port is as silent as a lost datagram.
    pub fn socket(mut self, socket: UdpSocket) -> Self {
        self.socket = Some(socket);
        self
    }

    /// Looks up the roots' names, each for no longer than a descent may take. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::NoRoots`], [`Error::Resolve`] and [`Error::NoAddress`] where no root has an
    /// address, [`Error::Socket`] where the socket given cannot be used.
    pub async fn build(self) -> Result<Balance, Error> {
        let mut roots = Vec::new();
        let mut failed = None;
        for root in &self.roots {
            match timeout(self.options.timeout, root.resolve(self.family)).await {
                Ok(Ok(addrs)) => roots.extend(addrs),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => failed = Some(late(root)),
            }
        }
        if roots.is_empty() {
            return Err(failed.unwrap_or(Error::NoRoots));
        }
        let socket = self.socket.map(Shared::new).transpose()?.map(Arc::new);
        let Self { options, linger, .. } = self;
        Ok(Balance { settings: Arc::new(Settings { roots, options, linger, socket }) })
    }
}
