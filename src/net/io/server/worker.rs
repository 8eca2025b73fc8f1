//! A worker: a plain thread that owns a socket and does nothing but answer.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, trace, warn};

use super::part::Part;
use super::receive::catch_up;
use super::shared::{Arrival, SharedState};
use crate::error::Error;
use crate::net::engine::server::answer::{Answer, Handled, Responder, Snapshot};
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::incoming::{Incoming, LocalAddr};
use crate::net::io::socket::Batch;

/// Errors in a row, 100 ms apart, after which a socket has no hope: ten seconds.
const HOPELESS: u32 = 100;

/// How often a worker looks what its socket had no room for, twice before the log tells of it again, and
/// whether others may ask as often as before.
const LOOK: Duration = Duration::from_millis(500);

pub(super) struct Worker {
    pub(super) addr: SocketAddr,
    pub(super) socket: UdpSocket,
    /// What it answers from.
    pub(super) reply_socket: UdpSocket,
    pub(super) shared: Arc<SharedState>,
    pub(super) responder: Responder,
}

impl Worker {
    /// Starts the thread.
    pub(super) fn spawn(self) -> Result<JoinHandle<()>, Error> {
        let name = format!("tb {}", self.addr.port());
        let watched = self.shared.parts.watch(Part::Worker(self.addr));
        let work = move || {
            let _watched = watched;
            self.run();
        };
        thread::Builder::new().name(name).spawn(work).map_err(Error::Thread)
    }

    fn run(mut self) {
        let mut batch = Batch::new();
        let mut errors = 0;
        let mut look = Instant::now();
        let mut looks = self.may_look(look);
        while !self.shared.parts.stopping() && errors < HOPELESS {
            let received = batch.receive(&self.socket);
            let now = Instant::now();
            match received {
                Ok(count) => {
                    errors = 0;
                    match looks {
                        true => self.answer::<true>(&mut batch, count, now),
                        false => self.answer::<false>(&mut batch, count, now),
                    }
                }
                Err(error) if is_transient(&error) => errors = 0,
                Err(error) => {
                    errors += 1;
                    self.shared.counters.receive_error();
                    if errors == 1 {
                        warn!(udp = %self.addr, %error, "cannot receive, trying again");
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            }
            if now >= look {
                look = now + LOOK;
                self.count_lost(&mut batch);
                looks = self.may_look(now);
                self.responder.set_limiter(self.shared.limiter.load_full());
            }
            self.shared.counters.called(batch.take_calls());
        }
        self.count_lost(&mut batch);
        if errors >= HOPELESS {
            error!(udp = %self.addr, "nothing but errors from the socket");
        }
    }

    /// Whether each datagram is looked at, for the log or for what superiors send.
    fn may_look(&self, now: Instant) -> bool {
        let checks =
            self.shared.snapshot.load().has_superiors() && self.shared.check_watch.is_due(now);
        checks || tracing::enabled!(tracing::Level::TRACE)
    }

    fn count_lost(&self, batch: &mut Batch) {
        let lost = batch.take_lost(&self.socket);
        if lost > 0 {
            self.shared.counters.add_lost(lost);
            self.shared.overflow.notify_one();
        }
    }

    /// Answers a batch. What looks at datagrams keeps them, and so is no part of what does not.
    fn answer<const LOOKS: bool>(&mut self, batch: &mut Batch, count: usize, now: Instant) {
        let mut snapshot = self.shared.snapshot.load();
        if !snapshot.holds(now) {
            catch_up(&self.shared, now);
            self.shared.refresh(now);
            self.shared.wake();
            snapshot = self.shared.snapshot.load();
        }
        let counters = &self.shared.counters;
        let sent = batch.answer(&self.reply_socket, count, |received, head| {
            let to = received.to.unwrap_or(self.addr.ip());
            let to = &LocalAddr(SocketAddr::new(to, self.addr.port()));
            let incoming = Incoming { to, from: received.from, bytes: received.bytes };
            let mut answer = Answer { head: std::mem::take(head), tail: &[] };
            let handled = match received.truncated {
                true => Handled::Drop(DropReason::Truncated),
                false => self.responder.handle_datagram(&snapshot, now, incoming, &mut answer),
            };
            *head = answer.head;
            if LOOKS {
                look_at(&self.shared, &snapshot, now, incoming, &handled);
            }
            match handled {
                Handled::Answer => return Some(answer.tail),
                Handled::Retry => {
                    counters.retry();
                    return Some(answer.tail);
                }
                Handled::PeerMessage(message) => {
                    counters.heartbeat();
                    let arrival =
                        Arrival { listener: LocalAddr(self.addr), from: *received.from, message };
                    if !self.shared.pass_on(arrival) {
                        counters.peer_message_lost();
                    }
                }
                Handled::Drop(reason) => counters.dropped(reason),
            }
            None
        });
        counters.answered(sent);
    }
}

/// Out of line, for the address stays in registers then.
#[cold]
fn look_at(
    shared: &SharedState,
    snapshot: &Snapshot,
    now: Instant,
    Incoming { from, bytes, .. }: Incoming,
    handled: &Handled,
) {
    if tracing::enabled!(tracing::Level::TRACE) && shared.log_limit.allow(now) {
        trace_datagram(*from, handled);
    }
    let answered = matches!(handled, Handled::Answer | Handled::Retry);
    if answered
        && shared.check_watch.is_due(now)
        && let Some(fault) = snapshot.as_check(*from, bytes)
    {
        shared.check_watch.found(now);
        let mut engine = shared.engine();
        engine.handle_check(now, *from, fault);
        if engine.has_news() {
            shared.wake();
        }
    }
}

fn trace_datagram(from: SocketAddr, handled: &Handled) {
    match handled {
        // Nothing of what it says.
        Handled::PeerMessage(_) => trace!(%from, verdict = "PeerMessage", "datagram"),
        _ => trace!(%from, verdict = ?handled, "datagram"),
    }
}

/// Whether nothing is wrong: nothing came in a while, or an earlier answer found nobody.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    let transient = [WouldBlock, TimedOut, Interrupted, ConnectionRefused, ConnectionReset];
    transient.contains(&error.kind())
}
