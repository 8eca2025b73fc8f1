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
use super::load::{self, LoadPlan};
use super::out_of_reach::OutOfReach;
use super::reload::{Reloader, Wishes};
use super::shared::SharedState;
use super::turn_sockets::TurnSockets;
use super::url_checks::UrlChecks;
use super::worker::Worker;
use super::{joined_file, names, networks, overflow, settings};
use crate::config::{Cluster, Config};
use crate::error::{Error, SocketOperation};
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::answer::Responder;
use crate::net::engine::server::limit::Limiter;
use crate::net::engine::server::turn::{HealthPlan, TurnSpec};
use crate::net::io::random;
use crate::net::io::socket::listen::Listener;
use crate::net::io::socket::reply::reply_sockets;
use crate::types::Endpoint;

/// Heartbeats that wait for the control loop. More are dropped: the next ones come in seconds.
const PEER_MESSAGES: usize = 1024;

/// A server all of whose parts have been started.
pub(super) struct Started {
    pub(super) addrs: Vec<SocketAddr>,
    pub(super) shared: Arc<SharedState>,
    pub(super) workers: Vec<JoinHandle<()>>,
}

/// Starts one, and what changes its configuration. Its tasks are those of the runtime that this is called on.
pub(super) fn start(config: Config) -> Result<(Started, Wishes), Error> {
    config.validate()?;
    let listeners = listen(&config.net.bind, config.net.workers)?;
    let addrs: Vec<_> = listeners.iter().map(|listener| listener.addr).collect();
    let check_sockets = CheckSockets::open(&addrs, config.cluster.check_bind)?;

    let (peer_messages, arrivals) = mpsc::channel(PEER_MESSAGES);
    let mut engine = ServerEngine::new(config.net.name.clone(), random::rng()?);
    engine.set_labels(config.net.labels.clone());
    let turn = settings::turn(&config.turn)?;
    let plans = settings::turn_plans(&config.cluster)?;
    let mut turn_sockets = TurnSockets::default();
    for TurnSpec { addr, .. } in turn.iter().filter(|turn| turn.plan != HealthPlan::None) {
        turn_sockets.open(Instant::now(), *addr)?;
    }
    for (node, plan) in config.cluster.nodes.iter().zip(&plans) {
        if let (Endpoint::Addr(addr), Some(_)) = (&node.addr, plan) {
            turn_sockets.open(Instant::now(), *addr)?;
        }
    }
    let Cluster { nodes, join, .. } = &config.cluster;
    engine.set_barren(Instant::now(), nodes.is_empty() && turn.is_empty() && !join);
    engine.set_turn(Instant::now(), turn);
    engine.set_weight(config.turn.told_weight());
    let url_checks = UrlChecks::new(&config, 0)?;
    let trust = settings::trust(&config.cluster)?;
    let keys = trust.keys.clone();
    engine.set_trust(Instant::now(), trust, config.cluster.advertise);
    let limits = settings::limiter(&config.limits);
    let limiter = Limiter::new(limits, Instant::now(), &mut random::rng()?);
    let shared = Arc::new(SharedState::new(engine, limiter, peer_messages));
    names::set_numeric(&shared, &config.cluster, &plans, &addrs);
    shared.refresh(Instant::now());
    shared.joined_file.set_path(config.cluster.state.clone());
    joined_file::recall(&shared, &addrs);

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
            let responder = Responder::new(started.shared.limiter.load_full(), random::rng()?);
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
    for socket in turn_sockets.sockets() {
        shared.asking.add(Asks::Turn, socket.clone());
    }
    let control = ControlLoop {
        shared: shared.clone(),
        check_sockets,
        turn_sockets,
        heartbeat_sockets,
        out_of_reach: OutOfReach::default(),
    };
    shared.parts.spawn("control loop", control.run(arrivals));
    shared.parts.spawn("file of joined nodes", joined_file::keep(shared.clone()));
    shared.parts.spawn("watch over full buffers", overflow::tell(shared.clone()));
    let config = Arc::new(config);
    let names = names::spawn(shared, config.clone(), plans, &started.addrs);
    let urls = url_checks.spawn(shared);
    let load = load::spawn(LoadPlan::new(&config.turn), shared);
    let shared = shared.clone();
    let reloader = Reloader { shared, config, keys, first_entry: 0, names, urls, load };
    Ok((started, reloader.spawn()))
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
