use std::net::{SocketAddr, UdpSocket};
#[cfg(feature = "https")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::balance::Balance;
#[cfg(feature = "https")]
use super::https::HttpsSettings;
use super::nat64::Nat64LookUps;
use super::roots::Roots;
use super::settings::Settings;
use super::shared::SharedSocket;
use crate::error::Error;
use crate::net::engine::client::descent::{Limits, Options, Strategy, Transport, Verify, View};
#[cfg(feature = "https")]
use crate::net::io::turn::TlsRoots;
#[cfg(feature = "https")]
use crate::types::HttpsUrl;
use crate::types::{Endpoint, Family, Prefix, ServerLabel};

/// How long a trace goes on listening after the choice, for candidates that are slow: longer
/// than any path on the ground, even by way of a geostationary satellite.
const LINGER: Duration = Duration::from_secs(1);

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
            transport: None,
            #[cfg(feature = "https")]
            https_roots: Vec::new(),
            #[cfg(feature = "https")]
            ca_file: None,
        }
    }
}

/// Makes a [`Balance`].
///
/// [How it is used](crate#with-options-and-how-it-was-found).
#[derive(Debug)]
#[must_use = "it makes nothing until it is built"]
pub struct Builder {
    roots: Vec<Endpoint>,
    options: Options,
    linger: Duration,
    family: Option<Family>,
    socket: Option<UdpSocket>,
    transport: Option<Transport>,
    #[cfg(feature = "https")]
    https_roots: Vec<HttpsUrl>,
    #[cfg(feature = "https")]
    ca_file: Option<PathBuf>,
}

impl Builder {
    /// Adds a root. All roots, with all their addresses, are asked at once; of a name that has more than
    /// 64, so many. Each descent looks names up anew, all at once, and begins with what it has: one
    /// that comes late takes part as long as it can change the choice, and one that does not come is
    /// [`Selection::unresolved`](crate::Selection::unresolved).
    ///
    /// [`Endpoint::Domain`], such as `example.org`, is what the SRV records `_tb._udp.example.org` name too, with
    /// the feature `dns`: the lowest priority first, the next where these are silent for a second.
    pub fn root(mut self, root: impl Into<Endpoint>) -> Self {
        self.roots.push(root.into());
        self
    }

    /// Adds a root that is asked by HTTPS where UDP is blocked: a balance server's `[http]`. With other roots
    /// it is asked once none of these has answered for a second, or all have failed; alone it is asked
    /// at once. [How that goes](crate#where-udp-is-blocked).
    #[cfg(feature = "https")]
    pub fn https_root(mut self, root: HttpsUrl) -> Self {
        self.https_roots.push(root);
        self
    }

    /// Goes down by this alone, whichever roots there are besides; default by UDP, and by HTTPS where no UDP
    /// passes.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Whose signatures count of certificates, by HTTPS and of TURN servers by TLS: a file of certificates
    /// (PEM), which each descent reads; default those whom the system trusts.
    #[cfg(feature = "https")]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
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

    /// Labels that a TURN server must be known to have, of each key one: of `region=eu`, `region=us` and
    /// `tier=gold` the last and either of the others. Nobody else is named, or asked further, also where none
    /// of these lives: that is [`Failure::RuledOut`](crate::Failure::RuledOut). The key `name` stands for what
    /// a leaf or TURN server is called. [How that goes](crate#by-labels).
    pub fn require(mut self, labels: impl IntoIterator<Item = ServerLabel>) -> Self {
        self.options.policy.require.extend(labels);
        self
    }

    /// Labels that a TURN server had better have: whoever has one of more of their keys is better, however
    /// far it is, among those that the others allow. One that may have more is awaited up to 0.3 s longer, and
    /// once more where it is silent. Not with [`Strategy::First`], which waits for nobody.
    pub fn prefer(mut self, labels: impl IntoIterator<Item = ServerLabel>) -> Self {
        self.options.policy.prefer.extend(labels);
        self
    }

    /// Labels that a TURN server, or a balance server on the way to it, must not have, or names that they
    /// must not be called by: nobody below one who is, as far as the lists tell, is named or asked.
    pub fn exclude(mut self, labels: impl IntoIterator<Item = ServerLabel>) -> Self {
        self.options.policy.exclude.extend(labels);
        self
    }

    /// Which list servers are asked for; default [`View::Flat`].
    pub fn view(mut self, view: View) -> Self {
        self.options.view = view;
        self
    }

    /// Whether the TURN servers themselves are asked at the end (STUN Binding); default [`Verify::On`].
    pub fn verify(mut self, verify: Verify) -> Self {
        self.options.verify = verify;
        self
    }

    /// Whether to ask at the end how the TURN servers are reached, that is for
    /// [`Selection::urls`](crate::Selection::urls): a browser needs names and TLS where an address over UDP
    /// is not enough. That takes no longer, and a dozen datagrams at most; default no.
    pub fn urls(mut self, urls: bool) -> Self {
        self.options.urls = urls;
        self
    }

    /// How many [`Selection::runners_up`](crate::Selection::runners_up) are wanted, for who hands several
    /// TURN servers on: a descent then waits for their answers, up to three times as long as the best
    /// took, and 30 ms, where it would end with fewer, and for their [`urls`](Self::urls). Not with [`Strategy::First`]. Default none:
    /// those that have answered in time are runners-up all the same. [`Balance::watch`] then tells of changes
    /// of so many of them too, seven at most.
    pub fn runners_up(mut self, count: usize) -> Self {
        self.options.runners_up = count;
        self
    }

    /// How long a trace goes on listening after the choice, for candidates that are slow; default
    /// 1 s.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sends from this socket instead of a fresh one for each descent. Descents that run at once
    /// share it; candidates of another address family stay unasked. One that is connected can ask one
    /// address only, and is an error of [`build`](Self::build).
    ///
    /// All descents then have its one source port: whoever forges answers need not guess that, only
    /// their ids and nonces. Nor does a descent hear of ICMP errors, which stay the application's: a
    /// closed port is as silent as a lost datagram.
    ///
    /// On Linux it is told to stamp what it receives (`SO_TIMESTAMPNS`), so that an answer counts from
    /// when it came, however late it is read.
    pub fn socket(mut self, socket: UdpSocket) -> Self {
        self.socket = Some(socket);
        self
    }

    /// Looks up no name yet: each descent does, within its timeout. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::NoRoots`] where no root was given, [`Error::NoRootBy`] where none was by the
    /// [`transport`](Self::transport) that is to be used, [`Error::Endpoint`] where one can be asked nowhere,
    /// [`Error::NoAddress`] where all are addresses of the other family, [`Error::Socket`] where the
    /// socket given cannot be used, as one that is connected, [`Error::Roots`] where the file of
    /// certificates that was given cannot.
    pub async fn build(self) -> Result<Balance, Error> {
        let (by_udp, by_https) = (!self.roots.is_empty(), self.has_https_roots());
        match self.transport {
            Some(Transport::Udp) if !by_udp && by_https => {
                return Err(Error::NoRootBy { transport: Transport::Udp });
            }
            Some(Transport::Https) if !by_https => {
                return Err(Error::NoRootBy { transport: Transport::Https });
            }
            _ => {}
        }
        let roots = match (by_https, self.transport) {
            (true, Some(Transport::Https)) => None,
            (true, _) if !by_udp => None,
            _ => Some(Roots::new(self.roots, self.family)?),
        };
        // A mistake in it shows at once, not only where UDP is blocked.
        #[cfg(feature = "https")]
        if let Some(file) = &self.ca_file {
            TlsRoots::file(file).map_err(|source| Error::roots(Some(file), source))?;
        }
        #[cfg(feature = "https")]
        let https = (by_https && self.transport != Some(Transport::Udp)).then_some(HttpsSettings {
            roots: self.https_roots,
            family: self.family,
            ca_file: self.ca_file,
        });
        let settings = Settings {
            roots,
            options: self.options,
            linger: self.linger,
            nat64: Nat64LookUps::default(),
            socket: self.socket.map(SharedSocket::new).transpose()?.map(Arc::new),
            #[cfg(feature = "https")]
            https,
        };
        Ok(Balance { settings: Arc::new(settings) })
    }

    fn has_https_roots(&self) -> bool {
        #[cfg(feature = "https")]
        return !self.https_roots.is_empty();
        #[cfg(not(feature = "https"))]
        false
    }
}
