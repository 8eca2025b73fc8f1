//! What has come to the sockets that the server itself asks from.

use std::time::Instant;

use super::asking_sockets::Asks;
use super::log_limit::tell;
use super::shared::SharedState;
use crate::net::io::socket::asking::Datagram;

/// Takes what came before this moment: no timer is to be believed before that. A process that was stopped
/// finds all of them due, and the answers in its sockets.
pub(super) fn catch_up(shared: &SharedState, now: Instant) {
    let taken = shared.asking.take(now, |asks, datagram| take(shared, asks, &datagram));
    if let Err(error) = &taken {
        let may = || shared.log_limit.allow(now);
        tell!(may(), DEBUG, %error, "cannot receive answers, trying again");
    }
}

fn take(shared: &SharedState, asks: Asks, Datagram { from, bytes, came }: &Datagram) {
    let (now, from) = (came.moment(), *from);
    let mut engine = shared.engine();
    match asks {
        Asks::Nodes => {
            let outcome = engine.handle_answer(now, from, bytes);
            shared.counters.checked(outcome);
            tell!(shared.log_limit.allow(now), TRACE, %from, verdict = ?outcome, "answer to a check");
        }
        Asks::Turn => {
            if !engine.handle_binding(now, from, bytes) {
                shared.counters.stray_binding();
            }
        }
    }
}
