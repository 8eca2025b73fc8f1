use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task;
use tracing::debug;

use super::check_sockets::CheckSockets;
use super::control::{ControlLoop, HeartbeatSocket};
use super::listen::listen;
use super::shared::SharedState;
use super::worker::Worker;
use super::{names, networks, overflow, receive, settings};
use crate::config::{Config, TurnHealth};
use crate::error::{Error, SocketOperation};
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::answer::Responder;
use crate::net::engine::server::limit::Limiter;
use crate::net::io::random;
use crate::net::io::socket::listen::Listener;
use crate::net::io::socket::reply::reply_sockets;
use crate::net::io::socket::udp::{any, open};
use crate::types::Family;

/// Heartbeats that wait for the control loop. More are dropped: the next ones come in seconds.
const PEER_MESSAGES: usize = 1024;

/// A running balance server. Dropping it stops it.
///
/// [How it is used](crate#a-server).
#[derive(Debug)]
pub struct Server {
    addrs: Vec<SocketAddr>,
    shared: Arc<SharedState>,
    threads: Vec<thread::JoinHandle<()>>,
    tasks: Vec<task::JoinHandle<()>>,
    exits: mpsc::UnboundedReceiver<SocketAddr>,
}

impl Server {
    /// Opens the sockets and starts to answer. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Key`], [`Error::Socket`], [`Error::Random`], [`Error::Thread`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let listeners = listen(&config.net.bind, config.net.workers)?;
        let addrs: Vec<_> = listeners.iter().map(|listener| listener.addr).collect();
        let check_sockets = CheckSockets::open(&addrs, config.cluster.check_bind)?;

        let (peer_messages, arrivals) = mpsc::channel(PEER_MESSAGES);
        let mut engine =
            ServerEngine::new(config.net.name.clone(), config.turn.bind, random::rng()?);
        let turn = config.turn.bind.filter(|_| config.turn.health == TurnHealth::Binding);
        let turn = turn.map(open_turn_socket).transpose()?.map(Arc::new);
        if turn.is_some() {
            engine.check_turn(Instant::now());
        }
        let trust = settings::trust(&config.cluster)?;
        engine.set_trust(Instant::now(), trust, config.cluster.advertise);
        let shared = Arc::new(SharedState::new(engine, peer_messages));
        names::set_numeric(&shared, &config.cluster, &addrs);
        shared.refresh(Instant::now());

        let limits = settings::limiter(&config.limits);
        let limiter = Arc::new(Limiter::new(limits, Instant::now(), &mut random::rng()?));
        let (exit, exits) = mpsc::unbounded_channel();
        let mut server = Self { addrs, shared, threads: Vec::new(), tasks: Vec::new(), exits };
        let mut heartbeat_sockets = Vec::new();
        for Listener { addr, sockets } in listeners {
            if let Some(first) = sockets.first() {
                let socket =
                    first.try_clone().map_err(Error::socket(SocketOperation::Listen, addr))?;
                heartbeat_sockets.push(HeartbeatSocket { addr, socket });
            }
            let replies =
                reply_sockets(&sockets).map_err(Error::socket(SocketOperation::Answer, addr))?;
            for (socket, reply_socket) in sockets.into_iter().zip(replies) {
                let responder = Responder::new(limiter.clone(), random::rng()?);
                let shared = server.shared.clone();
                let worker = Worker { addr, socket, reply_socket, shared, responder };
                server.threads.push(worker.spawn(exit.clone())?);
            }
        }
        let shared = &server.shared;
        server.tasks.push(networks::spawn(shared));
        for socket in check_sockets.sockets() {
            let task = receive::check_answers(shared.clone(), socket.clone());
            server.tasks.push(tokio::spawn(task));
        }
        if let Some(socket) = turn.clone() {
            server.tasks.push(tokio::spawn(receive::bindings(shared.clone(), socket)));
        }
        let control =
            ControlLoop { shared: shared.clone(), check_sockets, turn, heartbeat_sockets };
        server.tasks.push(tokio::spawn(control.run(arrivals)));
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
        let SharedState { counters, log_limit, .. } = &*self.shared;
        debug!(%counters, left_out = log_limit.take_left_out(), "stopped answering");
    }

    fn signal(&self) {
        self.shared.stop();
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

/// Opens the socket that the TURN server beside a leaf is asked from.
fn open_turn_socket(turn: SocketAddr) -> Result<UdpSocket, Error> {
    let addr = any(Family::of(turn));
    open(addr).map_err(Error::socket(SocketOperation::AskTurn, addr))
}
