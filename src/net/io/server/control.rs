//! The control loop: all that waits, checks and heartbeats among it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use super::check_sockets::CheckSockets;
use super::event_log;
use super::log_limit::tell;
use super::out_of_reach::OutOfReach;
use super::receive::catch_up;
use super::shared::{Arrival, SharedState};
use super::turn_sockets::TurnSockets;
use crate::net::engine::Transmit;
use crate::net::engine::server::ServerEngine;
use crate::net::engine::server::heartbeat::Outgoing;
use crate::net::engine::server::incoming::LocalAddr;
use crate::net::engine::server::ways::Way;
use crate::net::io::socket::asking::TELLS_WHEN;
use crate::net::io::socket::batch::BATCH;
use crate::net::io::socket::udp::BoundAddr;

/// What falls due or comes so soon after a step of the loop waits for the next: of thousands of checks and
/// answers many are one step's, and go with one system call. When an answer came the system says; where it
/// does not, none waits.
const GATHER: Duration = Duration::from_millis(5);

/// How long it waits where nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// How late it may be until it takes itself for one that was stopped, as all of the process was: then it
/// gives the workers so long to read what has come for it.
const LATE: Duration = Duration::from_secs(1);
const WORKERS_TURN: Duration = Duration::from_millis(50);

pub(super) struct ControlLoop {
    pub(super) shared: Arc<SharedState>,
    pub(super) check_sockets: CheckSockets,
    /// Where TURN servers are asked from.
    pub(super) turn_sockets: TurnSockets,
    pub(super) heartbeat_sockets: Vec<HeartbeatSocket>,
    /// Superiors that none of these can send to.
    pub(super) out_of_reach: OutOfReach,
}

/// A listening socket, which heartbeats are sent from.
pub(super) struct HeartbeatSocket {
    pub(super) addr: SocketAddr,
    pub(super) socket: UdpSocket,
}

impl ControlLoop {
    /// Does what is due and takes peer messages, for ever.
    pub(super) async fn run(mut self, mut peer_messages: mpsc::Receiver<Arrival>) {
        loop {
            let next = self.step(Instant::now()).unwrap_or_else(|| Instant::now() + IDLE);
            let next = next.max(Instant::now() + GATHER);
            if TELLS_WHEN {
                tokio::time::sleep(GATHER).await;
            }
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.shared.asking.ready() => {}
                () = self.shared.news.notified() => {}
                Some(arrival) = peer_messages.recv() => self.handle(Instant::now(), &arrival),
            }
            if next + LATE < Instant::now() {
                self.let_workers_read(&mut peer_messages).await;
            }
            // What has come is taken before any timer is believed.
            for _ in 0..peer_messages.len() {
                peer_messages.try_recv().into_iter().for_each(|a| self.handle(Instant::now(), &a));
            }
        }
    }

    /// Takes what they pass on meanwhile.
    async fn let_workers_read(&self, peer_messages: &mut mpsc::Receiver<Arrival>) {
        let mut turn = std::pin::pin!(tokio::time::sleep(WORKERS_TURN));
        loop {
            tokio::select! {
                () = &mut turn => return,
                Some(arrival) = peer_messages.recv() => self.handle(Instant::now(), &arrival),
            }
        }
    }

    fn handle(&self, now: Instant, Arrival { listener, from, message }: &Arrival) {
        let result = self.shared.engine().handle_peer_message(now, *listener, *from, message);
        tell!(self.shared.log_limit.allow(now), TRACE, %from, ?result, "heartbeat");
        if let Err(reason) = result {
            self.shared.counters.dropped(reason);
        }
    }

    /// Everything that is due. Returns when the next is.
    fn step(&mut self, now: Instant) -> Option<Instant> {
        catch_up(&self.shared, now);
        let mut engine = self.shared.engine();
        engine.set_wall_clock(now, unix_time());
        engine.handle_timeout(now);
        drop(engine);
        self.ask(now); // soon, for it is the moment that their answers are timed from
        self.shared.refresh(now);
        loop {
            let mut engine = self.shared.engine();
            let heartbeat = engine.poll_heartbeat(now);
            let event = engine.poll_event().map(|event| (event, engine.count()));
            let next = engine.poll_timeout();
            drop(engine); // what follows are system calls
            if heartbeat.is_none() && event.is_none() {
                return next;
            }
            if let Some(heartbeat) = heartbeat {
                self.send_heartbeat(now, &heartbeat);
            }
            if let Some((event, count)) = event {
                event_log::write(event, count, &self.check_sockets);
            }
        }
    }

    /// Sends the checks that are due, and the requests to TURN servers, as many at once as make a batch.
    fn ask(&mut self, now: Instant) {
        loop {
            let [checks, bindings] = due(&mut self.shared.engine(), now);
            if checks.is_empty() && bindings.is_empty() {
                return;
            }
            self.check_sockets.send(now, checks, &self.shared);
            self.turn_sockets.send(now, bindings, &self.shared);
        }
    }

    /// Sends from every listening socket of the family, until it is known by which one of them
    /// the superior knows the node.
    fn send_heartbeat(&mut self, now: Instant, Outgoing { transmit: heartbeat, via }: &Outgoing) {
        let reaches =
            |socket: &HeartbeatSocket| BoundAddr(socket.addr).name_for(heartbeat.to).is_some();
        if !self.heartbeat_sockets.iter().any(reaches) {
            return self.out_of_reach.tell("superior", heartbeat.to);
        }
        let may = || self.shared.log_limit.allow(now);
        for HeartbeatSocket { addr, socket } in &self.heartbeat_sockets {
            if via.is_some_and(|via| via != LocalAddr(*addr)) {
                continue;
            }
            let Some(to) = BoundAddr(*addr).name_for(heartbeat.to) else {
                continue;
            };
            match socket.send_to(&heartbeat.payload, to) {
                Ok(_) => tell!(may(), TRACE, to = %heartbeat.to, from = %addr, "heartbeat"),
                Err(error) => {
                    let to = heartbeat.to;
                    tell!(may(), DEBUG, %to, from = %addr, %error, "cannot send a heartbeat");
                }
            }
        }
    }
}

/// The checks that are due, and the requests to TURN servers, of each no more than a batch.
fn due(engine: &mut ServerEngine, now: Instant) -> [Vec<(Way, Transmit)>; 2] {
    let check = |engine: &mut ServerEngine| {
        let check = engine.poll_check(now)?;
        Some((engine.way_of_check(check.to), check))
    };
    let checks = std::iter::from_fn(|| check(engine)).take(BATCH).collect();
    let bindings = std::iter::from_fn(|| engine.poll_binding(now)).take(BATCH).collect();
    [checks, bindings]
}

/// The seconds since 1970.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
