//! Opens the sockets of a server, and starts its parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::mpsc;

use super::asking_sockets::Asks;
use super::check_sockets::CheckSockets;
use super::control::{ControlLoop, HeartbeatSocket};
use super::listen::listen;
use super::out_of_reach::OutOfReach;
use super::shared::SharedState;
use super::turn_socket::TurnSocket;
use super::worker::Worker;
use super::{names, networks, overflow, receive, settings};
use crate::config::Config;
use crate::error::{Error, SocketOperation};
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::answer::Responder;
use crate::net::engine::server::limit::Limiter;
use crate::net::io::random;
use crate::net::io::socket::listen::Listener;
use crate::net::io::socket::reply::reply_sockets;
use crate::types::TurnHealth;

/// Heartbeats that wait for the control loop. More are dropped: the next ones come in seconds.
const PEER_MESSAGES: usize = 1024;

/// A server all of whose parts have been started.
pub(super) struct Started {
    pub(super) addrs: Vec<SocketAddr>,
    pub(super) shared: Arc<SharedState>,
    pub(super) workers: Vec<JoinHandle<()>>,
}

/// Starts one. Its tasks are those of the runtime that this is called on.
pub(super) fn start(config: Config) -> Result<Started, Error> {
    config.validate()?;
    let listeners = listen(&config.net.bind, config.net.workers)?;
    let addrs: Vec<_> = listeners.iter().map(|listener| listener.addr).collect();
    let check_sockets = CheckSockets::open(&addrs, config.cluster.check_bind)?;

    let (peer_messages, arrivals) = mpsc::channel(PEER_MESSAGES);
    let turn = config.turn.checked_at().map(|(bind, _)| bind).next();
    let mut engine = ServerEngine::new(config.net.name.clone(), turn, random::rng()?);
    let turn = turn.filter(|_| config.turn.health != TurnHealth::None);
    let turn = turn.map(TurnSocket::open).transpose()?;
    if turn.is_some() {
        engine.check_turn(Instant::now());
    }
    settings::turn_login(&config.turn.keys())?;
    for turn in config.cluster.nodes.iter().filter_map(|node| node.turn.as_ref()) {
        settings::turn_login(&turn.keys())?;
    }
    let trust = settings::trust(&config.cluster)?;
    engine.set_trust(Instant::now(), trust, config.cluster.advertise);
    let shared = Arc::new(SharedState::new(engine, peer_messages));
    names::set_numeric(&shared, &config.cluster, &addrs);
    shared.refresh(Instant::now());

    let limits = settings::limiter(&config.limits);
    let limiter = Arc::new(Limiter::new(limits, Instant::now(), &mut random::rng()?));
    let mut started = Started { addrs, shared, workers: Vec::new() };
    let mut heartbeat_sockets = Vec::new();
    for Listener { addr, sockets } in listeners {
        if let Some(first) = sockets.first() {
            let socket = first.try_clone().map_err(Error::socket(SocketOperation::Listen, addr))?;
            heartbeat_sockets.push(HeartbeatSocket { addr, socket });
        }
        let replies =
            reply_sockets(&sockets).map_err(Error::socket(SocketOperation::Answer, addr))?;
        for (socket, reply_socket) in sockets.into_iter().zip(replies) {
            let responder = Responder::new(limiter.clone(), random::rng()?);
            let shared = started.shared.clone();
            let worker = Worker { addr, socket, reply_socket, shared, responder };
            started.workers.push(worker.spawn()?);
        }
    }
    let shared = &started.shared;
    networks::set(shared);
    shared.parts.spawn("watch over networks", networks::watch(shared.clone()));
    for socket in check_sockets.sockets() {
        shared.asking.add(Asks::Nodes, socket.clone());
    }
    if let Some(turn) = &turn {
        shared.asking.add(Asks::Turn, turn.socket().clone());
    }
    shared.parts.spawn("receiver of answers", receive::answers(shared.clone()));
    let control = ControlLoop {
        shared: shared.clone(),
        check_sockets,
        turn,
        heartbeat_sockets,
        out_of_reach: OutOfReach::default(),
    };
    shared.parts.spawn("control loop", control.run(arrivals));
    shared.parts.spawn("watch over full buffers", overflow::tell(shared.clone()));
    names::spawn(shared, config.cluster, &started.addrs);
    Ok(started)
}

impl Drop for Started {
    /// Also where a later part could not be started.
    fn drop(&mut self) {
        self.shared.parts.stop();
        for worker in std::mem::take(&mut self.workers) {
            let _ = worker.join(); // a panic was told by `failed`
        }
    }
}
