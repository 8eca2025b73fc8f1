//! What comes to the sockets that the server itself asks from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use super::log_limit::tell;
use super::shared::SharedState;
use crate::net::engine::server::ServerEngine;
use crate::net::io::socket::udp::ANSWER_ROOM;
use crate::types::canonical;

/// After an error, so that one that stays does not take the processor.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the answers to checks, for ever.
pub(super) async fn check_answers(shared: Arc<SharedState>, socket: Arc<UdpSocket>) {
    let handle = |engine: &mut ServerEngine, now, from, datagram: &[u8]| {
        let outcome = engine.handle_answer(now, from, datagram);
        shared.counters.checked(outcome);
        tell!(shared.log_limit.allow(now), TRACE, %from, verdict = ?outcome, "answer to a check");
        // Of a node that goes on as before nothing is due before its next check.
        engine.has_news()
    };
    receive(&shared, &socket, handle).await;
}

/// Takes what the TURN server beside a leaf answers, for ever.
pub(super) async fn bindings(shared: Arc<SharedState>, socket: Arc<UdpSocket>) {
    let handle = |engine: &mut ServerEngine, now, from, datagram: &[u8]| {
        let right = engine.handle_binding(now, from, datagram);
        if !right {
            shared.counters.stray_binding();
        }
        right
    };
    receive(&shared, &socket, handle).await;
}

/// Whether something is due before the control loop looks again.
fn is_sooner(due: Option<Instant>, waits_for: Option<Instant>) -> bool {
    due.is_some_and(|due| waits_for.is_none_or(|before| due < before))
}

/// Takes what comes to a socket, for ever. `handle` says whether the control loop must hear of it.
async fn receive(
    shared: &SharedState,
    socket: &UdpSocket,
    handle: impl Fn(&mut ServerEngine, Instant, SocketAddr, &[u8]) -> bool,
) {
    let mut buffer = vec![0; ANSWER_ROOM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((len, from)) => {
                let from = canonical(from);
                let mut engine = shared.engine();
                let waits_for = engine.poll_timeout();
                let news = handle(&mut engine, Instant::now(), from, &buffer[..len]);
                let hurries = is_sooner(engine.poll_timeout(), waits_for);
                drop(engine);
                if news || hurries {
                    shared.wake();
                }
            }
            Err(error) => {
                let may = || shared.log_limit.allow(Instant::now());
                tell!(may(), DEBUG, %error, "cannot receive answers, trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
