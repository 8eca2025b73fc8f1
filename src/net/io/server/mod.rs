//! A running balance server: workers that answer, and a task for all that waits.

mod control;
mod counters;
mod log_limit;
mod names;
mod overflow;
mod worker;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio::task;
use tracing::{debug, info, warn};

use super::{random, socket};
use crate::config::{self, BareAnswers, Config, KeyFile, RequestLimits, TurnHealth};
use crate::error::Error;
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::answer::{Responder, Snapshot};
use crate::net::engine::server::auth::{JoinPolicy, PeerMessage, Trust};
use crate::net::engine::server::limit::{Limiter, LimiterSettings};
use crate::net::wire::MAX_ANSWER;
use crate::net::wire::auth::{Key, Keys};
use counters::Counters;
use log_limit::LogLimit;
use socket::RECEIVE_BUFFER;

/// Heartbeats that wait for the control task. More are dropped: the next ones come in seconds.
const PEER_MESSAGES: usize = 1024;

/// What came to which listening socket, and from whom.
type Arrival = (SocketAddr, SocketAddr, Box<PeerMessage>);

/// A running balance server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addrs: Vec<SocketAddr>,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
    tasks: Vec<task::JoinHandle<()>>,
    exits: mpsc::UnboundedReceiver<SocketAddr>,
}

/// What the workers and the control task share.
#[derive(Debug)]
struct Shared {
    offer: ArcSwap<Snapshot>,
    cluster: Mutex<ServerEngine>,
    stopping: AtomicBool,
    counters: Counters,
    log_limit: LogLimit,
    peer_messages: mpsc::Sender<Arrival>,
    /// The control task has something new to look at.
    news: Notify,
    /// A socket had no room.
    overflow: Notify,
}

impl Server {
    /// Opens the sockets and starts to answer. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Socket`], [`Error::Random`], [`Error::Thread`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let listeners = listen(&config.net.bind, config.net.workers)?;
        let addrs: Vec<_> = listeners.iter().map(|(addr, _)| *addr).collect();
        for addr in &addrs {
            info!(udp = %addr, workers = config.net.workers, "listening");
        }
        complain_of_small_buffers(&listeners);
        let checkers = control::open_checkers(&addrs, config.cluster.check_bind)?;

        let (peer_messages, arrivals) = mpsc::channel(PEER_MESSAGES);
        let mut cluster =
            ServerEngine::new(config.net.name.clone(), config.turn.bind, random::rng()?);
        let turn = config.turn.bind.filter(|_| config.turn.health == TurnHealth::Binding);
        let turn = turn.map(control::open_asker).transpose()?;
        if turn.is_some() {
            cluster.check_turn(Instant::now());
        }
        cluster.set_trust(Instant::now(), trust(&config.cluster)?, config.cluster.advertise);
        let shared = Arc::new(Shared {
            offer: ArcSwap::default(),
            cluster: Mutex::new(cluster),
            stopping: AtomicBool::new(false),
            counters: Counters::default(),
            log_limit: LogLimit::default(),
            peer_messages,
            news: Notify::new(),
            overflow: Notify::new(),
        });
        names::set_numeric(&shared, &config.cluster, &addrs);
        shared.refresh(Instant::now());

        let limiter = Limiter::new(policy(&config.limits), Instant::now(), &mut random::rng()?);
        let limiter = Arc::new(limiter);
        let (exit, exits) = mpsc::unbounded_channel();
        let mut server = Self { addrs, shared, threads: Vec::new(), tasks: Vec::new(), exits };
        let mut senders = Vec::new();
        for (addr, sockets) in listeners {
            let cloned = sockets[0].try_clone().map_err(socket_error("listen on", addr))?;
            senders.push((addr, cloned));
            let replies =
                socket::reply_sockets(&sockets).map_err(socket_error("answer from", addr))?;
            for (socket, reply_socket) in sockets.into_iter().zip(replies) {
                let balancer = Responder::new(limiter.clone(), random::rng()?);
                let shared = server.shared.clone();
                let worker = worker::Worker { addr, socket, reply_socket, shared, balancer };
                server.threads.push(worker.spawn(exit.clone())?);
            }
        }
        let shared = &server.shared;
        server.tasks = control::spawn(shared, checkers, turn, senders, arrivals);
        server.tasks.push(overflow::spawn(shared));
        server.tasks.extend(names::spawn(shared, config.cluster, &server.addrs));
        Ok(server)
    }

    /// Where it listens, in the order of `net.bind`; port 0 there is the real port here.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Waits until it cannot go on, and says why. Safe to drop and call again.
    pub async fn failed(&mut self) -> Error {
        match self.exits.recv().await {
            Some(addr) => Error::Worker { addr },
            // Every worker has exited and said so before.
            None => Error::Worker { addr: self.addrs[0] },
        }
    }

    /// Stops it, and waits until its sockets are closed.
    pub async fn stop(mut self) {
        self.signal();
        let threads = std::mem::take(&mut self.threads);
        let joined = task::spawn_blocking(|| {
            for thread in threads {
                let _ = thread.join(); // a panic was told by `failed`
            }
        });
        let _ = joined.await;
        for task in std::mem::take(&mut self.tasks) {
            let _ = task.await; // that it was aborted
        }
        let Shared { counters, log_limit, .. } = &*self.shared;
        debug!(%counters, left_out = log_limit.take_left_out(), "stopped answering");
    }

    fn signal(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal();
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        self.news.notify_one();
    }

    fn cluster(&self) -> MutexGuard<'_, ServerEngine> {
        // A panic elsewhere leaves engine state that is still consistent enough to answer from.
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what is offered at this moment, if that is news.
    fn refresh(&self, now: Instant) {
        let mut cluster = self.cluster();
        if let Some(offer) = cluster.poll_offer(now) {
            self.offer.store(Arc::new(offer));
        }
    }
}

/// Reads the keys, and what they are to open.
fn trust(config: &config::Cluster) -> Result<Trust, Error> {
    let keys = config.keys.iter().map(read_key).collect::<Result<Vec<_>, Error>>()?;
    let prefixes = config.join_prefixes.as_slice().into();
    let join = config.join.then_some(JoinPolicy { max_nodes: config.max_nodes, prefixes });
    Ok(Trust { keys: Keys::new(keys), require: config.require_auth, join })
}

fn read_key(file: &KeyFile) -> Result<Key, Error> {
    Ok(Key::new(file.id, &file.read()?))
}

// One answer is the least that the configuration lets pass.
const _: () = assert!(RequestLimits::MIN_BARE_BYTES as usize == MAX_ANSWER);

/// The sockets at one address, of which there is at least one.
type Listener = (SocketAddr, Vec<UdpSocket>);

/// What the file allows strangers, as the limiter takes it.
fn policy(limits: &RequestLimits) -> LimiterSettings {
    let bare_bytes = match limits.bare_answers {
        BareAnswers::Sample => 0,
        BareAnswers::Full => limits.bare_bytes.into(),
    };
    LimiterSettings {
        rates: limits.rates,
        exempt: limits.exempt.clone(),
        bare_bytes,
        ..LimiterSettings::default()
    }
}

/// Opens the listening sockets. An IPv6 wildcard takes IPv4 too, unless that has a socket of its
/// own on the same port.
fn listen(binds: &[SocketAddr], workers: u16) -> Result<Vec<Listener>, Error> {
    let open = |&addr: &SocketAddr| {
        let v4 = |other: &&SocketAddr| other.is_ipv4() && other.port() == addr.port();
        let dual = addr.ip().is_unspecified() && !binds.iter().any(|other| v4(&other));
        let sockets =
            socket::listen(addr, dual, workers).map_err(socket_error("listen on", addr))?;
        let real = sockets[0].local_addr().map_err(socket_error("listen on", addr))?;
        Ok((real, sockets))
    };
    binds.iter().map(open).collect()
}

/// Warns where the system gives the sockets less room than they ask for.
fn complain_of_small_buffers(listeners: &[Listener]) {
    let sockets = listeners.iter().flat_map(|(_, sockets)| sockets);
    let given = sockets.filter_map(|socket| socket::receive_buffer(socket).ok()).min();
    if let Some(given) = given.filter(|&given| given < RECEIVE_BUFFER) {
        warn!(
            given,
            wanted = RECEIVE_BUFFER,
            "a small receive buffer loses bursts: set the sysctl net.core.rmem_max={RECEIVE_BUFFER}"
        );
    }
}

/// The IP addresses that checks are sent from: those that the server listens on.
fn source_ips(addrs: &[SocketAddr]) -> BTreeSet<IpAddr> {
    let v6_only = |addr: &SocketAddr| addrs.iter().any(|a| a.is_ipv4() && a.port() == addr.port());
    let dual = |addr: &&SocketAddr| addr.is_ipv6() && addr.ip().is_unspecified() && !v6_only(addr);
    let v4 = addrs.iter().find(dual).map(|_| IpAddr::from(Ipv4Addr::UNSPECIFIED));
    addrs.iter().map(SocketAddr::ip).chain(v4).collect()
}

fn socket_error(operation: &'static str, addr: SocketAddr) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Socket { operation, addr, source: Arc::new(source) }
}
