use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::access::Access;
use super::caller::Callers;
use super::desk::Desk;
use super::lists::Lists;
use super::mint::Mint;
use super::routes::router;
use crate::config::Http;
use crate::error::Error;
use crate::net::http::admission::ConnectionRoom;
use crate::net::http::certificate::Certificate;
use crate::net::http::listener::{Service, listen, run};
use crate::types::Prefix;

/// What web pages and the back ends of applications ask: a balance server's list by HTTP, and credentials
/// for the TURN servers on it.
///
/// It has a thread and a runtime of its own, and asks the server as clients do. Dropping it stops it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use turn_balance::{Broker, Config, Server};
///
/// let config = Config::load("balance.toml")?;
/// let http = config.http.clone();
/// let server = Server::start(config).await?;
/// let broker = Broker::start(http, server.addrs()).await?;
/// println!("https at {:?}", broker.addrs());
/// let error = broker.failed().await; // only where it cannot go on
/// broker.stop().await;
/// # Err(error.into())
/// # }
/// ```
#[derive(Debug)]
pub struct Broker {
    addrs: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    /// Is closed when all has ended.
    ended: watch::Receiver<()>,
}

/// A broker that listens.
struct OpenBroker {
    listeners: Vec<TcpListener>,
    service: Service,
}

impl Broker {
    /// Opens the sockets of a broker and starts to answer. `server`: where the balance server listens that
    /// it speaks for, as [`Server::addrs`](crate::Server::addrs) has it.
    ///
    /// # Errors
    /// [`Error::Listen`], [`Error::Certificate`], [`Error::Key`], [`Error::Thread`]; [`Error::NoRoots`] where
    /// no address of a server is given.
    pub async fn start(config: Http, server: &[SocketAddr]) -> Result<Self, Error> {
        let server = server.iter().find(|addr| addr.is_ipv4()).or(server.first());
        let server = asked_at(*server.ok_or(Error::NoRoots)?);
        let (started, is_started) = oneshot::channel();
        let work = move || serve(&config, server, started);
        thread::Builder::new().name("tb http".into()).spawn(work).map_err(Error::Thread)?;
        // A thread that says nothing has panicked.
        is_started.await.unwrap_or(Err(Error::Task { task: "broker" }))
    }

    /// Whether what a configuration names can be used, beyond what its text shows: the certificate fits its
    /// key, and the files of secrets have some.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Key`].
    pub fn check(config: &Http) -> Result<(), Error> {
        Access::new(config)?;
        Mint::new(config)?;
        certificate(config).map(drop)
    }

    /// Where it listens, in the order of `http.bind`; port 0 there is the real port here.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Waits until it has stopped where it must not. Safe to drop and call again.
    pub async fn failed(&self) -> Error {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: this ends when the thread does.
        while ended.changed().await.is_ok() {}
        Error::Task { task: "broker" }
    }

    /// Takes no more connections, lets those end that are answered, for 10 s at most, and waits for it.
    pub async fn stop(self) {
        let _ = self.stopping.send(true);
        self.failed().await;
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.stopping.send(true);
    }
}

/// The thread of a broker, with a runtime of its own: what comes here takes no time from the workers.
fn serve(config: &Http, server: SocketAddr, started: oneshot::Sender<Result<Broker, Error>>) {
    let (_end, ended) = watch::channel(());
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(Error::Thread(error)))),
    };
    runtime.block_on(async {
        let OpenBroker { listeners, service } = match open(config, server).await {
            Ok(open) => open,
            Err(error) => return drop(started.send(Err(error))),
        };
        let addrs = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let (stopping, stopped) = watch::channel(false);
        let broker = Broker { addrs, stopping, ended };
        // One that nobody takes any more is dropped, and so stopped.
        let _ = started.send(Ok(broker));
        let mut running = JoinSet::new();
        for listener in listeners {
            running.spawn(run(listener, service.clone(), stopped.clone()));
        }
        while running.join_next().await.is_some() {}
    });
}

async fn open(config: &Http, server: SocketAddr) -> Result<OpenBroker, Error> {
    let certificate = certificate(config)?.map(Arc::new);
    let binds: Vec<_> = config.bind.iter().map(|bind| bind.addr()).collect();
    let listeners = binds.iter().map(|addr| listen(*addr, &binds));
    let listeners = listeners.collect::<Result<Vec<_>, Error>>()?;
    let trusted: Arc<[Prefix]> = config.trusted_proxies.clone().into();
    let lists = Arc::new(Lists::new(server).await?);
    let (access, mint) = (Arc::new(Access::new(config)?), Arc::new(Mint::new(config)?));
    let desk = Desk { lists, callers: Callers::new(trusted.clone()), access, mint };
    let router = router(desk, config.demo);
    let admission = Arc::new(ConnectionRoom::new());
    Ok(OpenBroker { listeners, service: Service { router, certificate, admission, trusted } })
}

fn certificate(config: &Http) -> Result<Option<Certificate>, Error> {
    let files = config.cert.as_ref().zip(config.key.as_ref());
    files.map(|(certificate, key)| Certificate::read(certificate, key)).transpose()
}

/// Where a server is asked from its own host that listens there.
fn asked_at(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        _ => return addr,
    };
    SocketAddr::new(ip, addr.port())
}
