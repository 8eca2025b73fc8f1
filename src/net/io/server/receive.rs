//! What comes to the sockets that the server itself asks from.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asking_sockets::Asks;
use super::log_limit::tell;
use super::shared::SharedState;
use crate::net::io::socket::asking::Datagram;

/// After an error, so that one that stays does not take the processor.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes what comes, for ever.
pub(super) async fn answers(shared: Arc<SharedState>) {
    loop {
        shared.asking.ready().await;
        if !catch_up(&shared, Instant::now()) {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Takes what came before this moment: no timer is to be believed before that. A process that was stopped
/// finds all of them due, and the answers in its sockets. Returns whether the system lets it.
pub(super) fn catch_up(shared: &SharedState, now: Instant) -> bool {
    let mut news = false;
    let taken = shared.asking.take(now, |asks, datagram| news |= take(shared, asks, &datagram));
    if news {
        shared.wake();
    }
    if let Err(error) = &taken {
        let may = || shared.log_limit.allow(now);
        tell!(may(), DEBUG, %error, "cannot receive answers, trying again");
    }
    taken.is_ok()
}

/// Takes in a datagram. Returns whether the control loop must hear of it.
fn take(shared: &SharedState, asks: Asks, Datagram { from, bytes, came }: &Datagram) -> bool {
    let (now, from) = (came.moment(), *from);
    let mut engine = shared.engine();
    let waits_for = engine.poll_timeout();
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
    // Of one that goes on as before nothing is due before it is asked again.
    engine.has_news() || is_sooner(engine.poll_timeout(), waits_for)
}

/// Whether something is due before the control loop looks again.
fn is_sooner(due: Option<Instant>, waits_for: Option<Instant>) -> bool {
    due.is_some_and(|due| waits_for.is_none_or(|before| due < before))
}
